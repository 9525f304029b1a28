/* A news desk for tests of the backfill: an SQLite database with articles, two stores on it, and a
 * third connection for looking and meddling. Every failure fails the test. */
#ifndef VF_TESTS_DESK_H
#define VF_TESTS_DESK_H

#include "pipeline/backfill.h"
#include "support/tiny_model.h"
#include "unit/scratch.h"

#include <sqlite3.h>
#include <vecfill/vecfill.h>

#define DESK_MODEL_ID "tiny"

struct desk {
    struct scratch scratch;
    struct vf_store *reader, *writer;
    sqlite3 *raw;
};

/* A new database with the tables. */
void desk_init(struct desk *desk);
void desk_release(struct desk *desk);

/* Adds or replaces article `number`, published so many seconds after 2025-01-01; an even one is
 * English, an odd one German. `body` may be NULL. */
void desk_put(struct desk *desk, unsigned number, const char *headline, const char *body);

/* Adds `n` articles from `first` on, all different, of 4 to 90 words. */
void desk_fill(struct desk *desk, unsigned first, unsigned n);

/* Runs SQL on the third connection. */
void desk_sql(struct desk *desk, const char *sql);

/* The first column of the first row. */
int64_t desk_number(struct desk *desk, const char *sql);

/* Everything that was stored, ordered by article, as a checksum in hexadecimal. */
void desk_checksum(struct desk *desk, char ret[65]);

/* Every article, 64 rows a transaction. */
struct vf_backfill_options desk_options(void);

/* vf_backfill(); checks that the accounting holds and fits the table. */
int desk_run(struct desk *desk, struct vf_embedder *embedder,
    const struct vf_backfill_options *options, struct vf_backfill_report *report,
    struct vf_err *err);

/* Writes `model` (NULL: the tiny model as it is) and opens it on `threads`. */
struct vf_embedder *desk_embedder(
    struct desk *desk, const struct tiny_model *model, unsigned threads);

#endif
