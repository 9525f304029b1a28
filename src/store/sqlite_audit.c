#include "store/sqlite_internal.h"

#define OF_MODEL " model_id = ?1"
#define ARTICLES "(SELECT CAST(a.{id} AS TEXT) FROM {articles} a WHERE a.{id} IS NOT NULL)"

static int visit_row(sqlite3_stmt *row, struct vf_buf *floats, vf_audit_visitor *visit,
    void *context, struct vf_err *err)
{
    struct vf_audit_row found = {.source_id = (const char *)sqlite3_column_text(row, 0),
        .is_null = sqlite3_column_type(row, 1) == SQLITE_NULL};
    if (!found.is_null) {
        int rc = vf__sqlite_read_vector(row, floats, &found.dimensions, err);
        if (rc && rc != VF_ERR_DATA)
            return rc;
        if (rc == 0)
            found.vector = (const float *)(const void *)floats->data;
    }
    return visit(context, &found, err);
}

int vf__sqlite_audit(struct vf_store *store, const char *model_id, vf_audit_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT source_id, vector FROM {embeddings} WHERE source_type = '" VF_SOURCE_TYPE
        "' AND" OF_MODEL;
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct vf_buf floats = {0};
    sqlite3_stmt *row = NULL;
    bool more;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &row, err));
    VF_TRY(vf__sqlite_bind_text(s, row, 1, model_id, err));
    for (;;) {
        VF_TRY(vf__sqlite_step(s, row, &more, err));
        if (!more)
            break;
        VF_TRY(visit_row(row, &floats, visit, context, err));
    }
out:
    sqlite3_finalize(row);
    vf_buf_release(&floats);
    return rc;
}

int vf__sqlite_orphans(struct vf_store *store, const char *model_id, vf_orphan_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT source_id FROM {embeddings} WHERE source_type = '" VF_SOURCE_TYPE
        "' AND source_id NOT IN " ARTICLES " AND" OF_MODEL;
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *row = NULL;
    bool more;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &row, err));
    VF_TRY(vf__sqlite_bind_text(s, row, 1, model_id, err));
    for (;;) {
        VF_TRY(vf__sqlite_step(s, row, &more, err));
        if (!more)
            break;
        VF_TRY(visit(context, (const char *)sqlite3_column_text(row, 0), err));
    }
out:
    sqlite3_finalize(row);
    return rc;
}

static int run_on_model(
    struct sqlite_store *s, const char *text, const char *model_id, struct vf_err *err)
{
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, 1, model_id, err));
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
out:
    sqlite3_finalize(statement);
    return rc;
}

int vf__sqlite_prune(
    struct vf_store *store, const char *model_id, uint64_t *ret_n, struct vf_err *err)
{
    static const char vectors[] = "DELETE FROM {embeddings} WHERE source_type = '" VF_SOURCE_TYPE
                                  "' AND source_id NOT IN " ARTICLES " AND" OF_MODEL;
    static const char failures[] =
        "DELETE FROM {failures} WHERE source_id NOT IN " ARTICLES " AND" OF_MODEL;
    struct sqlite_store *s = (struct sqlite_store *)store;
    uint64_t n = 0;
    int64_t any;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    VF_TRY(vf__sqlite_get_integer(s, "SELECT EXISTS (SELECT 1 FROM {articles})", &any, err));
    if (!any)
        return vf_fail_no_articles(store, err);
    VF_TRY(vf__sqlite_run(s, "BEGIN IMMEDIATE", err));
    rc = run_on_model(s, vectors, model_id, err);
    n = (uint64_t)sqlite3_changes(s->db);
    if (rc == 0 && s->info.has_failures)
        rc = run_on_model(s, failures, model_id, err);
    VF_TRY(vf__sqlite_end_transaction(s, rc, err));
    *ret_n = n;
out:
    return rc;
}
