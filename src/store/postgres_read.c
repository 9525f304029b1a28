/* Reading articles and vectors from PostgreSQL, in pages by key: (published_at, id) beyond the last
 * one read, as a row comparison, so that an index on the time serves from its middle.
 *
 * Every statement has the same first parameters, of which those that do not apply are NULL; the
 * server plans with their values, so that such conditions vanish. */
#include "store/postgres_internal.h"

#include "base/checked.h"
#include "base/clock.h"
#include "store/claims.h"
#include "store/vector_bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* $1 from, $2 until, $3 language. Without bounds id and time still must not be NULL. */
#define SELECTED                                                                                   \
    "a.{id} IS NOT NULL AND a.{published_at} IS NOT NULL"                                          \
    " AND ($1 IS NULL OR a.{published_at} >= $1)"                                                  \
    " AND ($2 IS NULL OR a.{published_at} < $2)"                                                   \
    " AND ($3 IS NULL OR lower({a.language}) = lower($3)){shard}"

/* The rows of text_embeddings under model $4. A join then carries has_vector in the place of the
 * vector, so that it fits into memory. */
#define VECTORS                                                                                    \
    "SELECT e.*, e.vector IS NOT NULL AS has_vector FROM {embeddings} e"                           \
    " WHERE e.source_type = '" VF_SOURCE_TYPE "' AND e.model_id = $4"

/* A text as a client receives it, whatever the server's encoding. */
#define TEXT_HASH "sha256(textsend(concat_ws(' ', k.headline, k.body)))"

/* Whether there is nothing to read, by the pattern $5; most headlines begin with a character that
 * answers this sooner. */
#define BLANK                                                                                      \
    "(k.headline COLLATE \"C\" BETWEEN '!' AND '~') IS NOT TRUE"                                   \
    " AND coalesce(k.headline, '') ~ $5 AND coalesce(k.body, '') ~ $5"

/* The article k beside its vector e and its state. $6 and $7 are time and id of the last article
 * read. (What follows "AND" is not computed where false stands before it; NULL would not do.) */
#define STATES(FIRST, ROWS, JOIN)                                                                  \
    "SELECT k.*, {truncated} AS truncated, CASE " FIRST "WHEN " BLANK                              \
    " THEN 3 WHEN e.has_vector IS TRUE AND ({changed}) IS NOT TRUE THEN 2 WHEN {failed} THEN 4"    \
    " WHEN e.has_vector THEN 1 ELSE 0 END AS state"                                                \
    " FROM (SELECT a.{id} AS id, a.{id}::text AS id_text, a.{published_at} AS at,"                 \
    " a.{headline}::text AS headline, a.{body}::text AS body, {a.language}::text AS language"      \
    " FROM {articles} a WHERE " SELECTED                                                           \
    " AND ($6 IS NULL OR (a.{published_at}, a.{id}) {beyond} ($6, $7::{id_type}))" ROWS ") k" JOIN

/* All articles, joined as the server sees fit, by several processes at once; or the first $8, whose
 * vectors are looked up in the index one by one: a server that has not analysed a table since a run
 * filled it would read the whole of it for each page. There, the last offset keeps the state from
 * being computed anew wherever it is used. What has no row and did not fail is NULL, which is the
 * quickest to send: whether it is empty, the client sees from the text. */
#define ALL_STATES STATES("", "", " LEFT JOIN (" VECTORS ") e ON e.source_id = k.id_text")
#define PAGE_STATES                                                                                \
    STATES("WHEN e.source_id IS NULL AND NOT {any_failed} THEN NULL ",                             \
        " ORDER BY a.{published_at} {direction}, a.{id} {direction} LIMIT $8",                     \
        " LEFT JOIN LATERAL (" VECTORS " AND e.source_id = k.id_text OFFSET 0) e ON true")         \
    " ORDER BY k.at {direction}, k.id {direction} OFFSET 0"

/* Rows that one statement looks at, at most, and how long they are good for: what is read must not
 * be older when its page comes, for other programs write the same tables. */
enum { MAX_ROWS_SCANNED = 8192 };
static const int64_t KEEP_NS = 100 * 1000000;

struct ahead_row {
    int64_t time; /* as the server counts */
    enum vf_state state;
    bool is_new;
    size_t id; /* where in `bytes` the id is, NUL and the text */
    size_t n_text;
};

/* Rows that one statement read for several pages. */
struct ahead {
    struct ahead_row *rows;
    struct vf_buf bytes;
    size_t n, capacity;
    size_t taken;     /* by pages */
    size_t n_seen;    /* that came from the server; those beyond n did not fit */
    size_t n_scan;    /* that were asked for; 0 before the first */
    size_t max_bytes; /* of texts that are kept, but for the last one */
    int64_t read_ns;
};

struct claim {
    int64_t key;
    uint64_t before; /* articles that were claimed before it */
};

struct pg_reader {
    struct vf_reader base;
    struct pg_store *s;
    struct ahead ahead;
    bool begun; /* from here: the cursor */
    int64_t last_time;
    struct vf_buf last_id;
    struct claim claims[VF_MAX_CLAIMS]; /* a ring, of those from first_claim to n_claims - 1 */
    size_t first_claim, n_claims;
};

/* ---- statements on a selection ---- */

/* The first three parameters. */
static void add_selection(
    const struct pg_store *s, const struct vf_selection *selection, struct pg_params *params)
{
    if (selection->from_us == VF_INSTANT_MIN)
        vf__pg_add_null(params, s->time_type);
    else
        vf__pg_add_instant(params, s->time_type, selection->from_us);
    if (selection->until_us == VF_INSTANT_MAX)
        vf__pg_add_null(params, s->time_type);
    else
        vf__pg_add_instant(params, s->time_type, selection->until_us);
    vf__pg_add_text(params, selection->language);
}

/* The next two: what STATES needs beside a selection. */
static void add_model(const struct pg_store *s, const char *model_id, struct pg_params *params)
{
    vf__pg_add_text(params, model_id);
    vf__pg_add_bytes(params, PG_TEXT, &s->blank);
}

/* The last two of STATES; `reader` may be NULL. */
static void add_cursor(
    const struct pg_store *s, const struct pg_reader *reader, struct pg_params *params)
{
    if (reader && reader->begun) {
        vf__pg_add_server_instant(params, s->time_type, reader->last_time);
        vf__pg_add_text(params, reader->last_id.data);
    } else {
        vf__pg_add_null(params, s->time_type);
        vf__pg_add_null(params, PG_TEXT);
    }
}

/* What a statement on a selection needs beside the names. */
enum { N_WORDS = 12 };

struct selection_words {
    struct vf_sql_word all[N_WORDS];
    struct vf_buf language, any_failed, failed, shard; /* texts of four of them */
};

static void words_release(struct selection_words *words)
{
    vf_buf_release(&words->language);
    vf_buf_release(&words->any_failed);
    vf_buf_release(&words->failed);
    vf_buf_release(&words->shard);
}

static int make_texts(struct pg_store *s, const struct vf_selection *selection,
    struct selection_words *words, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_buf_printf(&words->language, err, s->has_language ? "a.%s" : "NULL::text",
        s->base.names.language.quoted));
    VF_TRY(vf_buf_reserve(&words->shard, 0, err));
    if (selection->n_shards > 1)
        VF_TRY(vf_buf_printf(&words->shard, err,
            " AND (hashtextextended(a.%s::text, 0) & 2147483647) %% %" PRIu32 " = %" PRIu32,
            s->base.names.id.quoted, selection->n_shards, selection->shard));
    if (!s->info.has_failures || selection->retry_failed) {
        VF_TRY(vf_buf_append_string(&words->any_failed, "false", err));
        VF_TRY(vf_buf_append_string(&words->failed, "false", err));
        goto out;
    }
    const char *failures = s->base.names.failures.quoted;
    VF_TRY(vf_buf_printf(&words->any_failed, err,
        "(SELECT EXISTS (SELECT 1 FROM %s WHERE model_id = $4))", failures));
    VF_TRY(vf_buf_printf(&words->failed, err,
        "%s AND EXISTS (SELECT 1 FROM %s f WHERE f.model_id = $4 AND f.source_id = k.id_text"
        " AND (f.text_hash IS NULL OR f.text_hash = " TEXT_HASH "))",
        words->any_failed.data, failures));
out:
    return rc;
}

/* The caller releases `words`, which is zeroed. */
static int words_fill(struct selection_words *words, struct pg_store *s,
    const struct vf_selection *selection, struct vf_err *err)
{
    const char *changed = selection->refresh == VF_REFRESH_ALL ? "true" : "false";
    int rc;
    if (selection->refresh == VF_REFRESH_CHANGED && s->info.has_text_hash)
        changed = "e.text_hash <> " TEXT_HASH;
    VF_TRY(make_texts(s, selection, words, err));
    const struct vf_sql_word all[N_WORDS] = {
        {"a.language", words->language.data},
        {"truncated", s->info.has_truncated ? "e.truncated" : "false"},
        {"changed", changed},
        {"any_failed", words->any_failed.data},
        {"failed", words->failed.data},
        {"shard", words->shard.data},
        {"beyond", selection->newest_first ? "<" : ">"},
        {"direction", selection->newest_first ? "DESC" : "ASC"},
        {"id_type", s->id_type.data},
        {"time", s->time_type == PG_TIMESTAMPTZ ? "timestamptz" : "timestamp"},
        {"utc", s->time_type == PG_TIMESTAMPTZ ? "at AT TIME ZONE 'UTC'" : "at"},
        {"floats", vf__pg_is_bytea(s) ? "e.vector" : "e.vector::real[]"},
    };
    memcpy(words->all, all, sizeof all);
out:
    return rc;
}

static int query(struct pg_store *s, const char *text, const struct vf_selection *selection,
    const struct pg_params *params, PGresult **ret, struct vf_err *err)
{
    struct selection_words words = {0};
    int rc;
    VF_TRY(words_fill(&words, s, selection, err));
    VF_TRY(vf__pg_query(s, text, words.all, N_WORDS, params, ret, err));
out:
    words_release(&words);
    return rc;
}

static int check_selection(
    struct pg_store *s, const struct vf_selection *selection, struct vf_err *err)
{
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    if (selection->language && !s->has_language) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND, "table %s has no column %s",
            s->base.names.articles.quoted, s->base.names.language.quoted);
        vf_hint(err, "name it with --language-column, or leave --language out");
    }
out:
    return rc;
}

/* ---- readers ---- */

int vf__pg_reader_new(struct vf_store *store, const struct vf_selection *selection,
    struct vf_reader **ret, struct vf_err *err)
{
    struct pg_store *s = (struct pg_store *)store;
    int rc;
    VF_TRY(check_selection(s, selection, err));
    struct pg_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return vf_fail_memory(err, "a reader");
    reader->base = (struct vf_reader){.store = store, .selection = selection};
    reader->s = s;
    *ret = &reader->base;
out:
    return rc;
}

void vf__pg_reader_free(struct vf_reader *base)
{
    struct pg_reader *reader = (struct pg_reader *)base;
    vf_buf_release(&reader->last_id);
    vf_buf_release(&reader->ahead.bytes);
    free(reader->ahead.rows);
    free(reader);
}

/* ---- rows that are read ahead of the pages ---- */

/* Of a text only what is to do comes along. */
static const char select_rows[] =
    "SELECT s.id_text, s.at::{time}, s.state::int8,"
    " CASE WHEN s.state >= 2 THEN NULL ELSE s.headline END,"
    " CASE WHEN s.state >= 2 THEN NULL ELSE s.body END"
    " FROM (" PAGE_STATES ") s ORDER BY s.at {direction}, s.id {direction}";

enum { FIELD_ID, FIELD_TIME, FIELD_STATE, FIELD_HEADLINE, FIELD_BODY };

static int grow_rows(struct ahead *ahead, struct vf_err *err)
{
    enum { FIRST_ROWS = 256 };
    size_t capacity = ahead->capacity ? 2 * ahead->capacity : FIRST_ROWS, bytes;
    struct ahead_row *rows = NULL;
    if (vf_size_mul(capacity, sizeof *rows, &bytes))
        rows = realloc(ahead->rows, bytes);
    if (!rows)
        return vf_fail_memory(err, "articles that are read ahead");
    ahead->rows = rows;
    ahead->capacity = capacity;
    return 0;
}

/* Keeps one row of select_rows, unless there are bytes enough. */
static int keep_row(void *context, const PGresult *row, struct vf_err *err)
{
    struct ahead *ahead = context;
    int rc = 0;
    ahead->n_seen++;
    if (ahead->bytes.size >= ahead->max_bytes)
        return 0;
    if (ahead->n == ahead->capacity)
        VF_TRY(grow_rows(ahead, err));
    struct ahead_row *kept = &ahead->rows[ahead->n];
    const struct vf_value headline = vf__pg_get_value(row, 0, FIELD_HEADLINE),
                          body = vf__pg_get_value(row, 0, FIELD_BODY);
    const size_t n_id = (size_t)PQgetlength(row, 0, FIELD_ID) + 1;
    *kept = (struct ahead_row){.time = vf__pg_get_int8(row, 0, FIELD_TIME),
        .state = (enum vf_state)vf__pg_get_int8(row, 0, FIELD_STATE),
        .is_new = PQgetisnull(row, 0, FIELD_STATE),
        .id = ahead->bytes.size};
    if (kept->is_new)
        kept->state =
            vf_is_blank(headline) && vf_is_blank(body) ? VF_STATE_EMPTY : VF_STATE_MISSING;
    VF_TRY(vf_buf_append(&ahead->bytes, PQgetvalue(row, 0, FIELD_ID), n_id, err));
    VF_TRY(vf_text_append(&ahead->bytes, headline, body, err));
    kept->n_text = ahead->bytes.size - kept->id - n_id;
    ahead->n++;
out:
    return rc;
}

/* The cursor of the reader comes to stand behind what the pages have taken. */
static int move_cursor(struct pg_reader *reader, struct vf_err *err)
{
    const struct ahead *ahead = &reader->ahead;
    if (ahead->taken == 0)
        return 0;
    const struct ahead_row *last = &ahead->rows[ahead->taken - 1];
    struct vf_buf id = {0};
    int rc = vf_buf_append_string(&id, ahead->bytes.data + last->id, err);
    if (rc)
        return rc;
    vf_buf_release(&reader->last_id);
    reader->last_id = id;
    reader->last_time = last->time;
    reader->begun = true;
    return 0;
}

static bool is_stale(const struct ahead *ahead)
{
    return vf_now_ns() - ahead->read_ns > KEEP_NS;
}

/* How many rows to look at next: more and more while the pages take them as fast as they come, but
 * hardly more than fit; one more tells whether anything follows. */
static size_t next_scan(const struct ahead *ahead, size_t max_articles)
{
    size_t n = ahead->n_scan;
    if (n == 0)
        return max_articles;
    if (ahead->n < ahead->n_seen)
        n = ahead->n + 1;
    else if (is_stale(ahead))
        n = n < max_articles ? n : max_articles;
    else if (ahead->bytes.size <= ahead->max_bytes / 2)
        n = n < MAX_ROWS_SCANNED / 2 ? 2 * n : MAX_ROWS_SCANNED;
    return n;
}

static void forget_rows(struct ahead *ahead)
{
    ahead->n = ahead->n_seen = ahead->taken = 0;
    vf_buf_clear(&ahead->bytes);
}

/* Reads the rows behind the cursor. On failure there are none. */
static int read_ahead(
    struct pg_reader *reader, size_t max_articles, size_t max_bytes, struct vf_err *err)
{
    const struct vf_selection *selection = reader->base.selection;
    struct ahead *ahead = &reader->ahead;
    struct pg_store *s = reader->s;
    struct selection_words words = {0};
    struct pg_params params = {0};
    struct vf_buf sql = {0};
    int rc;
    VF_TRY(move_cursor(reader, err));
    ahead->n_scan = next_scan(ahead, max_articles);
    ahead->max_bytes = max_bytes;
    forget_rows(ahead);
    add_selection(s, selection, &params);
    add_model(s, selection->model_id, &params);
    add_cursor(s, reader, &params);
    vf__pg_add_int8(&params, (int64_t)ahead->n_scan);
    VF_TRY(words_fill(&words, s, selection, err));
    VF_TRY(vf__pg_expand(s, select_rows, words.all, N_WORDS, &sql, err));
    ahead->read_ns = vf_now_ns();
    rc = vf__pg_stream(s, sql.data, &params, keep_row, ahead, err);
    if (rc) {
        forget_rows(ahead);
        ahead->n_scan = 0; /* fewer may do */
    }
out:
    words_release(&words);
    vf_buf_release(&sql);
    return rc;
}

/* Fills the page with what is there. */
static int take_rows(struct ahead *ahead, size_t max_articles, size_t max_bytes,
    struct vf_page *page, struct vf_err *err)
{
    static const struct vf_value no_body;
    size_t i = ahead->taken;
    int rc = 0;
    for (; i < ahead->n && page->n < max_articles && page->bytes.size < max_bytes; i++) {
        const struct ahead_row *row = &ahead->rows[i];
        const char *id = ahead->bytes.data + row->id;
        const struct vf_value text = {id + strlen(id) + 1, row->n_text};
        vf_page_pass(page, id);
        if (row->state == VF_STATE_UNCHANGED)
            page->unchanged++;
        else if (row->state == VF_STATE_EMPTY)
            page->empty++;
        else if (row->state == VF_STATE_FAILED)
            page->failed++;
        else
            VF_TRY(vf_page_add(page, id, text, no_body, row->is_new, err));
    }
    ahead->taken = i;
out:
    return rc;
}

int vf__pg_reader_next(struct vf_reader *base, size_t max_articles, size_t max_bytes,
    struct vf_page *page, bool *ret_end, struct vf_err *err)
{
    struct pg_reader *reader = (struct pg_reader *)base;
    struct ahead *ahead = &reader->ahead;
    int rc = 0;
    if (ahead->taken == ahead->n || is_stale(ahead))
        VF_TRY(read_ahead(reader, max_articles, max_bytes, err));
    VF_TRY(take_rows(ahead, max_articles, max_bytes, page, err));
    *ret_end = ahead->taken == ahead->n_seen && ahead->n_seen < ahead->n_scan;
out:
    return rc;
}

/* ---- claims: advisory locks of the session ---- */

static struct claim *claim_at(struct pg_reader *reader, size_t i)
{
    return &reader->claims[i % VF_MAX_CLAIMS];
}

static bool has_claim(struct pg_reader *reader, int64_t key)
{
    for (size_t i = reader->first_claim; i < reader->n_claims; i++)
        if (claim_at(reader, i)->key == key)
            return true;
    return false;
}

/* The first claim that is still needed, and all after it are, when another is made. The articles of
 * a claim come before those of the next one. */
static size_t first_needed(struct pg_reader *reader)
{
    size_t i = reader->first_claim, n = reader->n_claims;
    while (n - i == VF_MAX_CLAIMS ||
           (n - i > 1 &&
               claim_at(reader, i + 1)->before + reader->base.in_flight <= reader->base.n_claimed))
        i++;
    return i;
}

/* To release a lock that was lost with a connection is no error. */
int vf__pg_reader_claim(struct vf_reader *base, int64_t key, bool *ret, struct vf_err *err)
{
    static const char text[] = "SELECT pg_try_advisory_lock($1)::int::int8,"
                               " (SELECT count(pg_advisory_unlock(k)) FROM unnest($2) k)";
    struct pg_reader *reader = (struct pg_reader *)base;
    size_t needed = first_needed(reader);
    struct pg_params params = {0};
    struct vf_buf released = {0};
    PGresult *result = NULL;
    int rc = 0;
    *ret = has_claim(reader, key);
    if (*ret)
        goto out;
    VF_TRY(vf__pg_array_begin(&released, PG_INT8, needed - reader->first_claim, err));
    for (size_t i = reader->first_claim; i < needed; i++)
        VF_TRY(vf__pg_array_int8(&released, claim_at(reader, i)->key, err));
    vf__pg_add_int8(&params, key);
    vf__pg_add_bytes(&params, PG_INT8_ARRAY, &released);
    VF_TRY(vf__pg_query(reader->s, text, NULL, 0, &params, &result, err));
    reader->first_claim = needed;
    *ret = vf__pg_get_int8(result, 0, 0) != 0;
    if (*ret)
        *claim_at(reader, reader->n_claims++) = (struct claim){key, base->n_claimed};
out:
    PQclear(result);
    vf_buf_release(&released);
    return rc;
}

int vf__pg_reader_count(struct vf_reader *base, struct vf_counts *ret, struct vf_err *err)
{
    static const char text[] = "SELECT state::int8, count(*) FROM (" ALL_STATES ") s GROUP BY 1";
    struct pg_reader *reader = (struct pg_reader *)base;
    struct pg_params params = {0};
    PGresult *rows = NULL;
    int rc;
    VF_TRY(move_cursor(reader, err));
    add_selection(reader->s, base->selection, &params);
    add_model(reader->s, base->selection->model_id, &params);
    add_cursor(reader->s, reader, &params);
    VF_TRY(query(reader->s, text, base->selection, &params, &rows, err));
    for (int row = 0; row < PQntuples(rows); row++)
        VF_TRY(vf_counts_add(
            ret, vf__pg_get_int8(rows, row, 0), (uint64_t)vf__pg_get_int8(rows, row, 1), err));
out:
    PQclear(rows);
    return rc;
}

/* ---- vectors ---- */

/* A float4[] as it travels: dimensions, flag, type, length, lower bound, then length and bits of
 * each element. */
static int parse_floats(
    struct vf_value array, struct vf_buf *floats, size_t *ret_n, struct vf_err *err)
{
    enum { HEADER = 20, ITEM = 8 };
    const uint8_t *in = (const uint8_t *)array.bytes;
    int rc;
    if (array.n < HEADER || vf_get_be32(in) != 1 || vf_get_be32(in + 8) != PG_FLOAT4 ||
        vf_get_be32(in + 12) != (array.n - HEADER) / ITEM || (array.n - HEADER) % ITEM != 0)
        return vf_fail(err, VF_ERR_DATA, "not a row of numbers");
    size_t n = (array.n - HEADER) / ITEM;
    VF_TRY(vf_buf_reserve(floats, n * sizeof(float), err));
    float *vector = (float *)(void *)floats->data;
    for (size_t i = 0; i < n; i++)
        vector[i] = vf_float_of_bits(vf_get_be32(in + HEADER + ITEM * i + 4));
    *ret_n = n;
out:
    return rc;
}

static int parse_bytes(
    struct vf_value bytes, struct vf_buf *floats, size_t *ret_n, struct vf_err *err)
{
    int rc;
    if (bytes.n == 0 || bytes.n % 4 != 0)
        return vf_fail(err, VF_ERR_DATA, "not a row of float32: %zu bytes", bytes.n);
    VF_TRY(vf_buf_reserve(floats, bytes.n, err));
    vf_vector_from_le((const uint8_t *)bytes.bytes, bytes.n / 4, (float *)(void *)floats->data);
    *ret_n = bytes.n / 4;
out:
    return rc;
}

int vf__pg_read_vector(const struct pg_store *s, const PGresult *rows, int row,
    struct vf_buf *floats, size_t *ret_n, struct vf_err *err)
{
    struct vf_value value = vf__pg_get_value(rows, row, 1);
    int rc = vf__pg_is_bytea(s) ? parse_bytes(value, floats, ret_n, err)
                                : parse_floats(value, floats, ret_n, err);
    if (rc)
        vf_err_prefix(err, "the stored vector of article %s", PQgetvalue(rows, row, 0));
    return rc;
}

struct scan {
    struct pg_store *s;
    struct vf_buf floats;
    vf_vector_visitor *visit;
    void *context;
};

/* A row (source_id, vector). */
static int visit_vector(void *context, const PGresult *row, struct vf_err *err)
{
    struct scan *scan = context;
    size_t n = 0;
    int rc = vf__pg_read_vector(scan->s, row, 0, &scan->floats, &n, err);
    if (rc)
        return rc;
    return scan->visit(scan->context, PQgetvalue(row, 0, 0),
        (const float *)(const void *)scan->floats.data, n, err);
}

int vf__pg_stream(struct pg_store *s, const char *sql, const struct pg_params *params,
    vf__pg_row_visitor *visit, void *context, struct vf_err *err)
{
    int refusal = 0;
    int rc = vf__pg_send(s, sql, params, err);
    if (rc)
        return rc;
    if (!PQsetSingleRowMode(s->conn))
        rc = vf__pg_fail(s, NULL, err);
    while (rc == 0) {
        VF_TRY(vf__pg_await(s, err));
        PGresult *result = PQgetResult(s->conn);
        if (!result)
            return refusal;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_SINGLE_TUPLE)
            rc = visit(context, result, err);
        else if (status != PGRES_TUPLES_OK)
            refusal = vf__pg_fail(s, result, err);
        PQclear(result);
    }
out:; /* rows that nobody wants any more are left behind with their connection */
    int ignored = vf__pg_reconnect(s, NULL);
    (void)ignored; /* the next statement tells */
    return rc;
}

int vf__pg_scan_vectors(struct vf_store *store, const struct vf_selection *selection,
    vf_vector_visitor *visit, void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT e.source_id::text, {floats} FROM {articles} a JOIN {embeddings} e"
        " ON e.source_type = '" VF_SOURCE_TYPE "' AND e.source_id = a.{id}::text"
        " AND e.model_id = $4 WHERE e.vector IS NOT NULL AND " SELECTED;
    struct pg_store *s = (struct pg_store *)store;
    struct selection_words words = {0};
    struct scan scan = {.s = s, .visit = visit, .context = context};
    struct vf_buf sql = {0};
    struct pg_params params = {0};
    int rc;
    VF_TRY(check_selection(s, selection, err));
    VF_TRY(words_fill(&words, s, selection, err));
    VF_TRY(vf__pg_expand(s, text, words.all, N_WORDS, &sql, err));
    add_selection(s, selection, &params);
    vf__pg_add_text(&params, selection->model_id);
    VF_TRY(vf__pg_stream(s, sql.data, &params, visit_vector, &scan, err));
out:
    words_release(&words);
    vf_buf_release(&sql);
    vf_buf_release(&scan.floats);
    return rc;
}

/* ---- samples ---- */

static const struct vf_selection any_article;

/* The row (headline, body) of an article, none when there is no such one. */
static int fetch_text(struct pg_store *s, const char *id, PGresult **ret, struct vf_err *err)
{
    static const char text[] = "SELECT a.{headline}::text, a.{body}::text FROM {articles} a"
                               " WHERE a.{id} = $1::{id_type}";
    static const char none[] = "SELECT NULL LIMIT 0";
    struct pg_params params = {0};
    vf__pg_add_text(&params, id);
    int rc = query(s, text, &any_article, &params, ret, err);
    if (rc == VF_ERR_DATA) /* an id that cannot be one, such as "x" for a bigint */
        rc = vf__pg_query(s, none, NULL, 0, NULL, ret, err);
    return rc;
}

static int visit_samples(struct pg_store *s, const PGresult *drawn, size_t n,
    vf_sample_visitor *visit, void *context, struct vf_err *err)
{
    struct vf_buf floats = {0}, text = {0};
    PGresult *article = NULL;
    size_t dimensions;
    bool visited = false;
    int rc = 0;
    for (int row = 0; row < PQntuples(drawn) && n > 0; row++, n -= visited) {
        const char *id = PQgetvalue(drawn, row, 0);
        visited = false;
        PQclear(article);
        article = NULL;
        VF_TRY(fetch_text(s, id, &article, err));
        if (PQntuples(article) == 0)
            continue;
        VF_TRY(vf__pg_read_vector(s, drawn, row, &floats, &dimensions, err));
        VF_TRY(vf_sample_visit(id, vf__pg_get_value(article, 0, 0), vf__pg_get_value(article, 0, 1),
            vf__pg_get_value(drawn, row, 2), (const float *)(const void *)floats.data, dimensions,
            &text, visit, context, &visited, err));
    }
out:
    PQclear(article);
    vf_buf_release(&floats);
    vf_buf_release(&text);
    return rc;
}

int vf__pg_sample(struct vf_store *store, const char *model_id, size_t n, vf_sample_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char with_hash[] = "SELECT e.source_id::text, {floats}, e.text_hash";
    static const char without_hash[] = "SELECT e.source_id::text, {floats}, NULL::bytea";
    static const char rest[] =
        " FROM {embeddings} e WHERE e.source_type = '" VF_SOURCE_TYPE "' AND e.model_id = $1"
        " AND e.vector IS NOT NULL ORDER BY random() LIMIT $2";
    struct pg_store *s = (struct pg_store *)store;
    struct pg_params params = {0};
    struct vf_buf text = {0};
    PGresult *drawn = NULL;
    int rc;
    VF_TRY(check_selection(s, &any_article, err));
    VF_TRY(
        vf_buf_printf(&text, err, "%s%s", s->info.has_text_hash ? with_hash : without_hash, rest));
    vf__pg_add_text(&params, model_id);
    vf__pg_add_int8(&params, vf_sample_drawn(n));
    VF_TRY(query(s, text.data, &any_article, &params, &drawn, err));
    VF_TRY(visit_samples(s, drawn, n, visit, context, err));
out:
    PQclear(drawn);
    vf_buf_release(&text);
    return rc;
}

/* ---- looking at what is there ---- */

int vf__pg_find_article(
    struct vf_store *store, const char *id, struct vf_article_summary *ret, struct vf_err *err)
{
    static const char text[] = "SELECT a.{id}::text, a.{published_at}::{time},"
                               " {a.language}::text, a.{headline}::text FROM {articles} a"
                               " WHERE a.{id} = $1::{id_type}";
    struct pg_store *s = (struct pg_store *)store;
    struct pg_params params = {0};
    PGresult *rows = NULL;
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    vf__pg_add_text(&params, id);
    rc = query(s, text, &any_article, &params, &rows, err);
    if (rc == VF_ERR_DATA) /* an id that cannot be one, such as "x" for a bigint */
        rc = vf_fail_no_article(err, id);
    if (rc)
        goto out;
    if (PQntuples(rows) == 0) {
        rc = vf_fail_no_article(err, id);
        goto out;
    }
    VF_TRY(vf_summary_fill(ret, PQgetvalue(rows, 0, 0), vf__pg_get_instant(rows, 0, 1),
        vf__pg_get_value(rows, 0, 2).bytes, vf__pg_get_value(rows, 0, 3).bytes, err));
out:
    PQclear(rows);
    return rc;
}

static int visit_model(struct pg_store *s, const char *model_id, vf_status_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT CASE WHEN isfinite(month) THEN to_char(month, 'YYYY-MM') ELSE month::text END,"
        " language, state, n, cut FROM"
        " (SELECT date_trunc('month', {utc}) AS month, lower(language) COLLATE \"C\" AS language,"
        " state::int8, count(*) AS n, count(*) FILTER (WHERE truncated) AS cut"
        " FROM (" ALL_STATES ") s GROUP BY 1, 2, 3) g ORDER BY month, language NULLS FIRST, state";
    static const struct vf_selection all = {.from_us = VF_INSTANT_MIN, .until_us = VF_INSTANT_MAX};
    struct vf_status_fold fold = {.model_id = model_id, .visit = visit, .context = context};
    struct pg_params params = {0};
    PGresult *rows = NULL;
    int rc;
    add_selection(s, &all, &params);
    add_model(s, model_id, &params);
    add_cursor(s, NULL, &params);
    VF_TRY(query(s, text, &all, &params, &rows, err));
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct vf_status_group group = {.month = PQgetvalue(rows, row, 0),
            .language = vf__pg_get_value(rows, row, 1).bytes,
            .state = vf__pg_get_int8(rows, row, 2),
            .n = (uint64_t)vf__pg_get_int8(rows, row, 3),
            .truncated = (uint64_t)vf__pg_get_int8(rows, row, 4)};
        VF_TRY(vf_status_add(&fold, &group, err));
    }
    VF_TRY(vf_status_end(&fold, err));
out:
    vf_status_release(&fold);
    PQclear(rows);
    return rc;
}

int vf__pg_status(struct vf_store *store, const char *model_id, vf_status_visitor *visit,
    void *context, struct vf_err *err)
{
    static const char text[] =
        "SELECT model_id::text COLLATE \"C\" FROM {embeddings} WHERE source_type = '" VF_SOURCE_TYPE
        "' GROUP BY 1 ORDER BY 1";
    struct pg_store *s = (struct pg_store *)store;
    PGresult *models = NULL;
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    VF_TRY(vf__pg_inspect_embeddings(s, err));
    if (model_id) {
        rc = visit_model(s, model_id, visit, context, err);
        goto out;
    }
    VF_TRY(vf__pg_query(s, text, NULL, 0, NULL, &models, err));
    for (int row = 0; row < PQntuples(models); row++)
        VF_TRY(visit_model(s, PQgetvalue(models, row, 0), visit, context, err));
out:
    PQclear(models);
    return rc;
}

int vf__pg_count_articles(
    struct vf_store *store, uint64_t *ret, uint64_t *ret_never_selected, struct vf_err *err)
{
    static const char text[] =
        "SELECT count(*), count(*) FILTER (WHERE {id} IS NULL OR {published_at} IS NULL)"
        " FROM {articles}";
    struct pg_store *s = (struct pg_store *)store;
    PGresult *result = NULL;
    int rc;
    VF_TRY(vf__pg_inspect_articles(s, err));
    VF_TRY(vf__pg_query(s, text, NULL, 0, NULL, &result, err));
    *ret = (uint64_t)vf__pg_get_int8(result, 0, 0);
    *ret_never_selected = (uint64_t)vf__pg_get_int8(result, 0, 1);
out:
    PQclear(result);
    return rc;
}
