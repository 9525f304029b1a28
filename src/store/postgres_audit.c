#include "store/postgres_internal.h"

#include <stdlib.h>

#define OF_MODEL " e.source_type = '" VF_SOURCE_TYPE "' AND e.model_id = $1"
#define WITHOUT_ARTICLE                                                                            \
    " AND NOT EXISTS (SELECT 1 FROM {articles} a WHERE a.{id}::text = e.source_id)"

struct audit {
    struct pg_store *s;
    struct vf_buf floats;
    vf_audit_visitor *visit;
    void *context;
};

/* A row (source_id, vector). */
static int visit_row(void *context, const PGresult *row, struct vf_err *err)
{
    struct audit *audit = context;
    struct vf_audit_row found = {
        .source_id = PQgetvalue(row, 0, 0), .is_null = PQgetisnull(row, 0, 1)};
    if (!found.is_null) {
        int rc = vf__pg_read_vector(audit->s, row, 0, &audit->floats, &found.dimensions, err);
        if (rc && rc != VF_ERR_DATA)
            return rc;
        if (rc == 0)
            found.vector = (const float *)(const void *)audit->floats.data;
    }
    return audit->visit(audit->context, &found, err);
}

int vf__pg_audit(struct vf_store *store, const char *model_id, vf_audit_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT e.source_id::text, {floats} FROM {embeddings} e WHERE" OF_MODEL;
    struct pg_store *s = (struct pg_store *)store;
    struct audit audit = {.s = s, .visit = visit, .context = context};
    struct pg_params params = {0};
    struct vf_buf sql = {0};
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    const struct vf_sql_word words[] = {
        {"floats", vf__pg_is_bytea(s) ? "e.vector" : "e.vector::real[]"}};
    VF_TRY(vf__pg_expand(s, text, words, 1, &sql, err));
    vf__pg_add_text(&params, model_id);
    VF_TRY(vf__pg_stream(s, sql.data, &params, visit_row, &audit, err));
out:
    vf_buf_release(&sql);
    vf_buf_release(&audit.floats);
    return rc;
}

struct orphans {
    vf_orphan_visitor *visit;
    void *context;
};

static int visit_orphan(void *context, const PGresult *row, struct vf_err *err)
{
    const struct orphans *orphans = context;
    return orphans->visit(orphans->context, PQgetvalue(row, 0, 0), err);
}

int vf__pg_orphans(struct vf_store *store, const char *model_id, vf_orphan_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT e.source_id::text FROM {embeddings} e WHERE" OF_MODEL WITHOUT_ARTICLE;
    struct pg_store *s = (struct pg_store *)store;
    struct orphans orphans = {.visit = visit, .context = context};
    struct pg_params params = {0};
    struct vf_buf sql = {0};
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    VF_TRY(vf__pg_expand(s, text, NULL, 0, &sql, err));
    vf__pg_add_text(&params, model_id);
    VF_TRY(vf__pg_stream(s, sql.data, &params, visit_orphan, &orphans, err));
out:
    vf_buf_release(&sql);
    return rc;
}

static int require_articles(struct pg_store *s, struct vf_err *err)
{
    PGresult *rows = NULL;
    int rc;
    VF_TRY(vf__pg_query(s, "SELECT 1 FROM {articles} LIMIT 1", NULL, 0, NULL, &rows, err));
    if (PQntuples(rows) == 0)
        rc = vf_fail_no_articles(&s->base, err);
out:
    PQclear(rows);
    return rc;
}

int vf__pg_prune(struct vf_store *store, const char *model_id, uint64_t *ret_n, struct vf_err *err)
{
    static const char vectors[] = "DELETE FROM {embeddings} e WHERE" OF_MODEL WITHOUT_ARTICLE;
    static const char failures[] = "DELETE FROM {failures} e WHERE e.model_id = $1" WITHOUT_ARTICLE;
    struct pg_store *s = (struct pg_store *)store;
    struct pg_params params = {0};
    PGresult *deleted = NULL;
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    VF_TRY(require_articles(s, err));
    vf__pg_add_text(&params, model_id);
    VF_TRY(vf__pg_query(s, vectors, NULL, 0, &params, &deleted, err));
    if (s->info.has_failures)
        VF_TRY(vf__pg_query(s, failures, NULL, 0, &params, NULL, err));
    *ret_n = strtoull(PQcmdTuples(deleted), NULL, 10);
out:
    PQclear(deleted);
    return rc;
}
