/* New rows by COPY in its binary format, which costs the server half of what an INSERT does, and is
 * sent while the server already works on it. One string of statements, hence one transaction:
 * failures are cleared, the server tells its time for updated_at, and rows follow. */
#include "store/postgres_internal.h"

#include "store/vector_bytes.h"

#include <stdlib.h>
#include <string.h>

/* {ids} is an array of text, as a literal; COPY takes no parameters. */
static const char clear_failures[] =
    "DELETE FROM {failures} WHERE model_id = {model} AND source_id = ANY ({ids});";
static const char copy_rows[] =
    "SELECT (extract(epoch FROM now()) * 1000000)::bigint;"
    "COPY {embeddings} (source_type, source_id, model_id, vector{columns}) FROM STDIN"
    " (FORMAT binary)";

/* Rows are sent in pieces of about so many bytes. */
enum { CHUNK = 64 * 1024 };

/* What rows have in common. */
struct copy {
    struct pg_store *s;
    const char *model_id;
    size_t dimensions;
    int64_t now_us;
    struct pg_extra_column extra[PG_N_EXTRA];
    struct vf_buf chunk; /* that is being filled */
};

/* ---- the statements ---- */

/* The ids as an array's text: {"1","2"}. */
static int list_ids(struct vf_buf *list, const struct vf_row *rows, const size_t *order, size_t n,
    struct vf_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        VF_TRY(vf_buf_append_string(list, i ? "\",\"" : "{\"", err));
        for (const char *p = rows[order[i]].source_id; *p; p++) {
            if (*p == '"' || *p == '\\')
                VF_TRY(vf_buf_append(list, "\\", 1, err));
            VF_TRY(vf_buf_append(list, p, 1, err));
        }
    }
    VF_TRY(vf_buf_append_string(list, "\"}", err));
out:
    return rc;
}

/* `text` as a literal of SQL, in a buffer that is empty. */
static int quote_literal(
    struct pg_store *s, const char *text, struct vf_buf *literal, struct vf_err *err)
{
    char *quoted = PQescapeLiteral(s->conn, text, strlen(text));
    if (!quoted)
        return vf_fail(err, VF_ERR_DATA, "%s", PQerrorMessage(s->conn));
    int rc = vf_buf_append_string(literal, quoted, err);
    PQfreemem(quoted);
    return rc;
}

static int make_statements(const struct copy *copy, const struct vf_row *rows, const size_t *order,
    size_t n, struct vf_buf *sql, struct vf_err *err)
{
    struct vf_buf columns = {0}, model = {0}, ids = {0}, list = {0};
    struct pg_store *s = copy->s;
    int rc;
    VF_TRY(vf_buf_reserve(&columns, 0, err));
    for (size_t i = 0; i < PG_N_EXTRA; i++)
        if (copy->extra[i].there)
            VF_TRY(vf_buf_printf(&columns, err, ", %s", copy->extra[i].name));
    if (s->info.has_failures) {
        VF_TRY(quote_literal(s, copy->model_id, &model, err));
        VF_TRY(list_ids(&list, rows, order, n, err));
        VF_TRY(quote_literal(s, list.data, &ids, err));
        const struct vf_sql_word words[] = {{"model", model.data}, {"ids", ids.data}};
        VF_TRY(vf__pg_expand(s, clear_failures, words, 2, sql, err));
    }
    const struct vf_sql_word words[] = {{"columns", columns.data}};
    VF_TRY(vf__pg_expand(s, copy_rows, words, 1, sql, err));
out:
    vf_buf_release(&columns);
    vf_buf_release(&model);
    vf_buf_release(&ids);
    vf_buf_release(&list);
    return rc;
}

/* Sends the statements and reads on until the server waits for rows. */
static int begin_copy(struct copy *copy, const char *sql, struct vf_err *err)
{
    struct pg_store *s = copy->s;
    bool begun = false;
    int rc = 0, refusal = 0;
    if (!PQsendQuery(s->conn, sql))
        return vf__pg_fail(s, NULL, err);
    VF_TRY(vf__pg_flush(s, err));
    while (!begun) {
        VF_TRY(vf__pg_await(s, err));
        PGresult *result = PQgetResult(s->conn);
        if (!result)
            return refusal;
        ExecStatusType status = PQresultStatus(result);
        begun = status == PGRES_COPY_IN;
        if (status == PGRES_TUPLES_OK)
            copy->now_us = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
        else if (!begun && status != PGRES_COMMAND_OK)
            refusal = vf__pg_fail(s, result, err);
        PQclear(result);
    }
out:
    return rc;
}

/* ---- the rows ---- */

static int send_chunk(struct copy *copy, struct vf_err *err)
{
    struct pg_store *s = copy->s;
    int sent = PQputCopyData(s->conn, copy->chunk.data, (int)copy->chunk.size);
    if (sent == 0)
        return vf_fail_memory(err, "rows on their way to the server");
    if (sent < 0)
        return vf__pg_fail(s, NULL, err);
    vf_buf_clear(&copy->chunk);
    return vf__pg_flush(s, err);
}

static int append_be16(struct vf_buf *chunk, uint16_t value, struct vf_err *err)
{
    const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};
    return vf_buf_append(chunk, bytes, sizeof bytes, err);
}

static int append_string(struct vf_buf *chunk, const char *text, struct vf_err *err)
{
    return vf__pg_array_item(chunk, text, strlen(text), err);
}

/* The number of fields, then each as an item of an array, in the order of the statement. */
static int append_row(struct copy *copy, const struct vf_row *row, struct vf_err *err)
{
    const struct pg_store *s = copy->s;
    const struct vf_store_info *has = &s->info;
    const uint8_t truncated = row->truncated;
    const int n_fields = 4 + s->has_vector_ref + has->has_text_hash + has->has_token_count +
                         has->has_truncated + has->has_updated_at;
    struct vf_buf *chunk = &copy->chunk;
    int rc;
    VF_TRY(append_be16(chunk, (uint16_t)n_fields, err));
    VF_TRY(append_string(chunk, VF_SOURCE_TYPE, err));
    VF_TRY(append_string(chunk, row->source_id, err));
    VF_TRY(append_string(chunk, copy->model_id, err));
    VF_TRY(vf__pg_append_bytea(chunk, row->vector, copy->dimensions, err));
    if (s->has_vector_ref)
        VF_TRY(vf__pg_array_item(chunk, NULL, 0, err));
    if (has->has_text_hash)
        VF_TRY(vf__pg_array_item(chunk, row->text_hash, VF_TEXT_HASH_BYTES, err));
    if (has->has_token_count)
        VF_TRY(vf__pg_array_int4(chunk, row->token_count, err));
    if (has->has_truncated)
        VF_TRY(vf__pg_array_item(chunk, &truncated, 1, err));
    if (has->has_updated_at)
        VF_TRY(vf__pg_array_instant(chunk, copy->now_us, err));
out:
    return rc;
}

static int send_rows(
    struct copy *copy, const struct vf_row *rows, const size_t *order, size_t n, struct vf_err *err)
{
    static const char header[19] = "PGCOPY\n\377\r\n"; /* without flags or extension */
    int rc;
    VF_TRY(vf_buf_append(&copy->chunk, header, sizeof header, err));
    for (size_t i = 0; i < n; i++) {
        VF_TRY(append_row(copy, &rows[order[i]], err));
        if (copy->chunk.size >= CHUNK)
            VF_TRY(send_chunk(copy, err));
    }
    VF_TRY(append_be16(&copy->chunk, UINT16_MAX, err));
    VF_TRY(send_chunk(copy, err));
    if (PQputCopyEnd(copy->s->conn, NULL) != 1)
        return vf__pg_fail(copy->s, NULL, err);
    VF_TRY(vf__pg_flush(copy->s, err));
out:
    return rc;
}

int vf__pg_copy(struct pg_store *s, const char *model_id, size_t dimensions,
    const struct vf_row *rows, const size_t *order, size_t n, struct vf_err *err)
{
    struct copy copy = {.s = s, .model_id = model_id, .dimensions = dimensions};
    struct vf_buf sql = {0};
    int rc;
    vf__pg_list_extra(s, copy.extra);
    VF_TRY(make_statements(&copy, rows, order, n, &sql, err));
    VF_TRY(begin_copy(&copy, sql.data, err));
    rc = send_rows(&copy, rows, order, n, err);
    if (rc) { /* a COPY that was left halfway is left behind with its connection */
        int ignored = vf__pg_reconnect(s, NULL);
        (void)ignored; /* the next statement tells */
        goto out;
    }
    VF_TRY(vf__pg_receive(s, NULL, err));
out:
    vf_buf_release(&copy.chunk);
    vf_buf_release(&sql);
    return rc;
}
