/* Which tables, columns, types, indexes and rights there are, and making what is missing. */
#include "store/postgres_internal.h"

#include "store/schema/schema.h"

#include <stdlib.h>
#include <string.h>

/* ---- columns of a table ---- */

/* Fields of select_columns. */
enum { NAME, TYPE, CATEGORY, MODIFIER, SQL_TYPE, MAY_SELECT, MAY_INSERT, MAY_UPDATE };

static const char select_columns[] =
    "SELECT a.attname::text, b.typname::text, b.typcategory::text,"
    " (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)::text,"
    " format_type(b.oid, -1),"
    " has_column_privilege(a.attrelid, a.attnum, 'SELECT')::text,"
    " has_column_privilege(a.attrelid, a.attnum, 'INSERT')::text,"
    " has_column_privilege(a.attrelid, a.attnum, 'UPDATE')::text"
    " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
    " JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END"
    " WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped";

/* The columns of `table` as rows, none when there is no such table. */
static int load_columns(
    struct pg_store *s, const struct vf_table_name *table, PGresult **ret, struct vf_err *err)
{
    struct pg_params params = {0};
    vf__pg_add_text(&params, table->quoted);
    return vf__pg_query(s, select_columns, NULL, 0, &params, ret, err);
}

/* The row of a column, or -1. */
static int find_column(const PGresult *columns, const char *name)
{
    for (int row = 0; row < PQntuples(columns); row++)
        if (strcmp(PQgetvalue(columns, row, NAME), name) == 0)
            return row;
    return -1;
}

static bool is_true(const PGresult *columns, int row, int field)
{
    return strcmp(PQgetvalue(columns, row, field), "true") == 0;
}

static int require_table(struct pg_store *s, const struct vf_table_name *table,
    const PGresult *columns, struct vf_err *err)
{
    if (PQntuples(columns) > 0)
        return 0;
    vf_fail(err, VF_ERR_NOT_FOUND, "database %s has no table %s", PQdb(s->conn), table->quoted);
    vf_hint(err, "create the tables with vecfill init, or name yours with --articles-table and "
                 "--embeddings-table");
    return VF_ERR_NOT_FOUND;
}

static int require_column(const struct vf_table_name *table, const PGresult *columns,
    const char *name, int *ret_row, struct vf_err *err)
{
    int row = find_column(columns, name);
    if (row < 0) {
        vf_fail(err, VF_ERR_NOT_FOUND, "table %s has no column \"%s\"", table->quoted, name);
        vf_hint(err, "name the column that takes its place, see 'vecfill backfill --help'");
        return VF_ERR_NOT_FOUND;
    }
    if (ret_row)
        *ret_row = row;
    return 0;
}

static int fail_type(const struct vf_table_name *table, const PGresult *columns, int row,
    const char *wanted, struct vf_err *err)
{
    return vf_fail(err, VF_ERR_CONFIG, "column \"%s\" of %s is of type %s, not %s",
        PQgetvalue(columns, row, NAME), table->quoted, PQgetvalue(columns, row, SQL_TYPE), wanted);
}

static int require_category(const struct vf_table_name *table, const PGresult *columns,
    const char *name, char category, const char *wanted, struct vf_err *err)
{
    int row, rc;
    VF_TRY(require_column(table, columns, name, &row, err));
    if (*PQgetvalue(columns, row, CATEGORY) != category)
        rc = fail_type(table, columns, row, wanted, err);
out:
    return rc;
}

/* *type = the column's type as SQL. */
static int copy_type(const PGresult *columns, int row, struct vf_buf *type, struct vf_err *err)
{
    vf_buf_clear(type);
    return vf_buf_append_string(type, PQgetvalue(columns, row, SQL_TYPE), err);
}

/* ---- the articles table ---- */

/* A "timestamp" column serves where no other was asked for. */
static int resolve_published_at(struct pg_store *s, const PGresult *columns, struct vf_err *err)
{
    struct vf_names *names = &s->base.names;
    int row, rc;
    if (find_column(columns, names->published_at.name) < 0 && !names->published_at_given &&
        find_column(columns, "timestamp") >= 0)
        VF_TRY(vf_column_name_set(&names->published_at, "timestamp", err));
    VF_TRY(require_column(&names->articles, columns, names->published_at.name, &row, err));
    const char *type = PQgetvalue(columns, row, TYPE);
    if (strcmp(type, "timestamptz") == 0)
        s->time_type = PG_TIMESTAMPTZ;
    else if (strcmp(type, "timestamp") == 0 || strcmp(type, "date") == 0)
        s->time_type = PG_TIMESTAMP;
    else {
        rc = fail_type(&names->articles, columns, row, "timestamptz, timestamp or date", err);
        vf_hint(err, "let a view cast it, and name the view with --articles-table");
    }
out:
    return rc;
}

int vf__pg_inspect_articles(struct pg_store *s, struct vf_err *err)
{
    const struct vf_names *names = &s->base.names;
    const struct vf_table_name *table = &names->articles;
    PGresult *columns = NULL;
    int row, rc = 0;
    if (s->articles_known)
        return 0;
    VF_TRY(load_columns(s, table, &columns, err));
    VF_TRY(require_table(s, table, columns, err));
    VF_TRY(resolve_published_at(s, columns, err));
    VF_TRY(require_category(table, columns, names->headline.name, 'S', "text", err));
    VF_TRY(require_category(table, columns, names->body.name, 'S', "text", err));
    VF_TRY(require_column(table, columns, names->id.name, &row, err));
    VF_TRY(copy_type(columns, row, &s->id_type, err));
    if (names->language_given)
        VF_TRY(require_column(table, columns, names->language.name, &row, err));
    s->has_language = find_column(columns, names->language.name) >= 0;
    s->articles_known = true;
out:
    PQclear(columns);
    return rc;
}

/* ---- the embeddings table ---- */

static int resolve_vector_type(struct pg_store *s, const PGresult *columns, struct vf_err *err)
{
    static const struct {
        const char *internal, *name;
        bool has_dimensions;
    } types[] = {
        {"bytea", "bytea", false},
        {"vector", "vector", true},
        {"halfvec", "halfvec", true},
        {"_float4", "real[]", false},
    };
    const struct vf_table_name *table = &s->base.names.embeddings;
    int row, rc;
    VF_TRY(require_column(table, columns, "vector", &row, err));
    VF_TRY(copy_type(columns, row, &s->vector_type, err));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(PQgetvalue(columns, row, TYPE), types[i].internal) != 0)
            continue;
        long modifier = strtol(PQgetvalue(columns, row, MODIFIER), NULL, 10);
        s->info.vector_type = types[i].name;
        s->dimensions = types[i].has_dimensions && modifier > 0 ? (size_t)modifier : 0;
        goto out;
    }
    rc = fail_type(table, columns, row, "bytea, vector, halfvec or real[]", err);
    vf_hint(err, "name another table with --embeddings-table, or change the column's type");
out:
    return rc;
}

/* vecfill's own columns: a table may lack them, but not have others by their names. */
static int resolve_own_columns(struct pg_store *s, const PGresult *columns, struct vf_err *err)
{
    const struct {
        const char *name;
        char category;
        const char *wanted;
        bool *there;
    } own[] = {
        {"vector_ref", 'S', "text", &s->has_vector_ref},
        {"text_hash", 'U', "bytea", &s->info.has_text_hash},
        {"token_count", 'N', "integer", &s->info.has_token_count},
        {"truncated", 'B', "boolean", &s->info.has_truncated},
        {"updated_at", 'D', "timestamptz", &s->info.has_updated_at},
    };
    const struct vf_table_name *table = &s->base.names.embeddings;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        int row = find_column(columns, own[i].name);
        *own[i].there = row >= 0;
        if (row >= 0 && *PQgetvalue(columns, row, CATEGORY) != own[i].category)
            return fail_type(table, columns, row, own[i].wanted, err);
    }
    return 0;
}

/* Runs `text`, which yields a row when something exists; $1 is the embeddings table. */
static int exists(struct pg_store *s, const char *text, bool *ret, struct vf_err *err)
{
    struct pg_params params = {0};
    PGresult *result = NULL;
    int rc;
    vf__pg_add_text(&params, s->base.names.embeddings.quoted);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, &result, err));
    *ret = PQntuples(result) > 0;
out:
    PQclear(result);
    return rc;
}

/* Whether this role may do all with the table of failures. */
static int resolve_failures(struct pg_store *s, struct vf_err *err)
{
    static const char text[] =
        "SELECT coalesce(bool_and(has_table_privilege(to_regclass($1), p)), false)::int::int8"
        " FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p";
    struct pg_params params = {0};
    PGresult *result = NULL;
    int rc;
    vf__pg_add_text(&params, s->base.names.failures.quoted);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, &result, err));
    s->info.has_failures = vf__pg_get_int8(result, 0, 0) != 0;
out:
    PQclear(result);
    return rc;
}

/* Whether a column, if it is there, travels in one of the types that COPY sends. */
static bool travels_as(const PGresult *columns, const char *name, const char *const types[3])
{
    int row = find_column(columns, name);
    for (int i = 0; row >= 0 && i < 3 && types[i]; i++)
        if (strcmp(PQgetvalue(columns, row, TYPE), types[i]) == 0)
            return true;
    return row < 0;
}

/* COPY knows nothing of rules, of row security and of casts. */
static int resolve_copy(struct pg_store *s, const PGresult *columns, struct vf_err *err)
{
    static const struct {
        const char *column, *types[3];
    } expected[] = {
        {"source_type", {"varchar", "text", "bpchar"}},
        {"source_id", {"varchar", "text", "bpchar"}},
        {"model_id", {"varchar", "text", "bpchar"}},
        {"vector", {"bytea"}},
        {"text_hash", {"bytea"}},
        {"token_count", {"int4"}},
        {"truncated", {"bool"}},
        {"updated_at", {"timestamptz", "timestamp"}},
    };
    s->takes_copy = false;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (!travels_as(columns, expected[i].column, expected[i].types))
            return 0;
    return exists(s,
        "SELECT 1 FROM pg_class c WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')"
        " AND NOT c.relhasrules AND NOT row_security_active(c.oid)",
        &s->takes_copy, err);
}

int vf__pg_inspect_embeddings(struct pg_store *s, struct vf_err *err)
{
    static const char *const keys[] = {"source_type", "source_id", "model_id"};
    const struct vf_table_name *table = &s->base.names.embeddings;
    PGresult *columns = NULL;
    int rc = 0;
    if (s->embeddings_known)
        return 0;
    VF_TRY(load_columns(s, table, &columns, err));
    VF_TRY(require_table(s, table, columns, err));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        VF_TRY(require_category(table, columns, keys[i], 'S', "text", err));
    VF_TRY(resolve_vector_type(s, columns, err));
    VF_TRY(resolve_own_columns(s, columns, err));
    VF_TRY(resolve_failures(s, err));
    VF_TRY(resolve_copy(s, columns, err));
    s->embeddings_known = true;
out:
    PQclear(columns);
    return rc;
}

bool vf__pg_is_bytea(const struct pg_store *s)
{
    return s->info.vector_type && strcmp(s->info.vector_type, "bytea") == 0;
}

/* An index that ON CONFLICT (source_type, source_id, model_id) can use. */
static int unique_index_exists(struct pg_store *s, bool *ret, struct vf_err *err)
{
    return exists(s,
        "SELECT 1 FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique"
        " AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indnkeyatts = 3"
        " AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = i.indrelid"
        " AND a.attname IN ('source_type', 'source_id', 'model_id')"
        " AND a.attnum = ANY (i.indkey[0:2])) = 3",
        ret, err);
}

/* ---- init ---- */

static int table_exists(
    struct pg_store *s, const struct vf_table_name *table, bool *ret, struct vf_err *err)
{
    struct pg_params params = {0};
    PGresult *result = NULL;
    int rc;
    vf__pg_add_text(&params, table->quoted);
    VF_TRY(vf__pg_query(s, "SELECT to_regclass($1)::text", NULL, 0, &params, &result, err));
    *ret = !PQgetisnull(result, 0, 0);
out:
    PQclear(result);
    return rc;
}

/* What there was before init. */
struct inventory {
    bool articles, embeddings, index, extension, models, failures;
    PGresult *columns; /* of the embeddings table */
};

static int take_inventory(struct pg_store *s, const struct vf_schema_options *options,
    struct inventory *ret, struct vf_err *err)
{
    bool is_pgvector = options->vector_type && (strcmp(options->vector_type, "vector") == 0 ||
                                                   strcmp(options->vector_type, "halfvec") == 0);
    int rc;
    VF_TRY(table_exists(s, &s->base.names.articles, &ret->articles, err));
    VF_TRY(table_exists(s, &s->base.names.embeddings, &ret->embeddings, err));
    VF_TRY(table_exists(s, &s->base.names.models, &ret->models, err));
    VF_TRY(table_exists(s, &s->base.names.failures, &ret->failures, err));
    VF_TRY(unique_index_exists(s, &ret->index, err));
    VF_TRY(load_columns(s, &s->base.names.embeddings, &ret->columns, err));
    ret->extension = true;
    if (is_pgvector && !ret->embeddings)
        VF_TRY(exists(s, "SELECT 1 FROM pg_extension WHERE extname = 'vector' OR $1 IS NULL",
            &ret->extension, err));
out:
    return rc;
}

static bool is_missing(const struct inventory *there, const struct vf_schema_statement *statement)
{
    switch (statement->object) {
    case VF_SCHEMA_EXTENSION:
        return !there->extension;
    case VF_SCHEMA_ARTICLES:
    case VF_SCHEMA_ARTICLES_INDEX:
        return !there->articles;
    case VF_SCHEMA_EMBEDDINGS:
        return !there->embeddings;
    case VF_SCHEMA_COLUMN:
        return there->embeddings && find_column(there->columns, statement->column) < 0;
    case VF_SCHEMA_EMBEDDINGS_INDEX:
        return !there->index;
    case VF_SCHEMA_MODELS:
        return !there->models;
    case VF_SCHEMA_FAILURES:
        return !there->failures;
    }
    return false;
}

static int make_missing(struct pg_store *s, const struct vf_schema_options *options,
    size_t *ret_changes, struct vf_err *err)
{
    struct inventory there = {0};
    struct vf_buf type = {0};
    size_t changes = 0;
    int rc;
    VF_TRY(vf_schema_vector_type(options, &type, err));
    const struct vf_sql_word words[] = {{"vector_type", type.data}};
    VF_TRY(take_inventory(s, options, &there, err));
    for (size_t i = 0; i < vf_n_postgres_schema; i++) {
        const struct vf_schema_statement *statement = &vf_postgres_schema[i];
        if (!is_missing(&there, statement))
            continue;
        rc = vf__pg_query(s, statement->sql, words, 1, NULL, NULL, err);
        if (rc == VF_ERR_DATA && statement->object == VF_SCHEMA_EMBEDDINGS_INDEX)
            vf_hint_duplicates(&s->base, err);
        if (rc)
            goto out;
        changes++;
    }
    *ret_changes = changes;
out:
    PQclear(there.columns);
    vf_buf_release(&type);
    return rc;
}

/* A column that exists keeps its type; asking for another is a misunderstanding. */
static int check_type_asked_for(
    struct pg_store *s, const struct vf_schema_options *options, struct vf_err *err)
{
    int rc;
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    if (options->vector_type && strcmp(options->vector_type, s->info.vector_type) != 0) {
        rc = vf_fail(err, VF_ERR_CONFIG, "column \"vector\" of %s is of type %s, not %s",
            s->base.names.embeddings.quoted, s->info.vector_type, options->vector_type);
        vf_hint(err, "name another table with --embeddings-table, or leave the type out");
    }
out:
    return rc;
}

int vf__pg_init(struct vf_store *store, const struct vf_schema_options *options,
    size_t *ret_changes, struct vf_err *err)
{
    /* Any number will do that no other program uses: two that init at once take turns. */
    static const char lock[] = "SELECT pg_advisory_xact_lock(7370655264012345)";
    struct pg_store *s = (struct pg_store *)store;
    size_t changes = 0;
    int rc;
    s->articles_known = s->embeddings_known = false;
    VF_TRY(vf__pg_query(s, "BEGIN", NULL, 0, NULL, NULL, err));
    rc = vf__pg_query(s, lock, NULL, 0, NULL, NULL, err);
    if (rc == 0)
        rc = make_missing(s, options, &changes, err);
    if (rc == 0)
        rc = check_type_asked_for(s, options, err);
    if (rc == 0)
        rc = vf__pg_query(s, "COMMIT", NULL, 0, NULL, NULL, err);
    if (rc) {
        int ignored = vf__pg_query(s, "ROLLBACK", NULL, 0, NULL, NULL, NULL);
        (void)ignored; /* a lost connection has rolled back by itself */
        goto out;
    }
    *ret_changes = changes;
out:
    return rc;
}

int vf__pg_has_articles(struct vf_store *store, bool *ret, struct vf_err *err)
{
    return table_exists((struct pg_store *)store, &store->names.articles, ret, err);
}

/* ---- checks ---- */

/* A role such as "desk-1" has to be quoted. */
void vf__pg_hint_grant(const struct pg_store *s, const char *rights, const char *kind,
    const char *name, struct vf_err *err)
{
    const char *role = PQuser(s->conn);
    bool plain = strspn(role, "abcdefghijklmnopqrstuvwxyz_") == strlen(role);
    char *quoted = plain ? NULL : PQescapeIdentifier(s->conn, role, strlen(role));
    vf_hint(err, "let the owner run: GRANT %s ON %s%s TO %s", rights, kind, name,
        quoted ? quoted : role);
    PQfreemem(quoted);
}

static int fail_right(struct pg_store *s, const char *right, const struct vf_table_name *table,
    const char *column, struct vf_err *err)
{
    vf_fail(err, VF_ERR_PERMISSION, "role %s may not %s column \"%s\" of %s", PQuser(s->conn),
        strcmp(right, "SELECT") == 0 ? "read" : "write", column, table->quoted);
    vf__pg_hint_grant(s, right, "", table->quoted, err);
    return VF_ERR_PERMISSION;
}

/* The right `field` on each of the `n` columns that the table has. */
static int check_rights(struct pg_store *s, const struct vf_table_name *table,
    const PGresult *columns, const char *const *names, size_t n, bool for_writing,
    struct vf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        int row = find_column(columns, names[i]);
        if (row < 0)
            continue;
        if (!is_true(columns, row, MAY_SELECT))
            return fail_right(s, "SELECT", table, names[i], err);
        if (for_writing && !is_true(columns, row, MAY_INSERT))
            return fail_right(s, "INSERT", table, names[i], err);
        if (for_writing && !is_true(columns, row, MAY_UPDATE))
            return fail_right(s, "UPDATE", table, names[i], err);
    }
    return 0;
}

static int check_all_rights(struct pg_store *s, bool for_writing, struct vf_err *err)
{
    const struct vf_names *names = &s->base.names;
    const char *const read[] = {names->id.name, names->published_at.name, names->language.name,
        names->headline.name, names->body.name};
    static const char *const written[] = {"source_type", "source_id", "model_id", "vector",
        "vector_ref", "text_hash", "token_count", "truncated", "updated_at"};
    PGresult *columns = NULL;
    int rc;
    VF_TRY(load_columns(s, &names->articles, &columns, err));
    VF_TRY(
        check_rights(s, &names->articles, columns, read, sizeof read / sizeof read[0], false, err));
    PQclear(columns);
    columns = NULL;
    VF_TRY(load_columns(s, &names->embeddings, &columns, err));
    VF_TRY(check_rights(s, &names->embeddings, columns, written, sizeof written / sizeof written[0],
        for_writing, err));
out:
    PQclear(columns);
    return rc;
}

/* The right to draw from the sequences behind the columns. */
static int check_sequences(struct pg_store *s, struct vf_err *err)
{
    static const char text[] =
        "SELECT c.oid::regclass::text FROM pg_depend d JOIN pg_class c ON c.oid = d.objid"
        " WHERE d.refobjid = to_regclass($1) AND d.deptype = 'a' AND CASE c.relkind"
        " WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE') ELSE false END";
    const char *table = s->base.names.embeddings.quoted;
    struct pg_params params = {0};
    PGresult *sequences = NULL;
    int rc;
    vf__pg_add_text(&params, table);
    VF_TRY(vf__pg_query(s, text, NULL, 0, &params, &sequences, err));
    if (PQntuples(sequences) > 0) {
        const char *sequence = PQgetvalue(sequences, 0, 0);
        rc = vf_fail(err, VF_ERR_PERMISSION, "role %s may not use the sequence %s of %s",
            PQuser(s->conn), sequence, table);
        vf__pg_hint_grant(s, "USAGE", "SEQUENCE ", sequence, err);
    }
out:
    PQclear(sequences);
    return rc;
}

/* Things that only an INSERT would come upon: sequences behind the columns, a standby. */
static int check_writable(struct pg_store *s, struct vf_err *err)
{
    const struct vf_table_name *table = &s->base.names.embeddings;
    bool there;
    int rc;
    VF_TRY(unique_index_exists(s, &there, err));
    if (!there) {
        rc = vf_fail(err, VF_ERR_CONFIG,
            "table %s has no unique index on (source_type, source_id, model_id)", table->quoted);
        vf_hint(err, "vecfill init makes it");
        goto out;
    }
    VF_TRY(check_sequences(s, err));
    VF_TRY(exists(s, "SELECT 1 WHERE current_setting('transaction_read_only') = 'on' AND $1 <> ''",
        &there, err));
    if (there) {
        rc = vf_fail(err, VF_ERR_PERMISSION, "the server is read-only");
        vf_hint(err, "connect to the primary server");
    }
out:
    return rc;
}

int vf__pg_check(struct vf_store *store, size_t dimensions, bool for_writing,
    struct vf_store_info *ret, struct vf_err *err)
{
    struct pg_store *s = (struct pg_store *)store;
    const char *table = store->names.embeddings.quoted;
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    VF_TRY(check_all_rights(s, for_writing, err));
    if (dimensions && s->dimensions && dimensions != s->dimensions) {
        rc = vf_fail(err, VF_ERR_CONFIG,
            "column \"vector\" of %s takes %zu dimensions, the model makes %zu", table,
            s->dimensions, dimensions);
        vf_hint(err, "choose another model, or another table with --embeddings-table");
        goto out;
    }
    if (for_writing)
        VF_TRY(check_writable(s, err));
    *ret = s->info;
out:
    return rc;
}
