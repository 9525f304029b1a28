#include "store/sqlite_internal.h"

#include "base/checked.h"
#include "store/timestamps.h"
#include "store/vector_bytes.h"

#include <stdlib.h>

/* ---- vectors ---- */

#define NOW "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"

static const char upsert_vector[] =
    "INSERT INTO {embeddings} (source_type, source_id, model_id, vector{columns})"
    " VALUES ('" VF_SOURCE_TYPE "', ?1, ?2, ?3{values})"
    " ON CONFLICT (source_type, source_id, model_id)"
    " DO UPDATE SET vector = excluded.vector{updates}";

static int prepare_upsert(struct sqlite_store *s, sqlite3_stmt **ret, struct vf_err *err)
{
    const struct {
        bool there;
        const char *name, *value;
    } columns[] = {
        {s->has_vector_ref, "vector_ref", "NULL"},
        {s->info.has_text_hash, "text_hash", "?4"},
        {s->info.has_token_count, "token_count", "?5"},
        {s->info.has_truncated, "truncated", "?6"},
        {s->info.has_updated_at, "updated_at", NOW},
    };
    struct vf_buf names = {0}, values = {0}, updates = {0};
    int rc = 0;
    VF_TRY(vf_buf_reserve(&names, 0, err));
    VF_TRY(vf_buf_reserve(&values, 0, err));
    VF_TRY(vf_buf_reserve(&updates, 0, err));
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (!columns[i].there)
            continue;
        VF_TRY(vf_buf_printf(&names, err, ", %s", columns[i].name));
        VF_TRY(vf_buf_printf(&values, err, ", %s", columns[i].value));
        VF_TRY(
            vf_buf_printf(&updates, err, ", %s = excluded.%s", columns[i].name, columns[i].name));
    }
    const struct vf_sql_word words[] = {
        {"columns", names.data}, {"values", values.data}, {"updates", updates.data}};
    VF_TRY(vf__sqlite_prepare(s, upsert_vector, words, 3, ret, err));
out:
    vf_buf_release(&names);
    vf_buf_release(&values);
    vf_buf_release(&updates);
    return rc;
}

static int write_row(struct sqlite_store *s, sqlite3_stmt *statement, const struct vf_row *row,
    size_t dimensions, uint8_t *bytes, struct vf_err *err)
{
    int rc;
    bool more;
    vf_vector_to_le(row->vector, dimensions, bytes);
    VF_TRY(vf__sqlite_bind_text(s, statement, 1, row->source_id, err));
    if (sqlite3_bind_blob64(statement, 3, bytes, 4 * dimensions, SQLITE_STATIC)) {
        rc = vf__sqlite_fail(s, err);
        goto out;
    }
    /* Parameters that the table has no column for are out of range, which is no failure. */
    sqlite3_bind_blob(statement, 4, row->text_hash, VF_TEXT_HASH_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, row->token_count);
    sqlite3_bind_int(statement, 6, row->truncated);
    VF_TRY(vf__sqlite_step(s, statement, &more, err));
    sqlite3_reset(statement);
out:
    return rc;
}

static int clear_failures(struct sqlite_store *s, const char *model_id, const struct vf_row *rows,
    const size_t *order, size_t n, struct vf_err *err)
{
    static const char text[] = "DELETE FROM {failures} WHERE model_id = ?1 AND source_id = ?2";
    sqlite3_stmt *statement = NULL;
    bool more;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, 1, model_id, err));
    for (size_t i = 0; i < n; i++) {
        VF_TRY(vf__sqlite_bind_text(s, statement, 2, rows[order[i]].source_id, err));
        VF_TRY(vf__sqlite_step(s, statement, &more, err));
        sqlite3_reset(statement);
    }
out:
    sqlite3_finalize(statement);
    return rc;
}

int vf__sqlite_write(struct vf_store *store, const char *model_id, size_t dimensions,
    const struct vf_row *rows, const size_t *order, size_t n, struct vf_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = NULL;
    uint8_t *bytes = NULL;
    size_t n_bytes;
    bool begun = false;
    int rc;
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    if (!vf_size_mul(dimensions, 4, &n_bytes) || !(bytes = malloc(n_bytes))) {
        rc = vf_fail_memory(err, "a vector");
        goto out;
    }
    VF_TRY(prepare_upsert(s, &statement, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, 2, model_id, err));
    VF_TRY(vf__sqlite_run(s, "BEGIN IMMEDIATE", err));
    begun = true;
    for (size_t i = 0; i < n; i++)
        VF_TRY(write_row(s, statement, &rows[order[i]], dimensions, bytes, err));
    if (s->info.has_failures)
        VF_TRY(clear_failures(s, model_id, rows, order, n, err));
out:
    sqlite3_finalize(statement);
    free(bytes);
    return begun ? vf__sqlite_end_transaction(s, rc, err) : rc;
}

/* ---- failures ---- */

int vf__sqlite_record_failure(struct vf_store *store, const char *model_id,
    const struct vf_failure *failure, struct vf_err *err)
{
    static const char text[] =
        "INSERT INTO {failures} (model_id, source_id, reason, message, text_hash)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (model_id, source_id) DO UPDATE"
        " SET reason = excluded.reason, message = excluded.message,"
        " text_hash = excluded.text_hash, attempts = attempts + 1, last_seen = " NOW;
    struct sqlite_store *s = (struct sqlite_store *)store;
    const char *const values[] = {model_id, failure->source_id, failure->reason, failure->message};
    sqlite3_stmt *statement = NULL;
    bool more;
    int rc;
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    if (!s->info.has_failures)
        goto out;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    for (int i = 0; i < 4; i++)
        VF_TRY(vf__sqlite_bind_text(s, statement, i + 1, values[i], err));
    sqlite3_bind_blob(statement, 5, failure->text_hash, VF_TEXT_HASH_BYTES, SQLITE_STATIC);
    VF_TRY(vf__sqlite_step(s, statement, &more, err));
out:
    sqlite3_finalize(statement);
    return rc;
}

/* ---- articles ---- */

static const char upsert_article[] =
    "INSERT INTO {articles} ({id}, {published_at}, {language}, {headline}, {body})"
    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT ({id}) DO UPDATE SET"
    " {published_at} = excluded.{published_at}, {language} = excluded.{language},"
    " {headline} = excluded.{headline}, {body} = excluded.{body}";

static int import_article(struct sqlite_store *s, sqlite3_stmt *statement,
    const struct vf_import_article *article, struct vf_err *err)
{
    char published_at[VF_TIMESTAMP_CHARS];
    const char *const values[] = {
        article->id, published_at, article->language, article->headline, article->body};
    bool more;
    int rc;
    vf_timestamp_format(article->published_at_us, published_at);
    for (int i = 0; i < 5; i++)
        VF_TRY(vf__sqlite_bind_text(s, statement, i + 1, values[i], err));
    VF_TRY(vf__sqlite_step(s, statement, &more, err));
    sqlite3_reset(statement);
out:
    if (rc)
        vf_err_prefix(err, "article %s", article->id);
    return rc;
}

int vf__sqlite_import(struct vf_store *store, const struct vf_import_article *articles,
    const size_t *order, size_t n, struct vf_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = NULL;
    bool begun = false;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_prepare(s, upsert_article, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_run(s, "BEGIN IMMEDIATE", err));
    begun = true;
    for (size_t i = 0; i < n; i++)
        VF_TRY(import_article(s, statement, &articles[order[i]], err));
out:
    sqlite3_finalize(statement);
    return begun ? vf__sqlite_end_transaction(s, rc, err) : rc;
}
