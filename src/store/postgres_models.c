/* What made the vectors of each model_id, in PostgreSQL. Every function is one statement that
 * writes, hence one transaction; processes that come at once are put in a row by the primary key,
 * which is held no longer than that. */
#include "store/postgres_internal.h"

static int find_table(struct pg_store *s, bool *ret, struct vf_err *err)
{
    static const char text[] =
        "SELECT coalesce(has_table_privilege(to_regclass($1), 'SELECT'), false)::int::int8";
    struct pg_params params = {0};
    PGresult *result = NULL;
    int rc;
    vf__pg_add_text(&params, s->base.names.models.quoted);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, &result, err));
    *ret = vf__pg_get_int8(result, 0, 0) != 0;
out:
    PQclear(result);
    return rc;
}

/* A name too long would be refused row by row. */
static int check_length(struct pg_store *s, const char *model_id, struct vf_err *err)
{
    static const char text[] =
        "SELECT (atttypmod - 4)::int8 FROM pg_attribute JOIN pg_type t ON t.oid = atttypid"
        " WHERE attrelid = to_regclass($1) AND attname = 'model_id' AND typname = 'varchar'"
        " AND atttypmod > 0 AND char_length($2) > atttypmod - 4";
    const char *table = s->base.names.embeddings.quoted;
    struct pg_params params = {0};
    PGresult *rows = NULL;
    int rc;
    vf__pg_add_text(&params, table);
    vf__pg_add_text(&params, model_id);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, &rows, err));
    if (PQntuples(rows) > 0) {
        rc = vf_fail(err, VF_ERR_CONFIG,
            "model_id %s is longer than the %lld characters that %s has for it", model_id,
            (long long)vf__pg_get_int8(rows, 0, 0), table);
        vf_hint(err, "choose a shorter one with --model-id");
    }
out:
    PQclear(rows);
    return rc;
}

static int find_vectors(struct pg_store *s, const char *model_id, bool *ret, struct vf_err *err)
{
    static const char text[] =
        "SELECT 1 FROM {embeddings} WHERE source_type = '" VF_SOURCE_TYPE "' AND model_id = $1"
        " AND vector IS NOT NULL LIMIT 1";
    struct pg_params params = {0};
    PGresult *rows = NULL;
    int rc;
    vf__pg_add_text(&params, model_id);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, &rows, err));
    *ret = PQntuples(rows) > 0;
out:
    PQclear(rows);
    return rc;
}

static int find_record(struct pg_store *s, const char *model_id, bool *ret_found,
    struct vf_model_record *ret, struct vf_err *err)
{
    static const char text[] =
        "SELECT model, revision, weights_sha256, tokenizer_sha256, pooling, prompt, long_text,"
        " normalized::int::int8, max_seq_length::int8, dimensions::int8"
        " FROM {models} WHERE model_id = $1";
    const char *texts[VF_MODEL_TEXTS];
    int64_t numbers[VF_MODEL_NUMBERS];
    struct pg_params params = {0};
    PGresult *rows = NULL;
    int rc;
    vf__pg_add_text(&params, model_id);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, &rows, err));
    *ret_found = PQntuples(rows) > 0;
    if (!*ret_found)
        goto out;
    for (int i = 0; i < VF_MODEL_TEXTS; i++)
        texts[i] = vf__pg_get_value(rows, 0, i).bytes;
    for (int i = 0; i < VF_MODEL_NUMBERS; i++)
        numbers[i] = vf__pg_get_int8(rows, 0, VF_MODEL_TEXTS + i);
    rc = vf_model_record_fill(ret, texts, numbers, err);
out:
    PQclear(rows);
    return rc;
}

int vf__pg_find_model(
    struct vf_store *store, const char *model_id, struct vf_model_state *ret, struct vf_err *err)
{
    struct pg_store *s = (struct pg_store *)store;
    int rc;
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    VF_TRY(check_length(s, model_id, err));
    VF_TRY(find_table(s, &ret->has_table, err));
    if (ret->has_table)
        VF_TRY(find_record(s, model_id, &ret->has_record, &ret->record, err));
    VF_TRY(find_vectors(s, model_id, &ret->has_vectors, err));
out:
    if (rc)
        vf_model_record_release(&ret->record);
    return rc;
}

/* Runs `text` with model_id as $1 and the columns of the record as $2 to $11. */
static int put_record(struct pg_store *s, const char *text, const char *model_id,
    const struct vf_model_record *record, struct vf_err *err)
{
    const char *texts[VF_MODEL_TEXTS];
    int64_t numbers[VF_MODEL_NUMBERS];
    struct pg_params params = {0};
    vf_model_record_list(record, texts, numbers);
    vf__pg_add_text(&params, model_id);
    for (int i = 0; i < VF_MODEL_TEXTS; i++)
        vf__pg_add_text(&params, texts[i]);
    for (int i = 0; i < VF_MODEL_NUMBERS; i++)
        vf__pg_add_int8(&params, numbers[i]);
    return vf__pg_query(s, text, NULL, 0, &params, NULL, err);
}

/* Looked at first, so that a server's log is not filled by roles that may not. */
static int require_rights(struct pg_store *s, struct vf_err *err)
{
    static const char text[] =
        "SELECT (to_regclass($1) IS NOT NULL)::int::int8,"
        " coalesce(bool_and(has_table_privilege(to_regclass($1), p)), false)::int::int8"
        " FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p";
    const char *table = s->base.names.models.quoted;
    struct pg_params params = {0};
    PGresult *result = NULL;
    int rc;
    vf__pg_add_text(&params, table);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, &result, err));
    if (!vf__pg_get_int8(result, 0, 0)) {
        rc = vf_fail_no_models(&s->base, err);
    } else if (!vf__pg_get_int8(result, 0, 1)) {
        rc = vf_fail(
            err, VF_ERR_PERMISSION, "role %s may not read and write %s", PQuser(s->conn), table);
        vf__pg_hint_grant(s, "SELECT, INSERT, UPDATE", "", table, err);
    }
out:
    PQclear(result);
    return rc;
}

#define INSERT_RECORD                                                                              \
    "INSERT INTO {models} (model_id, " VF_MODEL_COLUMNS ")"                                        \
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9 <> 0, $10, $11) ON CONFLICT (model_id)"

int vf__pg_record_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_model_record *ret, struct vf_err *err)
{
    struct pg_store *s = (struct pg_store *)store;
    bool found;
    int rc;
    VF_TRY(require_rights(s, err));
    VF_TRY(put_record(s, INSERT_RECORD " DO NOTHING", model_id, record, err));
    VF_TRY(find_record(s, model_id, &found, ret, err));
    if (!found)
        rc = vf_fail(err, VF_ERR_CONFIG, "the record of model_id %s is gone again", model_id);
out:
    return rc;
}

/* An empty hash is that of no text. */
#define MARK_STALE                                                                                 \
    "WITH stale AS (UPDATE {embeddings} SET text_hash = ''"                                        \
    " WHERE source_type = '" VF_SOURCE_TYPE "' AND model_id = $1) "
#define UPDATE_RECORD                                                                              \
    " DO UPDATE SET model = EXCLUDED.model, revision = EXCLUDED.revision,"                         \
    " weights_sha256 = EXCLUDED.weights_sha256, tokenizer_sha256 = EXCLUDED.tokenizer_sha256,"     \
    " pooling = EXCLUDED.pooling, prompt = EXCLUDED.prompt, long_text = EXCLUDED.long_text,"       \
    " normalized = EXCLUDED.normalized, max_seq_length = EXCLUDED.max_seq_length,"                 \
    " dimensions = EXCLUDED.dimensions, recorded_at = now()"

int vf__pg_replace_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_err *err)
{
    struct pg_store *s = (struct pg_store *)store;
    int rc;
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    VF_TRY(require_rights(s, err));
    VF_TRY(put_record(s,
        s->info.has_text_hash ? MARK_STALE INSERT_RECORD UPDATE_RECORD
                              : INSERT_RECORD UPDATE_RECORD,
        model_id, record, err));
out:
    return rc;
}
