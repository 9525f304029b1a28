/* What made the vectors of each model_id, in SQLite. */
#include "store/sqlite_internal.h"

enum { PARAMETER_MODEL_ID = 1, PARAMETER_TEXTS = 2, PARAMETER_NUMBERS = 2 + VF_MODEL_TEXTS };

static int find_vectors(struct sqlite_store *s, const char *model_id, bool *ret, struct vf_err *err)
{
    static const char text[] =
        "SELECT 1 FROM {embeddings} WHERE source_type = '" VF_SOURCE_TYPE "' AND model_id = ?1"
        " AND vector IS NOT NULL LIMIT 1";
    sqlite3_stmt *statement = NULL;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, PARAMETER_MODEL_ID, model_id, err));
    VF_TRY(vf__sqlite_step(s, statement, ret, err));
out:
    sqlite3_finalize(statement);
    return rc;
}

static int find_record(struct sqlite_store *s, const char *model_id, bool *ret_found,
    struct vf_model_record *ret, struct vf_err *err)
{
    static const char text[] = "SELECT " VF_MODEL_COLUMNS " FROM {models} WHERE model_id = ?1";
    const char *texts[VF_MODEL_TEXTS];
    int64_t numbers[VF_MODEL_NUMBERS];
    sqlite3_stmt *row = NULL;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &row, err));
    VF_TRY(vf__sqlite_bind_text(s, row, PARAMETER_MODEL_ID, model_id, err));
    VF_TRY(vf__sqlite_step(s, row, ret_found, err));
    if (!*ret_found)
        goto out;
    for (int i = 0; i < VF_MODEL_TEXTS; i++)
        texts[i] = (const char *)sqlite3_column_text(row, i);
    for (int i = 0; i < VF_MODEL_NUMBERS; i++)
        numbers[i] = sqlite3_column_int64(row, VF_MODEL_TEXTS + i);
    rc = vf_model_record_fill(ret, texts, numbers, err);
out:
    sqlite3_finalize(row);
    return rc;
}

int vf__sqlite_find_model(
    struct vf_store *store, const char *model_id, struct vf_model_state *ret, struct vf_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int rc;
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    VF_TRY(vf__sqlite_table_exists(s, &store->names.models, &ret->has_table, err));
    if (ret->has_table)
        VF_TRY(find_record(s, model_id, &ret->has_record, &ret->record, err));
    VF_TRY(find_vectors(s, model_id, &ret->has_vectors, err));
out:
    if (rc)
        vf_model_record_release(&ret->record);
    return rc;
}

/* Runs `text` with model_id as ?1 and the columns of the record as ?2 to ?11. */
static int put_record(struct sqlite_store *s, const char *text, const char *model_id,
    const struct vf_model_record *record, struct vf_err *err)
{
    const char *texts[VF_MODEL_TEXTS];
    int64_t numbers[VF_MODEL_NUMBERS];
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    vf_model_record_list(record, texts, numbers);
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, PARAMETER_MODEL_ID, model_id, err));
    for (int i = 0; i < VF_MODEL_TEXTS; i++)
        VF_TRY(vf__sqlite_bind_text(s, statement, PARAMETER_TEXTS + i, texts[i], err));
    for (int i = 0; i < VF_MODEL_NUMBERS; i++)
        sqlite3_bind_int64(statement, PARAMETER_NUMBERS + i, numbers[i]);
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
out:
    sqlite3_finalize(statement);
    return rc;
}

#define VALUES                                                                                     \
    " INTO {models} (model_id, " VF_MODEL_COLUMNS ")"                                              \
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"

int vf__sqlite_record_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_model_record *ret, struct vf_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    bool found;
    int rc;
    VF_TRY(vf__sqlite_table_exists(s, &store->names.models, &found, err));
    if (!found)
        return vf_fail_no_models(store, err);
    VF_TRY(put_record(s, "INSERT OR IGNORE" VALUES, model_id, record, err));
    VF_TRY(find_record(s, model_id, &found, ret, err));
    if (!found)
        rc = vf_fail(err, VF_ERR_CONFIG, "the record of model_id %s is gone again", model_id);
out:
    return rc;
}

/* An empty hash is that of no text. */
static int mark_stale(struct sqlite_store *s, const char *model_id, struct vf_err *err)
{
    static const char text[] = "UPDATE {embeddings} SET text_hash = x''"
                               " WHERE source_type = '" VF_SOURCE_TYPE "' AND model_id = ?1";
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, PARAMETER_MODEL_ID, model_id, err));
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
out:
    sqlite3_finalize(statement);
    return rc;
}

int vf__sqlite_replace_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int rc;
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    VF_TRY(vf__sqlite_run(s, "BEGIN IMMEDIATE", err));
    rc = put_record(s, "INSERT OR REPLACE" VALUES, model_id, record, err);
    if (rc == 0 && s->info.has_text_hash)
        rc = mark_stale(s, model_id, err);
    rc = vf__sqlite_end_transaction(s, rc, err);
out:
    return rc;
}
