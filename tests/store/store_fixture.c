#include "store_fixture.h"

#include "base/sha256.h"
#include "store/timestamps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- databases ---- */

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static struct fixture fixture;

int fixture_start_sqlite(void **state)
{
    fixture = (struct fixture){.sqlite = true};
    snprintf(fixture.directory, sizeof fixture.directory, "/tmp/vecfill-sqlite-XXXXXX");
    *state = &fixture;
    return mkdtemp(fixture.directory) ? 0 : -1;
}

int fixture_start_postgres(void **state)
{
    fixture = (struct fixture){0};
    *state = &fixture;
    if (!pg_server_start(&fixture.server))
        return -1;
    pg_server_export(&fixture.server);
    return 0;
}

int fixture_stop(void **state)
{
    struct fixture *f = *state;
    if (f->sqlite)
        return rmdir(f->directory);
    pg_server_stop(&f->server);
    return 0;
}

static void connect_postgres(struct fixture *f)
{
    f->pg = PQconnectdb(f->url);
    vf_check(PQstatus(f->pg) == CONNECTION_OK, "%s", PQerrorMessage(f->pg));
    PQsetNoticeReceiver(f->pg, ignore_notice, NULL);
}

void fixture_recreate(struct fixture *f, const char *options)
{
    char sql[256];
    PQfinish(f->pg);
    snprintf(f->url, sizeof f->url, "dbname=postgres");
    connect_postgres(f);
    snprintf(
        sql, sizeof sql, "CREATE DATABASE t%u TEMPLATE template0 %s", ++f->n_databases, options);
    fixture_run(f, sql);
    PQfinish(f->pg);
    snprintf(f->url, sizeof f->url, "dbname=t%u", f->n_databases);
    connect_postgres(f);
}

int fixture_new_database(void **state)
{
    struct fixture *f = *state;
    if (!f->sqlite) {
        fixture_recreate(f, "");
        return 0;
    }
    snprintf(f->url, sizeof f->url, "sqlite:%s/t%u.db", f->directory, ++f->n_databases);
    return sqlite3_open(f->url + strlen("sqlite:"), &f->db);
}

int fixture_drop_database(void **state)
{
    struct fixture *f = *state;
    PQfinish(f->pg);
    f->pg = NULL;
    if (f->sqlite) {
        const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
        sqlite3_close(f->db);
        for (size_t i = 0; i < VF_COUNT(suffixes); i++) {
            char path[300];
            snprintf(path, sizeof path, "%s%s", f->url + strlen("sqlite:"), suffixes[i]);
            unlink(path);
        }
    }
    f->db = NULL;
    return 0;
}

/* ---- SQL ---- */

void fixture_run(struct fixture *f, const char *sql)
{
    if (f->sqlite) {
        char *message = NULL;
        int result = sqlite3_exec(f->db, sql, NULL, NULL, &message);
        vf_check(result == SQLITE_OK, "%s: %s", message ? message : "", sql);
        return;
    }
    PGresult *result = PQexec(f->pg, sql);
    ExecStatusType status = PQresultStatus(result);
    vf_check(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s",
        PQerrorMessage(f->pg), sql);
    PQclear(result);
}

void fixture_run_either(struct fixture *f, const char *sqlite, const char *postgres)
{
    fixture_run(f, f->sqlite ? sqlite : postgres);
}

static char text[1 << 16];

static void get_sqlite(struct fixture *f, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(f->db, sql, -1, &statement, NULL);
    vf_check(result == SQLITE_OK, "%s: %s", sqlite3_errmsg(f->db), sql);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        const uint8_t *bytes = sqlite3_column_blob(statement, 0);
        size_t n = (size_t)sqlite3_column_bytes(statement, 0);
        if (sqlite3_column_type(statement, 0) == SQLITE_BLOB)
            for (size_t i = 0; i < n; i++)
                snprintf(text + 2 * i, 3, "%02x", bytes[i]);
        else
            snprintf(
                text, sizeof text, "%s", n ? (const char *)sqlite3_column_text(statement, 0) : "");
    }
    sqlite3_finalize(statement);
}

const char *fixture_get(struct fixture *f, const char *sql)
{
    text[0] = '\0';
    if (f->sqlite) {
        get_sqlite(f, sql);
        return text;
    }
    PGresult *result = PQexec(f->pg, sql);
    vf_check(PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", PQerrorMessage(f->pg), sql);
    if (PQntuples(result) > 0) {
        const char *value = PQgetvalue(result, 0, 0);
        snprintf(text, sizeof text, "%s", strncmp(value, "\\x", 2) == 0 ? value + 2 : value);
    }
    PQclear(result);
    return text;
}

/* ---- expectations ---- */

void expect_ok(int rc, const struct vf_err *err, const char *what)
{
    vf_check(rc == 0, "%s: code %d: %s", what, rc, err->msg);
}

void expect_error(
    int rc, enum vf_code code, const struct vf_err *err, const char *part, const char *what)
{
    vf_check(rc == (int)code && (int)err->code == rc, "%s: code %d instead of %d: %s", what, rc,
        (int)code, rc ? err->msg : "no error");
    vf_check(!part || strstr(err->msg, part) || strstr(err->hint, part),
        "%s: no '%s' in '%s' or '%s'", what, part, err->msg, err->hint);
}

/* ---- stores ---- */

struct vf_store *fixture_open(struct fixture *f, const struct vf_store_names *names)
{
    struct vf_store *store = NULL;
    struct vf_err err;
    expect_ok(vf_store_open(f->url, names, VF_STORE_CREATE, &store, &err), &err, "open");
    return store;
}

struct vf_store *fixture_open_ready(struct fixture *f, const char *vector_type)
{
    struct vf_schema_options options = {.vector_type = vector_type};
    struct vf_store *store = fixture_open(f, NULL);
    struct vf_err err;
    expect_ok(vf_store_init(store, &options, NULL, &err), &err, "init");
    return store;
}

struct vf_selection select_all(void)
{
    return (struct vf_selection){
        .model_id = "m", .from_us = VF_INSTANT_MIN, .until_us = VF_INSTANT_MAX};
}

const char *read_ids(struct vf_store *store, const struct vf_selection *selection,
    size_t max_articles, size_t max_bytes, struct vf_counts *ret_counts)
{
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_counts counts = {0};
    struct vf_err err;
    size_t n = 0;
    bool end = false;
    text[0] = '\0';
    expect_ok(vf_reader_new(store, selection, &reader, &err), &err, "reader");
    while (!end) {
        int rc = vf_reader_next(reader, max_articles, max_bytes, &page, &end, &err);
        expect_ok(rc, &err, "page");
        vf_check(page.n <= max_articles, "%zu articles on a page of %zu", page.n, max_articles);
        for (size_t i = 0; i < page.n; i++)
            n += (size_t)snprintf(
                text + n, sizeof text - n, "%s%s", n ? "," : "", page.articles[i].id);
        counts.missing += page.n;
        counts.unchanged += page.unchanged;
        counts.empty += page.empty;
        counts.failed += page.failed;
    }
    vf_page_release(&page);
    vf_reader_free(reader);
    if (ret_counts)
        *ret_counts = counts;
    return text;
}

struct vf_counts count_selection(struct vf_store *store, const struct vf_selection *selection)
{
    struct vf_reader *reader = NULL;
    struct vf_counts counts, pages;
    struct vf_err err;
    expect_ok(vf_reader_new(store, selection, &reader, &err), &err, "reader");
    expect_ok(vf_reader_count(reader, &counts, &err), &err, "count");
    vf_reader_free(reader);
    read_ids(store, selection, 3, 1 << 20, &pages);
    vf_check(pages.missing == counts.missing + counts.changed &&
                 pages.unchanged == counts.unchanged && pages.empty == counts.empty &&
                 pages.failed == counts.failed,
        "pages %s, counts differ", counts_text(pages));
    return counts;
}

const char *counts_text(struct vf_counts counts)
{
    static char s[100];
    snprintf(s, sizeof s, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, counts.missing,
        counts.changed, counts.unchanged, counts.empty);
    return s;
}

void import_articles(struct vf_store *store, const struct article_spec *articles, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct article_spec *spec = &articles[i];
        struct vf_import_article article = {.id = spec->id,
            .language = spec->language,
            .headline = spec->headline,
            .body = spec->body};
        struct vf_err err;
        bool ok = vf_timestamp_parse(
            spec->published_at, strlen(spec->published_at), &article.published_at_us);
        vf_check(ok, "time of article %s", spec->id);
        expect_ok(vf_store_import(store, &article, 1, &err), &err, spec->id);
    }
}

size_t embed_all(struct vf_store *store, const struct vf_selection *selection)
{
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_err err;
    size_t n = 0;
    bool end = false;
    expect_ok(vf_reader_new(store, selection, &reader, &err), &err, "reader");
    while (!end) {
        expect_ok(vf_reader_next(reader, 5, 1 << 20, &page, &end, &err), &err, "page");
        for (size_t i = 0; i < page.n; i++, n++) {
            const struct vf_article *article = &page.articles[i];
            const float vector[] = {(float)strtod(article->id, NULL) + 0.5f, -1, 0.25f, 3e-7f};
            uint8_t hash[VF_SHA256_BYTES];
            expect_ok(vf_sha256(article->text, article->n_text, hash, &err), &err, "hash");
            struct vf_row row = {article->id, vector, hash, 7, i % 2 == 1, article->is_new};
            expect_ok(vf_store_write(store, selection->model_id, 4, &row, 1, &err), &err, "write");
        }
    }
    vf_page_release(&page);
    vf_reader_free(reader);
    return n;
}
