/* What the files of the PostgreSQL store share. */
#ifndef VF_STORE_POSTGRES_INTERNAL_H
#define VF_STORE_POSTGRES_INTERNAL_H

#include "store/store_backend.h"

#include <libpq-fe.h>

/* Types by their fixed ids (pg_type.dat). */
enum {
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_BOOL = 16,
    PG_FLOAT4 = 700,
    PG_TIMESTAMP = 1114,
    PG_TIMESTAMPTZ = 1184,
    PG_BOOL_ARRAY = 1000,
    PG_BYTEA_ARRAY = 1001,
    PG_INT8_ARRAY = 1016,
    PG_INT4_ARRAY = 1007,
    PG_TEXT_ARRAY = 1009,
    PG_FLOAT4_ARRAY = 1021,
    PG_TIMESTAMP_ARRAY = 1115
};

struct pg_store {
    struct vf_store base;
    PGconn *conn;
    int64_t answer_timeout_ms; /* how long a statement may take */
    bool ready;                /* the session has its settings */
    struct vf_buf blank;       /* regular expression of texts that are empty */
    bool articles_known, embeddings_known;
    /* From the articles table. */
    bool has_language;
    Oid time_type;         /* PG_TIMESTAMPTZ, or PG_TIMESTAMP also for a date column */
    struct vf_buf id_type; /* as SQL */
    /* From the embeddings table. */
    struct vf_store_info info;
    bool has_vector_ref;
    struct vf_buf vector_type; /* as SQL, without dimensions */
    size_t dimensions;         /* that the column's type allows; 0: any */
    bool takes_copy;           /* new rows may come by COPY: postgres_copy.c */
};

/* ---- postgres_params.c: parameters and results, all in the binary format ---- */

enum { PG_MAX_PARAMS = 12 };

struct pg_params {
    int n;
    Oid types[PG_MAX_PARAMS];
    const char *values[PG_MAX_PARAMS];
    int lengths[PG_MAX_PARAMS];
    int formats[PG_MAX_PARAMS];
    char scratch[PG_MAX_PARAMS][8];
};

/* Each adds the next parameter. Strings and bytes must outlive the query. NULL is NULL. */
void vf__pg_add_text(struct pg_params *params, const char *text);
void vf__pg_add_int8(struct pg_params *params, int64_t value);
void vf__pg_add_bytes(struct pg_params *params, Oid type, const struct vf_buf *bytes);

/* An instant; before what PostgreSQL can hold it is -infinity. */
void vf__pg_add_instant(struct pg_params *params, Oid type, int64_t us);

/* An instant as the server counts, read by vf__pg_get_int8(). */
void vf__pg_add_server_instant(struct pg_params *params, Oid type, int64_t server_us);
void vf__pg_add_null(struct pg_params *params, Oid type);

/* A one-dimensional array of `n` elements: begin, then n times an item. */
VF_MUST_CHECK int vf__pg_array_begin(
    struct vf_buf *array, Oid element, size_t n, struct vf_err *err);
VF_MUST_CHECK int vf__pg_array_item(
    struct vf_buf *array, const void *bytes, size_t n, struct vf_err *err); /* NULL is NULL */
VF_MUST_CHECK int vf__pg_array_int4(struct vf_buf *array, uint32_t value, struct vf_err *err);
VF_MUST_CHECK int vf__pg_array_int8(struct vf_buf *array, int64_t value, struct vf_err *err);
VF_MUST_CHECK int vf__pg_array_instant(struct vf_buf *array, int64_t us, struct vf_err *err);

/* Fields of a result; NULL reads as 0, "" or no bytes. */
int64_t vf__pg_get_int8(const PGresult *result, int row, int column);
int64_t vf__pg_get_instant(const PGresult *result, int row, int column);
struct vf_value vf__pg_get_value(const PGresult *result, int row, int column);

/* ---- postgres.c ---- */

/* Fills err from a failed `result` (may be NULL: the connection's own error). */
int vf__pg_fail(struct pg_store *s, const PGresult *result, struct vf_err *err);

/* Expands `text` (see sql_text.h) with the names and `extra` words. */
VF_MUST_CHECK int vf__pg_expand(struct pg_store *s, const char *text,
    const struct vf_sql_word *extra, size_t n_extra, struct vf_buf *sql, struct vf_err *err);

/* Sends a statement without waiting for an answer. */
VF_MUST_CHECK int vf__pg_send(
    struct pg_store *s, const char *sql, const struct pg_params *params, struct vf_err *err);

/* Sends what waits to be sent. */
VF_MUST_CHECK int vf__pg_flush(struct pg_store *s, struct vf_err *err);

/* The answer to what was sent, or to the last statement of it. The caller clears *ret; `ret` may be
 * NULL. */
VF_MUST_CHECK int vf__pg_receive(struct pg_store *s, PGresult **ret, struct vf_err *err);

/* Opens the connection anew unless it is ready for the next statement. */
VF_MUST_CHECK int vf__pg_reconnect(struct pg_store *s, struct vf_err *err);

/* Waits until PQgetResult() has something to give at once. */
VF_MUST_CHECK int vf__pg_await(struct pg_store *s, struct vf_err *err);

/* Expands and runs one statement; `params` may be NULL. The caller clears *ret, which may be NULL
 * when no rows are wanted. */
VF_MUST_CHECK int vf__pg_query(struct pg_store *s, const char *text,
    const struct vf_sql_word *extra, size_t n_extra, const struct pg_params *params, PGresult **ret,
    struct vf_err *err);

/* ---- postgres_catalog.c ---- */

/* Look at a table once. A table or column that is missing is VF_ERR_NOT_FOUND, one of a type that
 * cannot serve VF_ERR_CONFIG. */
VF_MUST_CHECK int vf__pg_inspect_articles(struct pg_store *s, struct vf_err *err);
VF_MUST_CHECK int vf__pg_inspect_embeddings(struct pg_store *s, struct vf_err *err);

/* Hints at rights that the role lacks. `kind` is "" for a table, or "SEQUENCE "; `name` is SQL. */
void vf__pg_hint_grant(const struct pg_store *s, const char *rights, const char *kind,
    const char *name, struct vf_err *err);

/* Whether vectors are kept as bytes; known once the embeddings table is. */
bool vf__pg_is_bytea(const struct pg_store *s);

int vf__pg_init(struct vf_store *store, const struct vf_schema_options *options,
    size_t *ret_changes, struct vf_err *err);
int vf__pg_has_articles(struct vf_store *store, bool *ret, struct vf_err *err);
int vf__pg_check(struct vf_store *store, size_t dimensions, bool for_writing,
    struct vf_store_info *ret, struct vf_err *err);

/* ---- postgres_read.c ---- */

int vf__pg_reader_new(struct vf_store *store, const struct vf_selection *selection,
    struct vf_reader **ret, struct vf_err *err);
void vf__pg_reader_free(struct vf_reader *reader);
int vf__pg_reader_next(struct vf_reader *reader, size_t max_articles, size_t max_bytes,
    struct vf_page *page, bool *ret_end, struct vf_err *err);
int vf__pg_reader_claim(struct vf_reader *reader, int64_t key, bool *ret, struct vf_err *err);
int vf__pg_reader_count(struct vf_reader *reader, struct vf_counts *ret, struct vf_err *err);
int vf__pg_scan_vectors(struct vf_store *store, const struct vf_selection *selection,
    vf_vector_visitor *visit, void *context, struct vf_err *err);
/* Reads the floats of `row`, (source_id, vector, …), into `floats`. VF_ERR_DATA when they are none.
 */
VF_MUST_CHECK int vf__pg_read_vector(const struct pg_store *s, const PGresult *rows, int row,
    struct vf_buf *floats, size_t *ret_n, struct vf_err *err);

/* Runs a statement and visits its rows one by one, each a result of its own, as they come. */
typedef int vf__pg_row_visitor(void *context, const PGresult *row, struct vf_err *err);
VF_MUST_CHECK int vf__pg_stream(struct pg_store *s, const char *sql, const struct pg_params *params,
    vf__pg_row_visitor *visit, void *context, struct vf_err *err);

int vf__pg_sample(struct vf_store *store, const char *model_id, size_t n, vf_sample_visitor *visit,
    void *context, struct vf_err *err);
int vf__pg_find_article(
    struct vf_store *store, const char *id, struct vf_article_summary *ret, struct vf_err *err);
int vf__pg_status(struct vf_store *store, const char *model_id, vf_status_visitor *visit,
    void *context, struct vf_err *err);
int vf__pg_count_articles(
    struct vf_store *store, uint64_t *ret, uint64_t *ret_never_selected, struct vf_err *err);

/* ---- postgres_models.c ---- */

int vf__pg_find_model(
    struct vf_store *store, const char *model_id, struct vf_model_state *ret, struct vf_err *err);
int vf__pg_record_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_model_record *ret, struct vf_err *err);
int vf__pg_replace_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_err *err);

/* ---- postgres_audit.c ---- */

int vf__pg_audit(struct vf_store *store, const char *model_id, vf_audit_visitor *visit,
    void *context, struct vf_err *err);
int vf__pg_orphans(struct vf_store *store, const char *model_id, vf_orphan_visitor *visit,
    void *context, struct vf_err *err);
int vf__pg_prune(struct vf_store *store, const char *model_id, uint64_t *ret_n, struct vf_err *err);

/* ---- postgres_copy.c ---- */

/* As vf__pg_write(), for rows that are not there yet and a table that takes_copy. VF_ERR_DATA when
 * one is there. */
VF_MUST_CHECK int vf__pg_copy(struct pg_store *s, const char *model_id, size_t dimensions,
    const struct vf_row *rows, const size_t *order, size_t n, struct vf_err *err);

/* ---- postgres_write.c ---- */

/* The columns beside the key and the vector, in the order in which they are written. */
enum { PG_N_EXTRA = 5 };

struct pg_extra_column {
    bool there;
    const char *name, *value; /* value: of a row r, as SQL */
};

void vf__pg_list_extra(const struct pg_store *s, struct pg_extra_column ret[PG_N_EXTRA]);

/* A vector as an item of an array of bytea. */
VF_MUST_CHECK int vf__pg_append_bytea(
    struct vf_buf *out, const float *vector, size_t dimensions, struct vf_err *err);

int vf__pg_write(struct vf_store *store, const char *model_id, size_t dimensions,
    const struct vf_row *rows, const size_t *order, size_t n, struct vf_err *err);
int vf__pg_record_failure(struct vf_store *store, const char *model_id,
    const struct vf_failure *failure, struct vf_err *err);
int vf__pg_import(struct vf_store *store, const struct vf_import_article *articles,
    const size_t *order, size_t n, struct vf_err *err);

#endif
