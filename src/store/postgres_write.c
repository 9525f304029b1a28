/* Writing to PostgreSQL: one statement a call, hence one transaction, and no staging table that the
 * role would need rights for. Rows that are expected to be new come by COPY where the table takes
 * it, else by INSERT … SELECT FROM unnest(arrays). Where one of them is there all the same, and for
 * rows that were there before, the INSERT has ON CONFLICT. */
#include "store/postgres_internal.h"

#include "base/checked.h"
#include "store/vector_bytes.h"

#include <string.h>

/* ---- vectors ---- */

/* $1 model_id, $2 ids, $3 vectors, $4 hashes, $5 token counts, $6 truncated, $7 dimensions. */
static const char write_vectors[] =
    "{cleared}INSERT INTO {embeddings} (source_type, source_id, model_id, vector{columns})"
    " SELECT '" VF_SOURCE_TYPE "', r.source_id, $1, {vector}{values}"
    " FROM unnest($2, $4, $5, $6{bytes}) WITH ORDINALITY"
    " AS r (source_id, text_hash, token_count, truncated{bytes_name}, i){on_conflict}";

/* One row's part of the floats of all rows, for every type but bytea. */
static const char slice[] = "($3[((r.i - 1) * $7 + 1)::int : (r.i * $7)::int])::";

struct batch {
    struct vf_buf ids, vectors, hashes, counts, truncated;
};

static void batch_release(struct batch *batch)
{
    vf_buf_release(&batch->ids);
    vf_buf_release(&batch->vectors);
    vf_buf_release(&batch->hashes);
    vf_buf_release(&batch->counts);
    vf_buf_release(&batch->truncated);
}

int vf__pg_append_bytea(
    struct vf_buf *out, const float *vector, size_t dimensions, struct vf_err *err)
{
    uint8_t length[4];
    size_t n_bytes;
    int rc;
    if (!vf_size_mul(dimensions, 4, &n_bytes) || n_bytes > INT32_MAX)
        return vf_fail(err, VF_ERR_DATA, "a vector of %zu dimensions is too long", dimensions);
    vf_put_be32(length, (uint32_t)n_bytes);
    VF_TRY(vf_buf_append(out, length, sizeof length, err));
    VF_TRY(vf_buf_reserve(out, n_bytes, err));
    vf_vector_to_le(vector, dimensions, (uint8_t *)out->data + out->size);
    out->size += n_bytes;
    out->data[out->size] = '\0';
out:
    return rc;
}

/* As an item of bytea, or as so many items of float4. */
static int append_vector(
    struct vf_buf *vectors, bool bytea, const float *vector, size_t dimensions, struct vf_err *err)
{
    int rc = 0;
    if (bytea)
        return vf__pg_append_bytea(vectors, vector, dimensions, err);
    for (size_t i = 0; i < dimensions; i++)
        VF_TRY(vf__pg_array_int4(vectors, vf_float_bits(vector[i]), err));
out:
    return rc;
}

static int batch_fill(struct batch *batch, bool bytea, size_t dimensions, const struct vf_row *rows,
    const size_t *order, size_t n, struct vf_err *err)
{
    size_t n_vectors = n;
    int rc;
    if (!bytea && !vf_size_mul(n, dimensions, &n_vectors))
        return vf_fail(err, VF_ERR_USAGE, "too many rows at once");
    VF_TRY(vf__pg_array_begin(&batch->ids, PG_TEXT, n, err));
    VF_TRY(vf__pg_array_begin(&batch->vectors, bytea ? PG_BYTEA : PG_FLOAT4, n_vectors, err));
    VF_TRY(vf__pg_array_begin(&batch->hashes, PG_BYTEA, n, err));
    VF_TRY(vf__pg_array_begin(&batch->counts, PG_INT4, n, err));
    VF_TRY(vf__pg_array_begin(&batch->truncated, PG_BOOL, n, err));
    for (size_t i = 0; i < n; i++) {
        const struct vf_row *row = &rows[order[i]];
        const uint8_t truncated = row->truncated;
        VF_TRY(vf__pg_array_item(&batch->ids, row->source_id, strlen(row->source_id), err));
        VF_TRY(append_vector(&batch->vectors, bytea, row->vector, dimensions, err));
        VF_TRY(vf__pg_array_item(&batch->hashes, row->text_hash, VF_TEXT_HASH_BYTES, err));
        VF_TRY(vf__pg_array_int4(&batch->counts, row->token_count, err));
        VF_TRY(vf__pg_array_item(&batch->truncated, &truncated, 1, err));
    }
out:
    return rc;
}

void vf__pg_list_extra(const struct pg_store *s, struct pg_extra_column ret[PG_N_EXTRA])
{
    const struct pg_extra_column all[PG_N_EXTRA] = {
        {s->has_vector_ref, "vector_ref", "NULL"},
        {s->info.has_text_hash, "text_hash", "r.text_hash"},
        {s->info.has_token_count, "token_count", "r.token_count"},
        {s->info.has_truncated, "truncated", "r.truncated"},
        {s->info.has_updated_at, "updated_at", "now()"},
    };
    memcpy(ret, all, sizeof all);
}

static int list_columns(struct pg_store *s, struct vf_buf *names, struct vf_buf *values,
    struct vf_buf *updates, struct vf_err *err)
{
    struct pg_extra_column columns[PG_N_EXTRA];
    int rc;
    vf__pg_list_extra(s, columns);
    VF_TRY(vf_buf_reserve(names, 0, err));
    VF_TRY(vf_buf_reserve(values, 0, err));
    VF_TRY(vf_buf_append_string(updates,
        " ON CONFLICT (source_type, source_id, model_id) DO UPDATE SET vector = EXCLUDED.vector",
        err));
    for (size_t i = 0; i < PG_N_EXTRA; i++) {
        if (!columns[i].there)
            continue;
        VF_TRY(vf_buf_printf(names, err, ", %s", columns[i].name));
        VF_TRY(vf_buf_printf(values, err, ", %s", columns[i].value));
        VF_TRY(vf_buf_printf(updates, err, ", %s = EXCLUDED.%s", columns[i].name, columns[i].name));
    }
out:
    return rc;
}

static int send_insert(
    struct pg_store *s, const struct pg_params *params, bool upsert, struct vf_err *err)
{
    struct vf_buf names = {0}, values = {0}, updates = {0}, vector = {0}, cleared = {0};
    bool bytea = vf__pg_is_bytea(s);
    int rc;
    VF_TRY(list_columns(s, &names, &values, &updates, err));
    VF_TRY(vf_buf_reserve(&cleared, 0, err));
    if (s->info.has_failures)
        VF_TRY(vf_buf_printf(&cleared, err,
            "WITH cleared AS (DELETE FROM %s WHERE model_id = $1 AND source_id = ANY ($2)) ",
            s->base.names.failures.quoted));
    if (bytea)
        VF_TRY(vf_buf_append_string(&vector, "r.bytes", err));
    else
        VF_TRY(vf_buf_printf(&vector, err, "%s%s", slice, s->vector_type.data));
    const struct vf_sql_word words[] = {
        {"cleared", cleared.data},
        {"columns", names.data},
        {"values", values.data},
        {"on_conflict", upsert ? updates.data : ""},
        {"vector", vector.data},
        {"bytes", bytea ? ", $3" : ""},
        {"bytes_name", bytea ? ", bytes" : ""},
    };
    VF_TRY(
        vf__pg_query(s, write_vectors, words, sizeof words / sizeof words[0], params, NULL, err));
out:
    vf_buf_release(&names);
    vf_buf_release(&values);
    vf_buf_release(&updates);
    vf_buf_release(&vector);
    vf_buf_release(&cleared);
    return rc;
}

static bool are_new(const struct vf_row *rows, const size_t *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!rows[order[i]].is_new)
            return false;
    return true;
}

static int insert(struct pg_store *s, const char *model_id, size_t dimensions,
    const struct vf_row *rows, const size_t *order, size_t n, bool upsert, struct vf_err *err)
{
    bool bytea = vf__pg_is_bytea(s);
    struct pg_params params = {0};
    struct batch batch = {0};
    int rc;
    VF_TRY(batch_fill(&batch, bytea, dimensions, rows, order, n, err));
    vf__pg_add_text(&params, model_id);
    vf__pg_add_bytes(&params, PG_TEXT_ARRAY, &batch.ids);
    vf__pg_add_bytes(&params, bytea ? PG_BYTEA_ARRAY : PG_FLOAT4_ARRAY, &batch.vectors);
    vf__pg_add_bytes(&params, PG_BYTEA_ARRAY, &batch.hashes);
    vf__pg_add_bytes(&params, PG_INT4_ARRAY, &batch.counts);
    vf__pg_add_bytes(&params, PG_BOOL_ARRAY, &batch.truncated);
    vf__pg_add_int8(&params, (int64_t)dimensions);
    VF_TRY(send_insert(s, &params, upsert, err));
out:
    batch_release(&batch);
    return rc;
}

int vf__pg_write(struct vf_store *store, const char *model_id, size_t dimensions,
    const struct vf_row *rows, const size_t *order, size_t n, struct vf_err *err)
{
    struct pg_store *s = (struct pg_store *)store;
    int rc;
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    if (are_new(rows, order, n)) {
        rc = s->takes_copy ? vf__pg_copy(s, model_id, dimensions, rows, order, n, err)
                           : insert(s, model_id, dimensions, rows, order, n, false, err);
        if (rc != VF_ERR_DATA)
            goto out;
    }
    VF_TRY(insert(s, model_id, dimensions, rows, order, n, true, err));
out:
    return rc;
}

/* ---- failures ---- */

int vf__pg_record_failure(struct vf_store *store, const char *model_id,
    const struct vf_failure *failure, struct vf_err *err)
{
    static const char text[] =
        "INSERT INTO {failures} AS f (model_id, source_id, reason, message, text_hash)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (model_id, source_id) DO UPDATE"
        " SET reason = EXCLUDED.reason, message = EXCLUDED.message,"
        " text_hash = EXCLUDED.text_hash, attempts = f.attempts + 1, last_seen = now()";
    struct pg_store *s = (struct pg_store *)store;
    struct pg_params params = {0};
    struct vf_buf hash = {.data = (char *)failure->text_hash, .size = VF_TEXT_HASH_BYTES};
    int rc;
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    if (!s->info.has_failures)
        goto out;
    vf__pg_add_text(&params, model_id);
    vf__pg_add_text(&params, failure->source_id);
    vf__pg_add_text(&params, failure->reason);
    vf__pg_add_text(&params, failure->message);
    vf__pg_add_bytes(&params, PG_BYTEA, &hash);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, NULL, err));
out:
    return rc;
}

/* ---- articles ---- */

/* $1 ids, $2 instants as timestamp in UTC, $3 languages, $4 headlines, $5 bodies. */
static const char upsert_articles[] =
    "INSERT INTO {articles} ({id}, {published_at}, {language}, {headline}, {body})"
    " SELECT r.id::{id_type}, {at}, r.language, r.headline, r.body"
    " FROM unnest($1, $2, $3, $4, $5) AS r (id, at, language, headline, body)"
    " ON CONFLICT ({id}) DO UPDATE SET {published_at} = EXCLUDED.{published_at},"
    " {language} = EXCLUDED.{language}, {headline} = EXCLUDED.{headline},"
    " {body} = EXCLUDED.{body}";

static int append_string(struct vf_buf *array, const char *text, struct vf_err *err)
{
    return vf__pg_array_item(array, text, text ? strlen(text) : 0, err);
}

enum { IDS, INSTANTS, LANGUAGES, HEADLINES, BODIES, N_ARRAYS };

static int fill_arrays(struct vf_buf arrays[N_ARRAYS], const struct vf_import_article *articles,
    const size_t *order, size_t n, struct vf_err *err)
{
    int rc;
    for (int i = 0; i < N_ARRAYS; i++)
        VF_TRY(vf__pg_array_begin(&arrays[i], i == INSTANTS ? PG_TIMESTAMP : PG_TEXT, n, err));
    for (size_t i = 0; i < n; i++) {
        const struct vf_import_article *article = &articles[order[i]];
        VF_TRY(append_string(&arrays[IDS], article->id, err));
        VF_TRY(vf__pg_array_instant(&arrays[INSTANTS], article->published_at_us, err));
        VF_TRY(append_string(&arrays[LANGUAGES], article->language, err));
        VF_TRY(append_string(&arrays[HEADLINES], article->headline, err));
        VF_TRY(append_string(&arrays[BODIES], article->body, err));
    }
out:
    return rc;
}

int vf__pg_import(struct vf_store *store, const struct vf_import_article *articles,
    const size_t *order, size_t n, struct vf_err *err)
{
    struct pg_store *s = (struct pg_store *)store;
    struct vf_buf arrays[N_ARRAYS] = {{0}};
    struct pg_params params = {0};
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    VF_TRY(fill_arrays(arrays, articles, order, n, err));
    for (int i = 0; i < N_ARRAYS; i++)
        vf__pg_add_bytes(&params, i == INSTANTS ? PG_TIMESTAMP_ARRAY : PG_TEXT_ARRAY, &arrays[i]);
    const struct vf_sql_word words[] = {
        {"id_type", s->id_type.data},
        {"at", s->time_type == PG_TIMESTAMPTZ ? "r.at AT TIME ZONE 'UTC'" : "r.at"},
    };
    VF_TRY(vf__pg_query(s, upsert_articles, words, 2, &params, NULL, err));
out:
    for (int i = 0; i < N_ARRAYS; i++)
        vf_buf_release(&arrays[i]);
    return rc;
}
