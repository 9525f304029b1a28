/* Which tables, columns and indexes an SQLite file has, and making those that are missing. */
#include "store/sqlite_internal.h"

#include "store/schema/schema.h"

#include <string.h>

/* Runs `text`, which asks whether something exists in `table` (?1 table, ?2 schema, ?3 `name`). */
static int exists(struct sqlite_store *s, const char *text, const struct vf_table_name *table,
    const char *name, bool *ret, struct vf_err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, 1, table->table, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, 2, table->schema ? table->schema : "main", err));
    if (name)
        VF_TRY(vf__sqlite_bind_text(s, statement, 3, name, err));
    VF_TRY(vf__sqlite_step(s, statement, ret, err));
out:
    sqlite3_finalize(statement);
    return rc;
}

int vf__sqlite_table_exists(
    struct sqlite_store *s, const struct vf_table_name *table, bool *ret, struct vf_err *err)
{
    return exists(s, "SELECT 1 FROM pragma_table_xinfo(?1, ?2) LIMIT 1", table, NULL, ret, err);
}

static int column_exists(struct sqlite_store *s, const struct vf_table_name *table,
    const char *column, bool *ret, struct vf_err *err)
{
    return exists(s, "SELECT 1 FROM pragma_table_xinfo(?1, ?2) WHERE name = ?3 COLLATE NOCASE",
        table, column, ret, err);
}

/* An index that ON CONFLICT (source_type, source_id, model_id) can use. */
static int unique_index_exists(struct sqlite_store *s, bool *ret, struct vf_err *err)
{
    static const char text[] =
        "SELECT 1 FROM pragma_index_list(?1, ?2) AS i WHERE i.\"unique\" AND NOT i.partial"
        " AND (SELECT count(*) = 3 AND sum(c.name COLLATE NOCASE"
        " IN ('source_type', 'source_id', 'model_id')) = 3"
        " FROM pragma_index_info(i.name, ?2) AS c)";
    return exists(s, text, &s->base.names.embeddings, NULL, ret, err);
}

static int require_table(
    struct sqlite_store *s, const struct vf_table_name *table, struct vf_err *err)
{
    bool there;
    int rc;
    VF_TRY(vf__sqlite_table_exists(s, table, &there, err));
    if (!there) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND, "%s has no table %s", s->path, table->quoted);
        vf_hint(err, "create the tables with vecfill init, or name yours with --articles-table and "
                     "--embeddings-table");
    }
out:
    return rc;
}

static int require_column(struct sqlite_store *s, const struct vf_table_name *table,
    const char *column, struct vf_err *err)
{
    bool there;
    int rc;
    VF_TRY(column_exists(s, table, column, &there, err));
    if (!there) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND, "table %s has no column \"%s\"", table->quoted, column);
        vf_hint(err, "name the column that takes its place, see 'vecfill backfill --help'");
    }
out:
    return rc;
}

/* A "timestamp" column serves where no other was asked for. */
static int resolve_published_at(struct sqlite_store *s, struct vf_err *err)
{
    struct vf_names *names = &s->base.names;
    bool there, fallback = false;
    int rc;
    VF_TRY(column_exists(s, &names->articles, names->published_at.name, &there, err));
    if (!there && !names->published_at_given)
        VF_TRY(column_exists(s, &names->articles, "timestamp", &fallback, err));
    if (fallback)
        VF_TRY(vf_column_name_set(&names->published_at, "timestamp", err));
    VF_TRY(require_column(s, &names->articles, names->published_at.name, err));
out:
    return rc;
}

int vf__sqlite_inspect_articles(struct sqlite_store *s, struct vf_err *err)
{
    const struct vf_names *names = &s->base.names;
    int rc = 0;
    if (s->articles_known)
        return 0;
    VF_TRY(require_table(s, &names->articles, err));
    VF_TRY(resolve_published_at(s, err));
    VF_TRY(require_column(s, &names->articles, names->id.name, err));
    VF_TRY(require_column(s, &names->articles, names->headline.name, err));
    VF_TRY(require_column(s, &names->articles, names->body.name, err));
    if (names->language_given)
        VF_TRY(require_column(s, &names->articles, names->language.name, err));
    VF_TRY(column_exists(s, &names->articles, names->language.name, &s->has_language, err));
    s->articles_known = true;
out:
    return rc;
}

int vf__sqlite_inspect_embeddings(struct sqlite_store *s, struct vf_err *err)
{
    static const char *const required[] = {"source_type", "source_id", "model_id", "vector"};
    const struct vf_table_name *table = &s->base.names.embeddings;
    const struct {
        const char *name;
        bool *there;
    } optional[] = {
        {"vector_ref", &s->has_vector_ref},
        {"text_hash", &s->info.has_text_hash},
        {"token_count", &s->info.has_token_count},
        {"truncated", &s->info.has_truncated},
        {"updated_at", &s->info.has_updated_at},
    };
    int rc = 0;
    if (s->embeddings_known)
        return 0;
    VF_TRY(require_table(s, table, err));
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++)
        VF_TRY(require_column(s, table, required[i], err));
    for (size_t i = 0; i < sizeof optional / sizeof optional[0]; i++)
        VF_TRY(column_exists(s, table, optional[i].name, optional[i].there, err));
    VF_TRY(vf__sqlite_table_exists(s, &s->base.names.failures, &s->info.has_failures, err));
    s->info.vector_type = "BLOB";
    s->embeddings_known = true;
out:
    return rc;
}

/* ---- init ---- */

static int is_missing(struct sqlite_store *s, const struct vf_schema_statement *statement,
    bool articles_there, bool *ret, struct vf_err *err)
{
    const struct vf_names *names = &s->base.names;
    bool there = false;
    int rc = 0;
    switch (statement->object) {
    case VF_SCHEMA_ARTICLES:
    case VF_SCHEMA_ARTICLES_INDEX:
        there = articles_there;
        break;
    case VF_SCHEMA_EMBEDDINGS:
        rc = vf__sqlite_table_exists(s, &names->embeddings, &there, err);
        break;
    case VF_SCHEMA_COLUMN:
        rc = column_exists(s, &names->embeddings, statement->column, &there, err);
        break;
    case VF_SCHEMA_EMBEDDINGS_INDEX:
        rc = unique_index_exists(s, &there, err);
        break;
    case VF_SCHEMA_MODELS:
        rc = vf__sqlite_table_exists(s, &names->models, &there, err);
        break;
    case VF_SCHEMA_FAILURES:
        rc = vf__sqlite_table_exists(s, &names->failures, &there, err);
        break;
    case VF_SCHEMA_EXTENSION:
        there = true;
        break;
    }
    *ret = !there;
    return rc;
}

static int make(
    struct sqlite_store *s, const struct vf_schema_statement *statement, struct vf_err *err)
{
    sqlite3_stmt *made = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, statement->sql, NULL, 0, &made, err));
    VF_TRY(vf__sqlite_step(s, made, &row, err));
out:
    if (rc == VF_ERR_DATA && statement->object == VF_SCHEMA_EMBEDDINGS_INDEX)
        vf_hint_duplicates(&s->base, err);
    sqlite3_finalize(made);
    return rc;
}

static int make_missing(struct sqlite_store *s, size_t *ret_changes, struct vf_err *err)
{
    bool articles_there, missing;
    int rc;
    VF_TRY(vf__sqlite_table_exists(s, &s->base.names.articles, &articles_there, err));
    for (size_t i = 0; i < vf_n_sqlite_schema; i++) {
        VF_TRY(is_missing(s, &vf_sqlite_schema[i], articles_there, &missing, err));
        if (missing)
            VF_TRY(make(s, &vf_sqlite_schema[i], err));
        *ret_changes += missing;
    }
out:
    return rc;
}

/* WAL lets a run read while it writes. Where the file system has no shared memory SQLite keeps its
 * rollback journal and answers so; that works as well, only slower. */
static int use_wal(struct sqlite_store *s, struct vf_err *err)
{
    return vf__sqlite_run(s, "PRAGMA journal_mode = WAL", err);
}

int vf__sqlite_init(struct vf_store *store, const struct vf_schema_options *options,
    size_t *ret_changes, struct vf_err *err)
{
    (void)options; /* vectors are BLOBs of any length */
    struct sqlite_store *s = (struct sqlite_store *)store;
    size_t changes = 0;
    int rc;
    VF_TRY(use_wal(s, err));
    VF_TRY(vf__sqlite_run(s, "BEGIN IMMEDIATE", err));
    VF_TRY(vf__sqlite_end_transaction(s, make_missing(s, &changes, err), err));
    s->articles_known = s->embeddings_known = false;
    *ret_changes = changes;
out:
    return rc;
}

/* ---- checks ---- */

int vf__sqlite_has_articles(struct vf_store *store, bool *ret, struct vf_err *err)
{
    return vf__sqlite_table_exists((struct sqlite_store *)store, &store->names.articles, ret, err);
}

static int check_writable(struct sqlite_store *s, struct vf_err *err)
{
    const struct vf_table_name *table = &s->base.names.embeddings;
    bool unique;
    int rc;
    VF_TRY(unique_index_exists(s, &unique, err));
    if (!unique) {
        rc = vf_fail(err, VF_ERR_CONFIG,
            "table %s has no unique index on (source_type, source_id, model_id)", table->quoted);
        vf_hint(err, "vecfill init makes it");
        goto out;
    }
    VF_TRY(use_wal(s, err));
    VF_TRY(vf__sqlite_run(s, "BEGIN IMMEDIATE", err)); /* fails where writing would */
    VF_TRY(vf__sqlite_run(s, "ROLLBACK", err));
out:
    return rc;
}

int vf__sqlite_check(struct vf_store *store, size_t dimensions, bool for_writing,
    struct vf_store_info *ret, struct vf_err *err)
{
    (void)dimensions; /* a BLOB takes any */
    struct sqlite_store *s = (struct sqlite_store *)store;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    if (for_writing)
        VF_TRY(check_writable(s, err));
    *ret = s->info;
out:
    return rc;
}
