/* Reading articles and vectors from SQLite.
 *
 * A column of times may hold ISO 8601 of several shapes or numbers, so that no index gives the
 * order of the instants. Before its first page a reader therefore sorts the ids of the selected
 * articles once into a temporary table (which SQLite keeps on disk when it is large), and pages
 * follow its numbers. Articles whose time cannot be read come last in either order. */
#include "store/sqlite_internal.h"

#include "store/timestamps.h"
#include "store/vector_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTANT "vf_instant(a.{published_at})"

/* Articles by instant and language: ?1 and ?2 are the first and the last instant, ?3 the language
 * or NULL. */
#define SELECTED                                                                                   \
    "a.{id} IS NOT NULL AND vf_lies_in(a.{published_at}, ?1, ?2)"                                  \
    " AND (?3 IS NULL OR lower({a.language}) = lower(?3))"                                         \
    " AND (?9 IS NULL OR vf_shard(CAST(a.{id} AS TEXT), ?9) = ?8)"

/* The row of text_embeddings that belongs to article a, under model ?4. */
#define VECTOR_OF_ARTICLE                                                                          \
    "e.source_type = '" VF_SOURCE_TYPE "' AND e.source_id = CAST(a.{id} AS TEXT)"                  \
    " AND e.model_id = ?4"

#define STATE                                                                                      \
    "vf_state(a.{headline}, a.{body}, e.vector IS NOT NULL, {hash}, ?5, {failed},"                 \
    " a.{published_at})"

enum {
    PARAMETER_FIRST = 1,
    PARAMETER_LAST,
    PARAMETER_LANGUAGE,
    PARAMETER_MODEL,
    PARAMETER_REFRESH,
    PARAMETER_NUMBER,
    PARAMETER_RETRY,
    PARAMETER_SHARD,
    PARAMETER_SHARDS
};

/* Articles that a page may pass over, so that a caller comes to its senses now and then. */
enum { MAX_ROWS_PASSED = 8192 };

struct sqlite_reader {
    struct vf_reader base;
    struct sqlite_store *s;
    char order_table[48];    /* the temporary table's name as SQL; "" before the first page */
    sqlite3_stmt *statement; /* reads a page; kept from one to the next */
    int64_t last;            /* number of the last article read */
};

/* ---- statements on a selection ---- */

static int prepare(struct sqlite_store *s, const char *text, const char *order_table,
    sqlite3_stmt **ret, struct vf_err *err)
{
    struct vf_buf failed = {0};
    int rc;
    if (s->info.has_failures)
        VF_TRY(vf_buf_printf(&failed, err,
            "CASE WHEN (SELECT NOT ?7 AND EXISTS (SELECT 1 FROM %s WHERE model_id = ?4)) THEN"
            " (SELECT ifnull(f.text_hash, x'') FROM %s f WHERE f.model_id = ?4"
            " AND f.source_id = CAST(a.%s AS TEXT)) END",
            s->base.names.failures.quoted, s->base.names.failures.quoted, s->base.names.id.quoted));
    else
        VF_TRY(vf_buf_append_string(&failed, "NULL", err));
    const struct vf_sql_word words[] = {
        {"failed", failed.data},
        {"hash", s->info.has_text_hash ? "e.text_hash" : "NULL"},
        {"truncated", s->info.has_truncated ? "e.truncated" : "0"},
        {"a.language", s->has_language ? s->base.names.language.quoted : "NULL"},
        {"order", order_table},
    };
    VF_TRY(vf__sqlite_prepare(s, text, words, sizeof words / sizeof words[0], ret, err));
out:
    vf_buf_release(&failed);
    return rc;
}

static int bind_selection(struct sqlite_store *s, sqlite3_stmt *statement,
    const struct vf_selection *selection, struct vf_err *err)
{
    int rc;
    int64_t until_us = selection->until_us; /* no time is read as the first or the last int64_t */
    sqlite3_bind_int64(statement, PARAMETER_FIRST, selection->from_us);
    sqlite3_bind_int64(
        statement, PARAMETER_LAST, until_us > VF_INSTANT_MIN ? until_us - 1 : VF_INSTANT_MIN);
    if (selection->n_shards > 1) {
        sqlite3_bind_int64(statement, PARAMETER_SHARD, selection->shard);
        sqlite3_bind_int64(statement, PARAMETER_SHARDS, selection->n_shards);
    }
    VF_TRY(vf__sqlite_bind_text(s, statement, PARAMETER_LANGUAGE, selection->language, err));
out:
    return rc;
}

/* What STATE needs; a parameter that the statement does not have is no failure. */
static int bind_state(struct sqlite_store *s, sqlite3_stmt *statement,
    const struct vf_selection *selection, struct vf_err *err)
{
    sqlite3_bind_int(statement, PARAMETER_REFRESH, (int)selection->refresh);
    sqlite3_bind_int(statement, PARAMETER_RETRY, selection->retry_failed);
    return vf__sqlite_bind_text(s, statement, PARAMETER_MODEL, selection->model_id, err);
}

/* As text, BLOBs would be cut at a NUL. */
static int check_ids(struct sqlite_store *s, struct vf_err *err)
{
    static const char text[] =
        "SELECT typeof({id}) = 'blob' FROM {articles} WHERE {id} IS NOT NULL LIMIT 1";
    const struct vf_names *names = &s->base.names;
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
    if (row && sqlite3_column_int(statement, 0)) {
        rc = vf_fail(err, VF_ERR_CONFIG, "the ids in %s of %s are BLOBs", names->id.quoted,
            names->articles.quoted);
        vf_hint(err, "let a view give them as text, say by hex(), and name it with "
                     "--articles-table");
    }
out:
    sqlite3_finalize(statement);
    return rc;
}

/* When of very many articles none has a time that can be read, it is rather the wrong column. */
static int check_times(struct sqlite_store *s, struct vf_err *err)
{
    static const char text[] =
        "SELECT vf_time_fault({published_at}) FROM {articles} WHERE {published_at} IS NOT NULL"
        " AND (SELECT count(*) = ?1 AND count(vf_instant(t)) = 0 FROM (SELECT {published_at} AS t"
        " FROM {articles} WHERE t IS NOT NULL LIMIT ?1))"
        " AND NOT EXISTS (SELECT 1 FROM {articles} WHERE vf_instant({published_at}) IS NOT NULL)"
        " LIMIT 1";
    enum { VERY_MANY = 1024 };
    const struct vf_names *names = &s->base.names;
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    sqlite3_bind_int(statement, 1, VERY_MANY);
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
    if (row) {
        rc = vf_fail(err, VF_ERR_DATA, "no article of %s has a time in %s that can be read: %s",
            names->articles.quoted, names->published_at.quoted,
            (const char *)sqlite3_column_text(statement, 0));
        vf_hint(err, "name the column that has one with --published-at-column");
    }
out:
    sqlite3_finalize(statement);
    return rc;
}

/* The time column and, when it is asked for, the language column must be there. */
static int check_selection(
    struct sqlite_store *s, const struct vf_selection *selection, struct vf_err *err)
{
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    if (selection->language && !s->has_language) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND, "table %s has no column %s",
            s->base.names.articles.quoted, s->base.names.language.quoted);
        vf_hint(err, "name it with --language-column, or leave --language out");
    }
out:
    return rc;
}

/* ---- readers ---- */

void vf__sqlite_reader_free(struct vf_reader *base)
{
    struct sqlite_reader *reader = (struct sqlite_reader *)base;
    char sql[80];
    sqlite3_finalize(reader->statement);
    if (reader->order_table[0]) {
        snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", reader->order_table);
        sqlite3_exec(reader->s->db, sql, NULL, NULL, NULL);
    }
    free(reader);
}

static int create_order_table(struct sqlite_reader *reader, struct vf_err *err)
{
    char sql[120];
    snprintf(
        reader->order_table, sizeof reader->order_table, "temp.vf_order_%u", reader->s->readers++);
    snprintf(sql, sizeof sql, "CREATE TEMP TABLE %s (n INTEGER PRIMARY KEY, id)",
        reader->order_table + strlen("temp."));
    return vf__sqlite_run(reader->s, sql, err);
}

static int fill_order_table(struct sqlite_reader *reader, struct vf_err *err)
{
    static const char oldest_first[] =
        "INSERT INTO {order} (id) SELECT a.{id} FROM {articles} a WHERE " SELECTED
        " ORDER BY " INSTANT " IS NULL, " INSTANT ", a.{id}";
    static const char newest_first[] =
        "INSERT INTO {order} (id) SELECT a.{id} FROM {articles} a WHERE " SELECTED
        " ORDER BY " INSTANT " DESC, a.{id} DESC";
    struct sqlite_store *s = reader->s;
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(prepare(s, reader->base.selection->newest_first ? newest_first : oldest_first,
        reader->order_table, &statement, err));
    VF_TRY(bind_selection(s, statement, reader->base.selection, err));
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
out:
    sqlite3_finalize(statement);
    return rc;
}

int vf__sqlite_reader_new(struct vf_store *store, const struct vf_selection *selection,
    struct vf_reader **ret, struct vf_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int rc;
    VF_TRY(check_selection(s, selection, err));
    VF_TRY(check_ids(s, err));
    VF_TRY(check_times(s, err));
    struct sqlite_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return vf_fail_memory(err, "a reader");
    reader->s = s;
    reader->base = (struct vf_reader){.store = store, .selection = selection};
    *ret = &reader->base;
out:
    return rc;
}

/* In a subquery of a statement that groups, a limit keeps SQLite from sorting whole texts, of which
 * it would then make the state. */
#define ALL " FROM {articles} a LEFT JOIN {embeddings} e ON " VECTOR_OF_ARTICLE " WHERE " SELECTED
#define REST                                                                                       \
    " FROM {order} o CROSS JOIN {articles} a ON a.{id} = o.id"                                     \
    " LEFT JOIN {embeddings} e ON " VECTOR_OF_ARTICLE " WHERE o.n > ?6"

/* Makes what the first page needs. */
static int begin(struct sqlite_reader *reader, struct vf_err *err)
{
    static const char text[] =
        "SELECT o.n, CAST(a.{id} AS TEXT), " STATE ", a.{headline}, a.{body},"
        " vf_time_fault(a.{published_at})" REST " ORDER BY o.n";
    struct sqlite_store *s = reader->s;
    int rc;
    VF_TRY(create_order_table(reader, err));
    VF_TRY(fill_order_table(reader, err));
    VF_TRY(prepare(s, text, reader->order_table, &reader->statement, err));
    VF_TRY(bind_state(s, reader->statement, reader->base.selection, err));
out:
    return rc;
}

static struct vf_value column_value(sqlite3_stmt *row, int column)
{
    const char *bytes = (const char *)sqlite3_column_text(row, column);
    return (struct vf_value){bytes, (size_t)sqlite3_column_bytes(row, column)};
}

/* Adds an article that is to do, or with what is wrong with its time in the place of its text. */
static int add_article(sqlite3_stmt *row, const char *id, struct vf_page *page, struct vf_err *err)
{
    static const struct vf_value no_body;
    const struct vf_value fault = column_value(row, 5);
    if (!fault.bytes)
        return vf_page_add(page, id, column_value(row, 3), column_value(row, 4), false, err);
    int rc = vf_page_add(page, id, fault, no_body, false, err);
    if (rc == 0)
        page->articles[page->n - 1].fault = "no_time";
    return rc;
}

/* Takes the row (number, id, state, headline, body, fault) into the page. */
static int take_row(
    struct sqlite_store *s, sqlite3_stmt *row, struct vf_page *page, struct vf_err *err)
{
    enum vf_state state = (enum vf_state)sqlite3_column_int(row, 2);
    const char *id = (const char *)sqlite3_column_text(row, 1);
    if (!id)
        return vf__sqlite_fail(s, err);
    vf_page_pass(page, id);
    if (state == VF_STATE_UNCHANGED)
        page->unchanged++;
    else if (state == VF_STATE_EMPTY)
        page->empty++;
    else if (state == VF_STATE_FAILED)
        page->failed++;
    else
        return add_article(row, id, page, err);
    return 0;
}

/* Reads rows of the prepared statement into the page. */
static int read_page(struct sqlite_reader *reader, size_t max_articles, size_t max_bytes,
    struct vf_page *page, bool *ret_end, struct vf_err *err)
{
    sqlite3_stmt *row = reader->statement;
    int64_t last = reader->last;
    bool more = true;
    int rc = 0;
    sqlite3_bind_int64(row, PARAMETER_NUMBER, last);
    while (page->n < max_articles && page->bytes.size < max_bytes &&
           page->unchanged + page->empty + page->failed < MAX_ROWS_PASSED) {
        VF_TRY(vf__sqlite_step(reader->s, row, &more, err));
        if (!more)
            break;
        VF_TRY(take_row(reader->s, row, page, err));
        last = sqlite3_column_int64(row, 0);
    }
    reader->last = last;
    *ret_end = !more;
out:
    return rc;
}

int vf__sqlite_reader_next(struct vf_reader *base, size_t max_articles, size_t max_bytes,
    struct vf_page *page, bool *ret_end, struct vf_err *err)
{
    struct sqlite_reader *reader = (struct sqlite_reader *)base;
    int rc = 0;
    if (!reader->statement)
        VF_TRY(begin(reader, err));
    rc = read_page(reader, max_articles, max_bytes, page, ret_end, err);
    sqlite3_reset(reader->statement); /* ends the transaction */
out:
    return rc;
}

int vf__sqlite_reader_count(struct vf_reader *base, struct vf_counts *ret, struct vf_err *err)
{
    static const char head[] = "SELECT state, count(*) FROM (SELECT " STATE " AS state";
    static const char tail[] = " LIMIT -1) GROUP BY 1";
    struct sqlite_reader *reader = (struct sqlite_reader *)base;
    struct vf_buf text = {0};
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(vf_buf_printf(&text, err, "%s%s%s", head, reader->statement ? REST : ALL, tail));
    VF_TRY(prepare(reader->s, text.data, reader->order_table, &statement, err));
    if (!reader->statement)
        VF_TRY(bind_selection(reader->s, statement, base->selection, err));
    VF_TRY(bind_state(reader->s, statement, base->selection, err));
    sqlite3_bind_int64(statement, PARAMETER_NUMBER, reader->last);
    for (;;) {
        VF_TRY(vf__sqlite_step(reader->s, statement, &row, err));
        if (!row)
            break;
        VF_TRY(vf_counts_add(ret, sqlite3_column_int64(statement, 0),
            (uint64_t)sqlite3_column_int64(statement, 1), err));
    }
out:
    sqlite3_finalize(statement);
    vf_buf_release(&text);
    return rc;
}

/* ---- looking at what is there ---- */

int vf__sqlite_read_vector(
    sqlite3_stmt *row, struct vf_buf *floats, size_t *ret_n, struct vf_err *err)
{
    const char *source_id = (const char *)sqlite3_column_text(row, 0);
    const void *blob = sqlite3_column_blob(row, 1);
    size_t n = (size_t)sqlite3_column_bytes(row, 1);
    int rc;
    if (sqlite3_column_type(row, 1) != SQLITE_BLOB || n == 0 || n % 4 != 0)
        return vf_fail(err, VF_ERR_DATA,
            "the stored vector of article %s is no row of float32: %zu bytes", source_id, n);
    vf_buf_clear(floats);
    VF_TRY(vf_buf_reserve(floats, n, err));
    float *vector = (float *)(void *)floats->data;
    vf_vector_from_le(blob, n / 4, vector);
    *ret_n = n / 4;
out:
    return rc;
}

int vf__sqlite_scan_vectors(struct vf_store *store, const struct vf_selection *selection,
    vf_vector_visitor *visit, void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT e.source_id, e.vector FROM {articles} a CROSS JOIN"
        " {embeddings} e ON " VECTOR_OF_ARTICLE " WHERE e.vector IS NOT NULL AND " SELECTED
        " AND " INSTANT " IS NOT NULL";
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct vf_buf floats = {0};
    sqlite3_stmt *statement = NULL;
    size_t n;
    bool row;
    int rc;
    VF_TRY(check_selection(s, selection, err));
    VF_TRY(prepare(s, text, "", &statement, err));
    VF_TRY(bind_selection(s, statement, selection, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, PARAMETER_MODEL, selection->model_id, err));
    for (;;) {
        VF_TRY(vf__sqlite_step(s, statement, &row, err));
        if (!row)
            break;
        VF_TRY(vf__sqlite_read_vector(statement, &floats, &n, err));
        VF_TRY(visit(context, (const char *)sqlite3_column_text(statement, 0),
            (const float *)(const void *)floats.data, n, err));
    }
out:
    sqlite3_finalize(statement);
    vf_buf_release(&floats);
    return rc;
}

/* The vectors are drawn first, for their articles are then found by their key. */
int vf__sqlite_sample(struct vf_store *store, const char *model_id, size_t n,
    vf_sample_visitor *visit, void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT e.source_id, e.vector, {hash}, a.{headline}, a.{body} FROM (SELECT * FROM"
        " {embeddings} WHERE source_type = '" VF_SOURCE_TYPE "' AND model_id = ?1"
        " AND vector IS NOT NULL ORDER BY random() LIMIT ?2) e"
        " CROSS JOIN {articles} a ON a.{id} = e.source_id";
    struct sqlite_store *s = (struct sqlite_store *)store;
    struct vf_buf floats = {0}, article = {0};
    sqlite3_stmt *row = NULL;
    size_t dimensions, n_left = n;
    bool more, visited;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    VF_TRY(prepare(s, text, "", &row, err));
    VF_TRY(vf__sqlite_bind_text(s, row, 1, model_id, err));
    sqlite3_bind_int64(row, 2, vf_sample_drawn(n));
    while (n_left > 0) {
        VF_TRY(vf__sqlite_step(s, row, &more, err));
        if (!more)
            break;
        VF_TRY(vf__sqlite_read_vector(row, &floats, &dimensions, err));
        VF_TRY(vf_sample_visit((const char *)sqlite3_column_text(row, 0), column_value(row, 3),
            column_value(row, 4), column_value(row, 2), (const float *)(const void *)floats.data,
            dimensions, &article, visit, context, &visited, err));
        n_left -= visited;
    }
out:
    sqlite3_finalize(row);
    vf_buf_release(&floats);
    vf_buf_release(&article);
    return rc;
}

int vf__sqlite_find_article(
    struct vf_store *store, const char *id, struct vf_article_summary *ret, struct vf_err *err)
{
    static const char text[] =
        "SELECT CAST(a.{id} AS TEXT), " INSTANT ", {a.language}, a.{headline}"
        " FROM {articles} a WHERE a.{id} = ?1";
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(prepare(s, text, "", &statement, err));
    VF_TRY(vf__sqlite_bind_text(s, statement, 1, id, err));
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
    if (!row)
        rc = vf_fail_no_article(err, id);
    else
        rc = vf_summary_fill(ret, (const char *)sqlite3_column_text(statement, 0),
            sqlite3_column_int64(statement, 1), (const char *)sqlite3_column_text(statement, 2),
            (const char *)sqlite3_column_text(statement, 3), err);
out:
    sqlite3_finalize(statement);
    return rc;
}

static int visit_model(struct sqlite_store *s, const char *model_id, vf_status_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT month, language, state, count(*), sum(CASE WHEN cut THEN 1 ELSE 0 END) FROM"
        " (SELECT vf_month(" INSTANT ") AS month, lower({a.language}) AS language,"
        " " STATE " AS state, {truncated} AS cut FROM {articles} a"
        " LEFT JOIN {embeddings} e ON " VECTOR_OF_ARTICLE " WHERE a.{id} IS NOT NULL"
        " AND a.{published_at} IS NOT NULL LIMIT -1)"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    const struct vf_selection selection = {.model_id = model_id, .refresh = VF_REFRESH_CHANGED};
    struct vf_status_fold fold = {.model_id = model_id, .visit = visit, .context = context};
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(prepare(s, text, "", &statement, err));
    VF_TRY(bind_state(s, statement, &selection, err));
    for (;;) {
        VF_TRY(vf__sqlite_step(s, statement, &row, err));
        if (!row)
            break;
        const struct vf_status_group group = {
            .month = (const char *)sqlite3_column_text(statement, 0),
            .language = (const char *)sqlite3_column_text(statement, 1),
            .state = sqlite3_column_int64(statement, 2),
            .n = (uint64_t)sqlite3_column_int64(statement, 3),
            .truncated = (uint64_t)sqlite3_column_int64(statement, 4)};
        VF_TRY(vf_status_add(&fold, &group, err));
    }
    VF_TRY(vf_status_end(&fold, err));
out:
    vf_status_release(&fold);
    sqlite3_finalize(statement);
    return rc;
}

int vf__sqlite_status(struct vf_store *store, const char *model_id, vf_status_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char text[] = "SELECT DISTINCT model_id FROM {embeddings}"
                               " WHERE source_type = '" VF_SOURCE_TYPE "' ORDER BY model_id";
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *models = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_inspect_embeddings(s, err));
    if (model_id) {
        rc = visit_model(s, model_id, visit, context, err);
        goto out;
    }
    VF_TRY(prepare(s, text, "", &models, err));
    for (;;) {
        VF_TRY(vf__sqlite_step(s, models, &row, err));
        if (!row)
            break;
        VF_TRY(visit_model(s, (const char *)sqlite3_column_text(models, 0), visit, context, err));
    }
out:
    sqlite3_finalize(models);
    return rc;
}

int vf__sqlite_count_articles(
    struct vf_store *store, uint64_t *ret, uint64_t *ret_never_selected, struct vf_err *err)
{
    static const char text[] =
        "SELECT count(*), count(CASE WHEN {id} IS NULL OR {published_at} IS NULL THEN 1 END)"
        " FROM {articles}";
    struct sqlite_store *s = (struct sqlite_store *)store;
    sqlite3_stmt *statement = NULL;
    bool row;
    int rc;
    VF_TRY(vf__sqlite_inspect_articles(s, err));
    VF_TRY(vf__sqlite_prepare(s, text, NULL, 0, &statement, err));
    VF_TRY(vf__sqlite_step(s, statement, &row, err));
    *ret = (uint64_t)sqlite3_column_int64(statement, 0);
    *ret_never_selected = (uint64_t)sqlite3_column_int64(statement, 1);
out:
    sqlite3_finalize(statement);
    return rc;
}
