/* What store.h promises, on SQLite and on PostgreSQL alike. */
#include "store_fixture.h"

#include "store/article_text.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct article_spec sample[] = {
    {"5", "2025-01-01T00:00:00Z", "en", "five", "at midnight"},
    {"3", "2024-12-31T23:59:59.999999Z", "EN", "three", "just before"},
    {"9", "2025-01-02T12:00:00Z", "de", "neun", NULL},
    {"7", "2025-01-02T12:00:00Z", "en", NULL, "seven"},
    {"8", "2025-01-02T12:00:00Z", NULL, "eight", "no language"},
    {"1", "2025-01-03T00:00:00Z", "en", " \t", "\n"},
    {"2", "2025-02-01T00:00:00.000001Z", "En", "two", ""},
    {"4", "2025-02-01T00:00:00Z", "en", NULL, NULL},
};

enum { SAMPLE_TODO = 6 };

/* 2025-01-01T00:00:00Z and 2025-01-03T00:00:00Z. */
#define JAN_1 INT64_C(1735689600000000)
#define JAN_3 INT64_C(1735862400000000)

static void test_selection(void **state)
{
    static const struct {
        const char *name, *language, *ids;
        int64_t from_us, until_us;
        bool newest_first;
    } cases[] = {
        {"everything", NULL, "3,5,7,8,9,2", VF_INSTANT_MIN, VF_INSTANT_MAX, false},
        {"newest first", NULL, "2,9,8,7,5,3", VF_INSTANT_MIN, VF_INSTANT_MAX, true},
        {"from is inclusive", NULL, "5,7,8,9,2", JAN_1, VF_INSTANT_MAX, false},
        {"until is exclusive", NULL, "3,5,7,8,9", VF_INSTANT_MIN, JAN_3, false},
        {"until a microsecond later", NULL, "3", VF_INSTANT_MIN, JAN_1, false},
        {"two days", NULL, "5,7,8,9", JAN_1, JAN_3, false},
        {"two days, newest first", NULL, "9,8,7,5", JAN_1, JAN_3, true},
        {"language without case", "eN", "3,5,7,2", VF_INSTANT_MIN, VF_INSTANT_MAX, false},
        {"language and days", "de", "9", JAN_1, JAN_3, false},
        {"unknown language", "fr", "", VF_INSTANT_MIN, VF_INSTANT_MAX, false},
        {"empty range", NULL, "", JAN_3, JAN_1, false},
        {"far past", NULL, "", VF_INSTANT_MIN, VF_INSTANT_MIN + 1, false},
        {"far future", NULL, "", VF_INSTANT_MAX - 1, VF_INSTANT_MAX, false},
    };
    struct vf_store *store = fixture_open_ready(*state, NULL);
    import_articles(store, sample, VF_COUNT(sample));
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_selection selection = select_all();
        selection.language = cases[i].language;
        selection.from_us = cases[i].from_us;
        selection.until_us = cases[i].until_us;
        selection.newest_first = cases[i].newest_first;
        for (size_t size = 1; size <= VF_COUNT(sample) + 1; size++) {
            const char *ids = read_ids(store, &selection, size, 1 << 20, NULL);
            vf_check(
                strcmp(ids, cases[i].ids) == 0, "%s, pages of %zu: %s", cases[i].name, size, ids);
        }
        count_selection(store, &selection);
    }
    vf_store_close(store);
}

static void test_text(void **state)
{
    static const struct {
        const char *name, *headline, *body, *text; /* NULL: empty */
    } cases[] = {
        {"both", "head", "body", "head body"},
        {"no body", "head", NULL, "head"},
        {"no headline", NULL, "body", "body"},
        {"neither", NULL, NULL, NULL},
        {"empty headline", "", "body", " body"},
        {"empty body", "head", "", "head "},
        {"both empty", "", "", NULL},
        {"both white", " \t\r\n\v\f", "\xC2\xA0\xE3\x80\x80", NULL},
        {"white around", "  head ", "\n", "  head  \n"},
        {"white headline", "\xE2\x80\x83", "x", "\xE2\x80\x83 x"},
        {"zero width space is a text", "\xE2\x80\x8B", NULL, "\xE2\x80\x8B"},
    };
    struct vf_store *store = fixture_open_ready(*state, NULL);
    struct vf_selection selection = select_all();
    struct vf_err err;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char id[8];
        snprintf(id, sizeof id, "%zu", i);
        struct article_spec article = {
            id, "2025-01-01T00:00:00Z", "en", cases[i].headline, cases[i].body};
        import_articles(store, &article, 1);
    }
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    bool end = false;
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        if (!cases[i].text)
            continue;
        do {
            expect_ok(vf_reader_next(reader, 1, 100, &page, &end, &err), &err, cases[i].name);
        } while (page.n == 0 && !end);
        vf_check(page.n == 1 && (size_t)atoi(page.articles[0].id) == i, "%s", cases[i].name);
        vf_check(page.articles[0].n_text == strlen(cases[i].text) &&
                     strcmp(page.articles[0].text, cases[i].text) == 0,
            "%s: '%s'", cases[i].name, page.articles[0].text);
    }
    vf_page_release(&page);
    vf_reader_free(reader);
    vf_store_close(store);
}

/* Every scalar value below U+3100 alone, as the databases and the rule in C see it. */
static void test_blank(void **state)
{
    enum { LAST = 0x3100, BATCH = 2000 };
    struct vf_store *store = fixture_open_ready(*state, NULL);
    struct vf_import_article articles[BATCH];
    static char ids[BATCH][8], texts[BATCH][8];
    struct vf_err err;
    uint64_t expected = 0;
    size_t n = 0;
    for (uint32_t c = 1; c < LAST; c++) {
        size_t length = vf_utf8_encode(c, (uint8_t *)texts[n]);
        texts[n][length] = '\0';
        snprintf(ids[n], sizeof ids[n], "%u", c);
        expected += vf_is_blank((struct vf_value){texts[n], length});
        articles[n] = (struct vf_import_article){.id = ids[n], .headline = texts[n], .body = ""};
        if (++n == BATCH || c + 1 == LAST) {
            expect_ok(vf_store_import(store, articles, n, &err), &err, "import");
            n = 0;
        }
    }
    struct vf_selection selection = select_all();
    struct vf_counts counts;
    read_ids(store, &selection, 1000, 1 << 20, &counts);
    assert_int_equal(expected, vf_n_white_space);
    assert_int_equal(counts.empty, expected);
    assert_int_equal(counts.missing, LAST - 1 - expected);
    vf_store_close(store);
}

static void test_refresh(void **state)
{
    static const struct {
        const char *name;
        enum vf_refresh refresh;
        const char *counts, *ids;
    } cases[] = {
        {"changed", VF_REFRESH_CHANGED, "1 2 3 2", "5,9,2"},
        {"missing", VF_REFRESH_MISSING, "1 0 5 2", "2"},
        {"all", VF_REFRESH_ALL, "1 5 0 2", "3,5,7,8,9,2"},
    };
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    import_articles(store, sample, VF_COUNT(sample));
    assert_int_equal(embed_all(store, &selection), SAMPLE_TODO);
    assert_int_equal(embed_all(store, &selection), 0);
    fixture_run(f, "UPDATE news_articles SET headline = 'five edited' WHERE article_id = 5");
    fixture_run(f, "UPDATE news_articles SET body = '' WHERE article_id = 9");
    fixture_run(f, "DELETE FROM text_embeddings WHERE source_id = '2'");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        selection.refresh = cases[i].refresh;
        const char *counts = counts_text(count_selection(store, &selection));
        vf_check(strcmp(counts, cases[i].counts) == 0, "%s: %s", cases[i].name, counts);
        const char *ids = read_ids(store, &selection, 2, 1 << 20, NULL);
        vf_check(strcmp(ids, cases[i].ids) == 0, "%s: %s", cases[i].name, ids);
    }
    selection.refresh = VF_REFRESH_CHANGED;
    selection.model_id = "another";
    assert_string_equal(counts_text(count_selection(store, &selection)), "6 0 0 2");
    vf_store_close(store);
}

/* What is not known to have changed is unchanged; a row without a vector is missing. */
static void test_null_hash_and_vector(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    import_articles(store, sample, VF_COUNT(sample));
    embed_all(store, &selection);
    fixture_run(f, "UPDATE text_embeddings SET text_hash = NULL WHERE source_id IN ('3', '5')");
    fixture_run(f, "UPDATE text_embeddings SET vector = NULL, vector_ref = 'elsewhere'"
                   " WHERE source_id = '7'");
    fixture_run(f, "INSERT INTO text_embeddings (source_type, source_id, model_id)"
                   " VALUES ('MACRO', '2', 'm')");
    assert_string_equal(counts_text(count_selection(store, &selection)), "1 0 5 2");
    assert_int_equal(embed_all(store, &selection), 1);
    assert_string_equal(
        fixture_get(f, "SELECT count(*) FROM text_embeddings WHERE vector_ref IS NOT NULL"), "0");
    vf_store_close(store);
}

static void test_time_null(void **state)
{
    struct fixture *f = *state;
    fixture_run_either(f,
        "CREATE TABLE news_articles (article_id INTEGER PRIMARY KEY, published_at TEXT,"
        " language TEXT, headline TEXT, body TEXT)",
        "CREATE TABLE news_articles (article_id bigint PRIMARY KEY, published_at timestamptz,"
        " language text, headline text, body text)");
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    import_articles(store, sample, VF_COUNT(sample));
    fixture_run(f, "UPDATE news_articles SET published_at = NULL WHERE article_id = 7");
    assert_string_equal(read_ids(store, &selection, 2, 1 << 20, NULL), "3,5,8,9,2");
    vf_store_close(store);
}

/* ---- pages ---- */

static void test_counts_follow_the_cursor(void **state)
{
    struct vf_store *store = fixture_open_ready(*state, NULL);
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_counts counts;
    struct vf_err err;
    bool end;
    import_articles(store, sample, VF_COUNT(sample));
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    expect_ok(vf_reader_count(reader, &counts, &err), &err, "count");
    assert_string_equal(counts_text(counts), "6 0 0 2");
    expect_ok(vf_reader_next(reader, 3, 1 << 20, &page, &end, &err), &err, "page");
    assert_int_equal(page.n, 3);
    expect_ok(vf_reader_count(reader, &counts, &err), &err, "count");
    assert_string_equal(counts_text(counts), "3 0 0 2");
    vf_page_release(&page);
    vf_reader_free(reader);
    vf_store_close(store);
}

/* Articles that others delete or edit between two pages. */
static void test_changes_between_pages(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_err err;
    bool end;
    import_articles(store, sample, VF_COUNT(sample));
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    expect_ok(vf_reader_next(reader, 2, 1 << 20, &page, &end, &err), &err, "page");
    assert_string_equal(page.articles[1].id, "5");
    fixture_run(f, "DELETE FROM news_articles WHERE article_id IN (5, 7)");
    fixture_run(f, "UPDATE news_articles SET headline = 'new' WHERE article_id = 8");
    expect_ok(vf_reader_next(reader, 1, 1 << 20, &page, &end, &err), &err, "page");
    assert_string_equal(page.articles[0].id, "8");
    assert_string_equal(page.articles[0].text, "new no language");
    vf_page_release(&page);
    vf_reader_free(reader);
    vf_store_close(store);
}

/* 10 MB of text in one article; and a page never holds much more than its bytes. */
static void test_long_article(void **state)
{
    enum { LONG = 10 << 20, LIMIT = 1000 };
    struct vf_store *store = fixture_open_ready(*state, NULL);
    struct vf_selection selection = select_all();
    char *body = malloc(LONG + 1);
    assert_non_null(body);
    memset(body, 'x', LONG);
    body[LONG] = '\0';
    const struct article_spec articles[] = {
        {"1", "2025-01-01T00:00:00Z", "en", "short", "one"},
        {"2", "2025-01-02T00:00:00Z", "en", "long", body},
        {"3", "2025-01-03T00:00:00Z", "en", "short", "three"},
        {"4", "2025-01-04T00:00:00Z", "en", "short", "four"},
    };
    import_articles(store, articles, VF_COUNT(articles));
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_err err;
    bool end;
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    expect_ok(vf_reader_next(reader, 10, LIMIT, &page, &end, &err), &err, "page");
    assert_int_equal(page.n, 2);
    assert_int_equal(page.articles[1].n_text, LONG + strlen("long "));
    assert_memory_equal(page.articles[1].text, "long xxx", 8);
    assert_false(end);
    expect_ok(vf_reader_next(reader, 10, LIMIT, &page, &end, &err), &err, "page");
    assert_int_equal(page.n, 2);
    assert_string_equal(page.articles[1].text, "short four");
    assert_true(end);
    vf_page_release(&page);
    vf_reader_free(reader);
    assert_int_equal(embed_all(store, &selection), 4);
    assert_string_equal(counts_text(count_selection(store, &selection)), "0 0 4 0");
    free(body);
    vf_store_close(store);
}

/* Many articles that are done already do not make many pages, nor endless ones. */
static void test_many_unchanged(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_counts counts;
    fixture_run_either(f,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
        " INSERT INTO news_articles (article_id, published_at, headline)"
        " SELECT i, '2025-01-01 00:00:00', 'h' FROM n",
        "INSERT INTO news_articles (article_id, published_at, headline)"
        " SELECT i, '2025-01-01', 'h' FROM generate_series(1, 30000) i");
    fixture_run(f, "INSERT INTO text_embeddings (source_type, source_id, model_id, vector)"
                   " SELECT 'NEWS', article_id, 'm', '0000' FROM news_articles"
                   " WHERE article_id NOT IN (1, 15000, 30000)");
    assert_string_equal(read_ids(store, &selection, 64, 1 << 20, &counts), "1,15000,30000");
    assert_string_equal(counts_text(counts), "3 0 29997 0");
    vf_store_close(store);
}

/* ---- writing ---- */

static const char *const select_vector =
    "SELECT vector FROM text_embeddings WHERE source_id = '1' AND source_type = 'NEWS'";

static void test_write(void **state)
{
    static const float one[] = {1, -0.0f, 1e-40f, 3.4028235e38f}, two[] = {0, 0, 0, 2};
    static const uint8_t hash[VF_TEXT_HASH_BYTES] = {0xAB, 1, 2, 3};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_err err;
    const struct vf_row first = {"1", one, hash, 12, true, false},
                        second = {"1", two, hash, 13, false, false};
    expect_ok(vf_store_write(store, "m", 4, &first, 1, &err), &err, "write");
    assert_string_equal(fixture_get(f, select_vector), "0000803f00000080c2160100ffff7f7f");
    assert_string_equal(fixture_get(f, "SELECT token_count FROM text_embeddings"), "12");
    assert_memory_equal(fixture_get(f, "SELECT text_hash FROM text_embeddings"), "ab010203", 8);
    assert_string_equal(
        fixture_get(f, "SELECT count(*) FROM text_embeddings WHERE truncated AND updated_at IS NOT"
                       " NULL AND created_at IS NOT NULL AND vector_ref IS NULL AND"
                       " source_type = 'NEWS' AND model_id = 'm' AND embedding_id = 1"),
        "1");
    fixture_run(f, "UPDATE text_embeddings SET created_at = '2001-02-03T00:00:00Z',"
                   " updated_at = NULL, vector_ref = 'x'");
    expect_ok(vf_store_write(store, "m", 4, &second, 1, &err), &err, "rewrite");
    assert_string_equal(fixture_get(f, select_vector), "00000000000000000000000000000040");
    assert_string_equal(
        fixture_get(f, "SELECT count(*) FROM text_embeddings WHERE NOT truncated AND updated_at"
                       " IS NOT NULL AND created_at = '2001-02-03T00:00:00Z' AND vector_ref IS"
                       " NULL AND token_count = 13"),
        "1");
    vf_store_close(store);
}

static void test_write_twice_in_one_batch(void **state)
{
    static const float a[] = {1}, b[] = {2}, c[] = {3};
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    const struct vf_row rows[] = {{"2", a, hash, 1, false, false}, {"1", a, hash, 1, false, false},
        {"1", b, hash, 2, false, false}, {"10", c, hash, 1, false, false},
        {"1", c, hash, 3, false, false}};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_err err;
    expect_ok(vf_store_write(store, "m", 1, rows, VF_COUNT(rows), &err), &err, "write");
    expect_ok(vf_store_write(store, "m", 1, rows, 0, &err), &err, "nothing");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "3");
    assert_string_equal(fixture_get(f, select_vector), "00004040");
    vf_store_close(store);
}

static void test_refused_vectors(void **state)
{
    static const struct {
        const char *name;
        float vector[3];
        const char *message;
    } cases[] = {
        {"not a number", {1, NAN, 1}, "not finite"},
        {"infinite", {1, 1, INFINITY}, "not finite"},
        {"minus infinite", {-INFINITY, 0, 0}, "not finite"},
        {"zero", {0, 0, 0}, "no norm"},
        {"minus zero", {-0.0f, 0, 0}, "no norm"},
    };
    static const float good[] = {1, 2, 3};
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const struct vf_row rows[] = {
            {"1", good, hash, 1, false, false}, {"2", cases[i].vector, hash, 1, false, false}};
        struct vf_err err;
        int rc = vf_store_write(store, "m", 3, rows, 2, &err);
        expect_error(rc, VF_ERR_DATA, &err, cases[i].message, cases[i].name);
        expect_error(rc, VF_ERR_DATA, &err, "article 2", cases[i].name);
    }
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "0");
    vf_store_close(store);
}

/* ---- tables ---- */

static void test_init_is_idempotent(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open(f, NULL);
    struct vf_store_info info;
    struct vf_err err;
    size_t changes = 99;
    bool there = true;
    expect_ok(vf_store_has_articles(store, &there, &err), &err, "has articles");
    assert_false(there);
    expect_ok(vf_store_init(store, NULL, &changes, &err), &err, "init");
    assert_int_equal(changes, 6);
    expect_ok(vf_store_has_articles(store, &there, &err), &err, "has articles");
    assert_true(there);
    expect_ok(vf_store_init(store, NULL, &changes, &err), &err, "init again");
    assert_int_equal(changes, 0);
    expect_ok(vf_store_check(store, 384, true, &info, &err), &err, "check");
    assert_true(
        info.has_text_hash && info.has_token_count && info.has_truncated && info.has_updated_at);
    assert_string_equal(info.vector_type, f->sqlite ? "BLOB" : "bytea");
    vf_store_close(store);
}

static void test_printed_schema(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store;
    struct vf_err err;
    char *sql = NULL;
    size_t changes = 99;
    expect_ok(vf_store_schema(f->url, NULL, NULL, &sql, &err), &err, "schema");
    fixture_run(f, sql);
    fixture_run(f, sql);
    free(sql);
    store = fixture_open(f, NULL);
    expect_ok(vf_store_init(store, NULL, &changes, &err), &err, "init");
    assert_int_equal(changes, 0);
    vf_store_close(store);
}

#define INCUMBENT_SQLITE                                                                           \
    "CREATE TABLE news_articles (article_id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL,"         \
    " source TEXT, language TEXT, headline TEXT NOT NULL, body TEXT, metadata TEXT);"              \
    "CREATE TABLE text_embeddings (embedding_id INTEGER PRIMARY KEY, source_type TEXT NOT NULL,"   \
    " source_id TEXT NOT NULL, model_id TEXT NOT NULL, vector BLOB, vector_ref TEXT,"              \
    " created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);"                                        \
    "CREATE UNIQUE INDEX idx_text_embeddings_source_model ON text_embeddings"                      \
    " (source_type, source_id, model_id)"
#define INCUMBENT_POSTGRES                                                                         \
    "CREATE TABLE news_articles (article_id bigint PRIMARY KEY, timestamp timestamptz NOT NULL,"   \
    " source varchar(128), language varchar(16), headline text NOT NULL, body text,"               \
    " metadata jsonb); CREATE INDEX ON news_articles (timestamp);"                                 \
    "CREATE TABLE text_embeddings (embedding_id bigserial PRIMARY KEY,"                            \
    " source_type varchar(32) NOT NULL, source_id varchar(64) NOT NULL,"                           \
    " model_id varchar(64) NOT NULL, vector bytea, vector_ref text,"                               \
    " created_at timestamptz NOT NULL DEFAULT now());"                                             \
    "CREATE UNIQUE INDEX idx_text_embeddings_source_model ON text_embeddings"                      \
    " (source_type, source_id, model_id)"

static const struct article_spec headlines[] = {
    {"1", "2025-01-01T00:00:00Z", "en", "one", NULL},
    {"2", "2025-01-02T00:00:00Z", "en", "two", "b"},
};

static void test_incumbent_tables(void **state)
{
    struct fixture *f = *state;
    struct vf_selection selection = select_all();
    struct vf_store_info info;
    struct vf_err err;
    size_t changes;
    fixture_run_either(f, INCUMBENT_SQLITE, INCUMBENT_POSTGRES);
    struct vf_store *store = fixture_open(f, NULL);
    expect_ok(vf_store_check(store, 4, true, &info, &err), &err, "check");
    assert_false(
        info.has_text_hash || info.has_token_count || info.has_truncated || info.has_updated_at);
    import_articles(store, headlines, 2);
    assert_int_equal(embed_all(store, &selection), 2);
    assert_int_equal(embed_all(store, &selection), 0);
    fixture_run(f, "UPDATE news_articles SET headline = 'edited' WHERE article_id = 1");
    assert_string_equal(counts_text(count_selection(store, &selection)), "0 0 2 0");

    expect_ok(vf_store_init(store, NULL, &changes, &err), &err, "init");
    assert_int_equal(changes, 6);
    expect_ok(vf_store_check(store, 4, true, &info, &err), &err, "check");
    assert_true(info.has_text_hash && info.has_updated_at);
    assert_string_equal(counts_text(count_selection(store, &selection)), "0 0 2 0");
    selection.refresh = VF_REFRESH_ALL;
    assert_int_equal(embed_all(store, &selection), 2);
    selection.refresh = VF_REFRESH_CHANGED;
    fixture_run(f, "UPDATE news_articles SET headline = 'again' WHERE article_id = 1");
    assert_string_equal(read_ids(store, &selection, 9, 1 << 20, NULL), "1");
    vf_store_close(store);
}

static void test_names(void **state)
{
    static const struct vf_store_names names = {
        .articles_table = "weird \"name; DROP TABLE x; --",
        .embeddings_table = "\"a.b {id} \"\" c\"",
        .article_id_column = "Id",
        .published_at_column = "select",
        .language_column = "lang {headline}",
        .headline_column = "Title \"quoted\"",
        .body_column = "full.text",
    };
    struct fixture *f = *state;
    struct vf_store *store = fixture_open(f, &names);
    struct vf_selection selection = select_all();
    struct vf_store_info info;
    struct vf_article_summary article;
    struct vf_err err;
    size_t changes;
    uint64_t n, n_never;
    expect_ok(vf_store_init(store, NULL, &changes, &err), &err, "init");
    expect_ok(vf_store_init(store, NULL, &changes, &err), &err, "init again");
    assert_int_equal(changes, 0);
    expect_ok(vf_store_check(store, 4, true, &info, &err), &err, "check");
    import_articles(store, sample, VF_COUNT(sample));
    selection.language = "en";
    assert_int_equal(embed_all(store, &selection), 4);
    assert_string_equal(counts_text(count_selection(store, &selection)), "0 0 4 2");
    expect_ok(vf_store_find_article(store, "9", &article, &err), &err, "find");
    assert_string_equal(article.headline, "neun");
    vf_article_summary_release(&article);
    expect_ok(vf_store_count_articles(store, &n, &n_never, &err), &err, "count");
    assert_int_equal(n, VF_COUNT(sample));
    assert_int_equal(n_never, 0);
    vf_store_close(store);
}

static void test_names_that_are_none(void **state)
{
    static const char *const cases[] = {"a.b.c", ".a", "a.", ".", "\"a", "\"\"", "\"a\"b", "a..b"};
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_store_names names = {.articles_table = cases[i]};
        struct vf_store *store = NULL;
        struct vf_err err;
        int rc = vf_store_open(f->url, &names, VF_STORE_CREATE, &store, &err);
        expect_error(rc, VF_ERR_USAGE, &err, "not the name of a table", cases[i]);
        assert_null(store);
    }
}

/* What is wrong with the tables is said before anything is read. */
static void test_tables_that_do_not_fit(void **state)
{
    static const struct {
        const char *name, *sql;
        enum vf_code code;
        const char *message;
    } cases[] = {
        {"no articles", "DROP TABLE news_articles", VF_ERR_NOT_FOUND, "vecfill init"},
        {"no embeddings", "DROP TABLE text_embeddings", VF_ERR_NOT_FOUND, "vecfill init"},
        {"no body", "ALTER TABLE news_articles RENAME body TO content", VF_ERR_NOT_FOUND,
            "no column \"body\""},
        {"no headline", "ALTER TABLE news_articles RENAME headline TO title", VF_ERR_NOT_FOUND,
            "no column \"headline\""},
        {"no id", "ALTER TABLE news_articles RENAME article_id TO id", VF_ERR_NOT_FOUND,
            "no column \"article_id\""},
        {"no time", "ALTER TABLE news_articles RENAME published_at TO day", VF_ERR_NOT_FOUND,
            "no column \"published_at\""},
        {"no vector", "ALTER TABLE text_embeddings RENAME vector TO v", VF_ERR_NOT_FOUND,
            "no column \"vector\""},
        {"no model", "ALTER TABLE text_embeddings RENAME model_id TO m", VF_ERR_NOT_FOUND,
            "no column \"model_id\""},
        {"no unique index", "DROP INDEX idx_text_embeddings_source_model", VF_ERR_CONFIG,
            "no unique index"},
        {"unique on fewer columns",
            "DROP INDEX idx_text_embeddings_source_model;"
            "CREATE UNIQUE INDEX i ON text_embeddings (source_id, model_id)",
            VF_ERR_CONFIG, "no unique index"},
        {"unique on more columns",
            "DROP INDEX idx_text_embeddings_source_model;"
            "CREATE UNIQUE INDEX i ON text_embeddings"
            " (source_type, source_id, model_id, created_at)",
            VF_ERR_CONFIG, "no unique index"},
        {"unique where",
            "DROP INDEX idx_text_embeddings_source_model;"
            "CREATE UNIQUE INDEX i ON text_embeddings (source_type, source_id, model_id)"
            " WHERE source_type = 'NEWS'",
            VF_ERR_CONFIG, "no unique index"},
        {"not unique",
            "DROP INDEX idx_text_embeddings_source_model;"
            "CREATE INDEX i ON text_embeddings (source_type, source_id, model_id)",
            VF_ERR_CONFIG, "no unique index"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_store_info info;
        struct vf_err err;
        if (i)
            fixture_drop_database(state), fixture_new_database(state);
        vf_store_close(fixture_open_ready(f, NULL));
        fixture_run(f, cases[i].sql);
        struct vf_store *store = fixture_open(f, NULL);
        int rc = vf_store_check(store, 4, true, &info, &err);
        expect_error(rc, cases[i].code, &err, cases[i].message, cases[i].name);
        vf_store_close(store);
    }
}

/* Any order of the columns serves, and a constraint as well as an index. */
static void test_unique_constraint(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_store_info info;
    struct vf_err err;
    fixture_run(f, "DROP INDEX idx_text_embeddings_source_model;"
                   "CREATE UNIQUE INDEX i ON text_embeddings (model_id, source_id, source_type)");
    expect_ok(vf_store_check(store, 4, true, &info, &err), &err, "check");
    import_articles(store, sample, VF_COUNT(sample));
    assert_int_equal(embed_all(store, &selection), SAMPLE_TODO);
    vf_store_close(store);
}

static void test_no_language_column(void **state)
{
    struct fixture *f = *state;
    vf_store_close(fixture_open_ready(f, NULL));
    fixture_run(f, "ALTER TABLE news_articles RENAME language TO lang;"
                   "INSERT INTO news_articles (article_id, published_at, headline)"
                   " VALUES (1, '2025-01-01T00:00:00Z', 'h')");
    struct vf_store *store = fixture_open(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_article_summary article;
    struct vf_err err;
    assert_string_equal(read_ids(store, &selection, 1, 100, NULL), "1");
    expect_ok(vf_store_find_article(store, "1", &article, &err), &err, "find");
    assert_null(article.language);
    vf_article_summary_release(&article);
    selection.language = "en";
    int rc = vf_reader_new(store, &selection, &reader, &err);
    expect_error(rc, VF_ERR_NOT_FOUND, &err, "--language-column", "no language column");
    vf_store_close(store);
}

/* A view over two tables stands for the articles; ids are texts. */
static void test_view_and_text_ids(void **state)
{
    static const struct vf_store_names names = {.articles_table = "all_news"};
    struct fixture *f = *state;
    vf_store_close(fixture_open_ready(f, NULL));
    fixture_run_either(f,
        "CREATE TABLE wire (k TEXT PRIMARY KEY, t TEXT, h TEXT);"
        "INSERT INTO wire VALUES ('b-2', '2025-01-01 10:00:00', 'two'),"
        " ('a-1', '2025-01-01 10:00:00', 'one'), ('c''3', '2025-01-01 09:00:00', 'three');"
        "CREATE VIEW all_news AS SELECT k AS article_id, t AS published_at, NULL AS language,"
        " h AS headline, NULL AS body FROM wire",
        "CREATE TABLE wire (k text PRIMARY KEY, t timestamp, h text);"
        "INSERT INTO wire VALUES ('b-2', '2025-01-01 10:00:00', 'two'),"
        " ('a-1', '2025-01-01 10:00:00', 'one'), ('c''3', '2025-01-01 09:00:00', 'three');"
        "CREATE VIEW all_news AS SELECT k AS article_id, t AS published_at, NULL::text AS language,"
        " h AS headline, NULL::text AS body FROM wire");
    struct vf_store *store = fixture_open(f, &names);
    struct vf_selection selection = select_all();
    struct vf_store_info info;
    struct vf_err err;
    expect_ok(vf_store_check(store, 4, true, &info, &err), &err, "check");
    for (size_t size = 1; size < 5; size++)
        assert_string_equal(read_ids(store, &selection, size, 100, NULL), "c'3,a-1,b-2");
    assert_int_equal(embed_all(store, &selection), 3);
    assert_int_equal(embed_all(store, &selection), 0);
    vf_store_close(store);
}

/* ---- import ---- */

static void test_import(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_article_summary article;
    struct vf_err err;
    const struct vf_import_article articles[] = {
        {"1", 0, "en", "first", "b"},
        {"2", -1, NULL, NULL, NULL},
        {"1", INT64_C(1738311300123456), "de", "last wins", "c"},
    };
    expect_ok(vf_store_import(store, articles, 3, &err), &err, "import");
    expect_ok(vf_store_find_article(store, "1", &article, &err), &err, "find");
    assert_string_equal(article.id, "1");
    assert_string_equal(article.published_at, "2025-01-31T08:15:00.123456Z");
    assert_string_equal(article.language, "de");
    assert_string_equal(article.headline, "last wins");
    vf_article_summary_release(&article);
    expect_ok(vf_store_find_article(store, "2", &article, &err), &err, "find");
    assert_string_equal(article.published_at, "1969-12-31T23:59:59.999999Z");
    assert_null(article.language);
    assert_null(article.headline);
    vf_article_summary_release(&article);

    const struct vf_import_article again = {"2", 0, "fr", "deux", "corps"};
    expect_ok(vf_store_import(store, &again, 1, &err), &err, "again");
    expect_ok(vf_store_find_article(store, "2", &article, &err), &err, "find");
    assert_string_equal(article.published_at, "1970-01-01T00:00:00Z");
    assert_string_equal(article.headline, "deux");
    vf_article_summary_release(&article);

    const struct vf_import_article broken[] = {{"3", 0, "en", "h", "b"}, {"x", 0, "en", "h", "b"}};
    int rc = vf_store_import(store, broken, 2, &err);
    expect_error(rc, VF_ERR_DATA, &err, NULL, "an id that is no number");
    expect_error(vf_store_find_article(store, "3", &article, &err), VF_ERR_NOT_FOUND, &err,
        "no article 3", "all or none");
    expect_error(vf_store_find_article(store, "x", &article, &err), VF_ERR_NOT_FOUND, &err,
        "no article x", "an id that cannot be");
    vf_store_close(store);
}

/* ---- looking at what is there ---- */

struct seen {
    int n, stop_at;
    float sum;
    bool hold;
};

static int see_vector(void *context, const char *source_id, const float *vector, size_t dimensions,
    struct vf_err *err)
{
    struct seen *seen = context;
    (void)err;
    seen->n++;
    seen->sum += vector[0];
    seen->hold |= dimensions != 4 || vector[0] != (float)atoi(source_id) + 0.5f ||
                  vector[1] != -1 || vector[2] != 0.25f || vector[3] != 3e-7f;
    return seen->n == seen->stop_at ? 42 : 0;
}

static void test_scan_vectors(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct seen seen = {0};
    struct vf_err err;
    import_articles(store, sample, VF_COUNT(sample));
    embed_all(store, &selection);
    fixture_run(f, "DELETE FROM news_articles WHERE article_id = 9");
    expect_ok(vf_store_scan_vectors(store, &selection, see_vector, &seen, &err), &err, "scan");
    assert_int_equal(seen.n, 5);
    assert_false(seen.hold);
    seen = (struct seen){0};
    selection.language = "en";
    selection.until_us = JAN_3;
    expect_ok(vf_store_scan_vectors(store, &selection, see_vector, &seen, &err), &err, "scan");
    assert_true(seen.n == 3 && seen.sum == 3 + 5 + 7 + 1.5f);
    seen = (struct seen){.stop_at = 2};
    assert_int_equal(vf_store_scan_vectors(store, &selection, see_vector, &seen, &err), 42);
    assert_int_equal(seen.n, 2);
    seen = (struct seen){0};
    selection.model_id = "none";
    expect_ok(vf_store_scan_vectors(store, &selection, see_vector, &seen, &err), &err, "scan");
    assert_int_equal(seen.n, 0);
    selection.model_id = "m";
    fixture_run_either(f, "UPDATE text_embeddings SET vector = x'0011' WHERE source_id = '7'",
        "UPDATE text_embeddings SET vector = '\\x0011' WHERE source_id = '7'");
    int rc = vf_store_scan_vectors(store, &selection, see_vector, &seen, &err);
    expect_error(rc, VF_ERR_DATA, &err, "article 7", "a vector of 2 bytes");
    assert_int_equal(embed_all(store, &selection), 0);
    vf_store_close(store);
}

static int print_status(void *context, const struct vf_status_row *row, struct vf_err *err)
{
    char *text = context;
    (void)err;
    size_t n = strlen(text);
    snprintf(text + n, 900 - n, "%s %s %s %d: %s, %d cut\n", row->model_id, row->month,
        row->language ? row->language : "-", (int)row->articles, counts_text(row->state),
        (int)row->truncated);
    return 0;
}

static void test_status(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_err err;
    char text[900] = "";
    uint64_t n, n_never;
    import_articles(store, sample, VF_COUNT(sample));
    expect_ok(vf_store_status(store, NULL, print_status, text, &err), &err, "status");
    assert_string_equal(text, "");
    embed_all(store, &selection);
    selection.model_id = "M2";
    selection.until_us = JAN_1;
    embed_all(store, &selection);
    fixture_run(f, "UPDATE news_articles SET headline = 'edited' WHERE article_id = 5");
    expect_ok(vf_store_status(store, NULL, print_status, text, &err), &err, "status");
    assert_string_equal(text, "M2 2024-12 en 1: 0 0 1 0, 0 cut\n"
                              "M2 2025-01 - 1: 1 0 0 0, 0 cut\n"
                              "M2 2025-01 de 1: 1 0 0 0, 0 cut\n"
                              "M2 2025-01 en 3: 2 0 0 1, 0 cut\n"
                              "M2 2025-02 en 2: 1 0 0 1, 0 cut\n"
                              "m 2024-12 en 1: 0 0 1 0, 0 cut\n"
                              "m 2025-01 - 1: 0 0 1 0, 1 cut\n"
                              "m 2025-01 de 1: 0 0 1 0, 0 cut\n"
                              "m 2025-01 en 3: 0 1 1 1, 1 cut\n"
                              "m 2025-02 en 2: 0 0 1 1, 0 cut\n");
    text[0] = '\0';
    expect_ok(vf_store_status(store, "new", print_status, text, &err), &err, "status");
    assert_string_equal(text, "new 2024-12 en 1: 1 0 0 0, 0 cut\n"
                              "new 2025-01 - 1: 1 0 0 0, 0 cut\n"
                              "new 2025-01 de 1: 1 0 0 0, 0 cut\n"
                              "new 2025-01 en 3: 2 0 0 1, 0 cut\n"
                              "new 2025-02 en 2: 1 0 0 1, 0 cut\n");
    expect_ok(vf_store_count_articles(store, &n, &n_never, &err), &err, "count");
    assert_int_equal(n, VF_COUNT(sample));
    assert_int_equal(n_never, 0);
    vf_store_close(store);
}

/* One store reads while the other writes, as a run does. */
static void test_two_stores(void **state)
{
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    static const float vector[] = {1};
    struct fixture *f = *state;
    struct vf_store *reading = fixture_open_ready(f, NULL), *writing = fixture_open(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_store_info info;
    struct vf_err err;
    size_t n = 0;
    bool end = false;
    import_articles(reading, sample, VF_COUNT(sample));
    expect_ok(vf_store_check(writing, 1, true, &info, &err), &err, "check");
    expect_ok(vf_reader_new(reading, &selection, &reader, &err), &err, "reader");
    for (; !end; n += page.n) {
        expect_ok(vf_reader_next(reader, 1, 100, &page, &end, &err), &err, "page");
        for (size_t i = 0; i < page.n; i++) {
            const struct vf_row row = {page.articles[i].id, vector, hash, 1, false, false};
            expect_ok(vf_store_write(writing, "m", 1, &row, 1, &err), &err, "write");
        }
    }
    assert_int_equal(n, SAMPLE_TODO);
    vf_page_release(&page);
    vf_reader_free(reader);
    vf_store_close(reading);
    vf_store_close(writing);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_new_database, fixture_drop_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_selection),
        TEST(test_text),
        TEST(test_blank),
        TEST(test_refresh),
        TEST(test_null_hash_and_vector),
        TEST(test_time_null),
        TEST(test_counts_follow_the_cursor),
        TEST(test_changes_between_pages),
        TEST(test_long_article),
        TEST(test_many_unchanged),
        TEST(test_write),
        TEST(test_write_twice_in_one_batch),
        TEST(test_refused_vectors),
        TEST(test_init_is_idempotent),
        TEST(test_printed_schema),
        TEST(test_incumbent_tables),
        TEST(test_names),
        TEST(test_names_that_are_none),
        TEST(test_tables_that_do_not_fit),
        TEST(test_unique_constraint),
        TEST(test_no_language_column),
        TEST(test_view_and_text_ids),
        TEST(test_import),
        TEST(test_scan_vectors),
        TEST(test_status),
        TEST(test_two_stores),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, fixture_start_sqlite, fixture_stop);
    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, fixture_start_postgres, fixture_stop);
    return failed;
}
