/* A fresh, empty database for each test: a file for SQLite, a database on a server of the tests'
 * own for PostgreSQL. The state of a cmocka test is a struct fixture *. */
#ifndef VF_TESTS_STORE_STORE_FIXTURE_H
#define VF_TESTS_STORE_STORE_FIXTURE_H

#include "harness.h"
#include "pg_server.h"
#include "store/store.h"

#include <libpq-fe.h>
#include <sqlite3.h>

struct fixture {
    bool sqlite;
    struct pg_server server;
    char directory[64]; /* of SQLite's file */
    unsigned n_databases;
    char url[256];
    /* The test's own connection, beside the store's. */
    PGconn *pg;
    sqlite3 *db;
};

/* Group setup and teardown. */
int fixture_start_sqlite(void **state);
int fixture_start_postgres(void **state);
int fixture_stop(void **state);

/* Test setup and teardown. */
int fixture_new_database(void **state);
int fixture_drop_database(void **state);

/* Makes the next database with `options` of CREATE DATABASE, e.g. "ENCODING 'SQL_ASCII'", in place
 * of the test's; PostgreSQL only. */
void fixture_recreate(struct fixture *f, const char *options);

/* Runs SQL on the test's own connection; fails the test when that fails. */
void fixture_run(struct fixture *f, const char *sql);

/* Runs the first on SQLite, the second on PostgreSQL. */
void fixture_run_either(struct fixture *f, const char *sqlite, const char *postgres);

/* The first field of the first row as text ("" for NULL or no row), valid until the next call.
 * BLOBs and bytea come as lower-case hexadecimal. */
const char *fixture_get(struct fixture *f, const char *sql);

/* Opens a store and fails the test when that fails. */
struct vf_store *fixture_open(struct fixture *f, const struct vf_store_names *names);

/* The same after vf_store_init() with `vector_type`. */
struct vf_store *fixture_open_ready(struct fixture *f, const char *vector_type);

/* Fails the test unless `rc` is 0. */
void expect_ok(int rc, const struct vf_err *err, const char *what);

/* Fails the test unless `rc` is `code` and the message and hint hold `part` (may be NULL). */
void expect_error(
    int rc, enum vf_code code, const struct vf_err *err, const char *part, const char *what);

/* Reads the whole selection in pages and returns "id,id,…" of what is to do, valid until the next
 * call; *ret_counts (may be NULL) gets the sum of the pages with all that is to do as `missing`. */
const char *read_ids(struct vf_store *store, const struct vf_selection *selection,
    size_t max_articles, size_t max_bytes, struct vf_counts *ret_counts);

/* Counts and checks that pages agree. */
struct vf_counts count_selection(struct vf_store *store, const struct vf_selection *selection);

/* "missing changed unchanged empty", valid until the next call. */
const char *counts_text(struct vf_counts counts);

/* Every article, model "m", refresh CHANGED. */
struct vf_selection select_all(void);

/* Imports articles from (id, "YYYY-MM-DD…", language, headline, body). */
struct article_spec {
    const char *id, *published_at, *language, *headline, *body;
};
void import_articles(struct vf_store *store, const struct article_spec *articles, size_t n);

/* Writes vectors of 4 floats that depend on the id, with the hash of the article's text, for every
 * article of the selection that is to do. Returns their number. */
size_t embed_all(struct vf_store *store, const struct vf_selection *selection);

#endif
