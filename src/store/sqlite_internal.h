/* What the files of the SQLite store share. */
#ifndef VF_STORE_SQLITE_INTERNAL_H
#define VF_STORE_SQLITE_INTERNAL_H

#include "store/file_claims.h"
#include "store/store_backend.h"

#include <sqlite3.h>

struct sqlite_store {
    struct vf_store base;
    sqlite3 *db;
    char *path;
    struct vf_store_info info; /* which of vecfill's columns there are, once inspected */
    bool articles_known, embeddings_known; /* inspected */
    bool has_vector_ref, has_language;
    struct vf_file_claims claims;
    unsigned readers; /* begun so far; numbers their temporary tables */
};

/* How long to wait for another program's transaction. */
enum { VF_SQLITE_BUSY_MS = 30000 };

/* ---- sqlite.c ---- */

/* Fills err from the last error of the connection. */
int vf__sqlite_fail(struct sqlite_store *s, struct vf_err *err);

/* Runs SQL that yields nothing. */
VF_MUST_CHECK int vf__sqlite_run(struct sqlite_store *s, const char *sql, struct vf_err *err);

/* Expands `text` (see sql_text.h) with the names and `extra` words and prepares it. The caller
 * finalizes *ret. */
VF_MUST_CHECK int vf__sqlite_prepare(struct sqlite_store *s, const char *text,
    const struct vf_sql_word *extra, size_t n_extra, sqlite3_stmt **ret, struct vf_err *err);

/* Steps: *ret_row tells whether there is a row. */
VF_MUST_CHECK int vf__sqlite_step(
    struct sqlite_store *s, sqlite3_stmt *statement, bool *ret_row, struct vf_err *err);

/* Binds a string, or NULL. It must outlive the statement's use. */
VF_MUST_CHECK int vf__sqlite_bind_text(struct sqlite_store *s, sqlite3_stmt *statement, int index,
    const char *text, struct vf_err *err);

/* Runs a statement that yields one integer, without parameters. */
VF_MUST_CHECK int vf__sqlite_get_integer(
    struct sqlite_store *s, const char *text, int64_t *ret, struct vf_err *err);

/* Registers what SQL lacks: vf_instant(), vf_state() and others. */
VF_MUST_CHECK int vf__sqlite_add_functions(struct sqlite_store *s, struct vf_err *err);

/* Ends a transaction: commits when `rc` is 0, else rolls back and returns `rc`. */
VF_MUST_CHECK int vf__sqlite_end_transaction(struct sqlite_store *s, int rc, struct vf_err *err);

/* Of a database whose readers share, in a file beside it. */
int vf__sqlite_reader_claim(struct vf_reader *reader, int64_t key, bool *ret, struct vf_err *err);

/* ---- sqlite_catalog.c ---- */

VF_MUST_CHECK int vf__sqlite_table_exists(
    struct sqlite_store *s, const struct vf_table_name *table, bool *ret, struct vf_err *err);

/* Look at a table once: resolve the time column, learn which of the columns there are. A table or
 * column that is missing is VF_ERR_NOT_FOUND. */
VF_MUST_CHECK int vf__sqlite_inspect_articles(struct sqlite_store *s, struct vf_err *err);
VF_MUST_CHECK int vf__sqlite_inspect_embeddings(struct sqlite_store *s, struct vf_err *err);

int vf__sqlite_init(struct vf_store *store, const struct vf_schema_options *options,
    size_t *ret_changes, struct vf_err *err);
int vf__sqlite_has_articles(struct vf_store *store, bool *ret, struct vf_err *err);
int vf__sqlite_check(struct vf_store *store, size_t dimensions, bool for_writing,
    struct vf_store_info *ret, struct vf_err *err);

/* ---- sqlite_read.c ---- */

int vf__sqlite_reader_new(struct vf_store *store, const struct vf_selection *selection,
    struct vf_reader **ret, struct vf_err *err);
void vf__sqlite_reader_free(struct vf_reader *reader);
int vf__sqlite_reader_next(struct vf_reader *reader, size_t max_articles, size_t max_bytes,
    struct vf_page *page, bool *ret_end, struct vf_err *err);
int vf__sqlite_reader_count(struct vf_reader *reader, struct vf_counts *ret, struct vf_err *err);
int vf__sqlite_scan_vectors(struct vf_store *store, const struct vf_selection *selection,
    vf_vector_visitor *visit, void *context, struct vf_err *err);
/* Reads the floats of `row`, (source_id, vector, …), into `floats`. VF_ERR_DATA when they are none.
 */
VF_MUST_CHECK int vf__sqlite_read_vector(
    sqlite3_stmt *row, struct vf_buf *floats, size_t *ret_n, struct vf_err *err);

int vf__sqlite_sample(struct vf_store *store, const char *model_id, size_t n,
    vf_sample_visitor *visit, void *context, struct vf_err *err);
int vf__sqlite_find_article(
    struct vf_store *store, const char *id, struct vf_article_summary *ret, struct vf_err *err);
int vf__sqlite_status(struct vf_store *store, const char *model_id, vf_status_visitor *visit,
    void *context, struct vf_err *err);
int vf__sqlite_count_articles(
    struct vf_store *store, uint64_t *ret, uint64_t *ret_never_selected, struct vf_err *err);

/* ---- sqlite_models.c ---- */

int vf__sqlite_find_model(
    struct vf_store *store, const char *model_id, struct vf_model_state *ret, struct vf_err *err);
int vf__sqlite_record_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_model_record *ret, struct vf_err *err);
int vf__sqlite_replace_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_err *err);

/* ---- sqlite_audit.c ---- */

int vf__sqlite_audit(struct vf_store *store, const char *model_id, vf_audit_visitor *visit,
    void *context, struct vf_err *err);
int vf__sqlite_orphans(struct vf_store *store, const char *model_id, vf_orphan_visitor *visit,
    void *context, struct vf_err *err);
int vf__sqlite_prune(
    struct vf_store *store, const char *model_id, uint64_t *ret_n, struct vf_err *err);

/* ---- sqlite_write.c ---- */

int vf__sqlite_write(struct vf_store *store, const char *model_id, size_t dimensions,
    const struct vf_row *rows, const size_t *order, size_t n, struct vf_err *err);
int vf__sqlite_record_failure(struct vf_store *store, const char *model_id,
    const struct vf_failure *failure, struct vf_err *err);
int vf__sqlite_import(struct vf_store *store, const struct vf_import_article *articles,
    const size_t *order, size_t n, struct vf_err *err);

#endif
