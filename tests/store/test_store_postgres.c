/* What only PostgreSQL has: types, rights, encodings, time zones, a server that is away. */
#include "store/claims.h"
#include "store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct article_spec articles[] = {
    {"1", "2024-12-31T23:00:00Z", "en", "one", "before midnight in UTC"},
    {"2", "2025-01-01T00:00:00Z", "en", "two", "midnight"},
    {"3", "2025-01-01T23:59:59Z", "en", "three", "evening"},
    {"4", "2025-01-02T00:00:00Z", "en", "four", "next day"},
};

/* 2025-01-01T00:00:00Z and a day later. */
#define JAN_1 INT64_C(1735689600000000)
#define JAN_2 INT64_C(1735776000000000)

static struct vf_selection select_jan_1(void)
{
    struct vf_selection selection = select_all();
    selection.from_us = JAN_1;
    selection.until_us = JAN_2;
    return selection;
}

/* ---- vector types ---- */

static bool has_pgvector(struct fixture *f)
{
    return *fixture_get(f, "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'") != '\0';
}

struct expected {
    const float *vector;
    size_t n;
    int seen;
    float tolerance; /* relative */
};

static int compare_vector(void *context, const char *source_id, const float *vector,
    size_t dimensions, struct vf_err *err)
{
    struct expected *expected = context;
    (void)source_id, (void)err;
    assert_int_equal(dimensions, expected->n);
    for (size_t i = 0; i < dimensions; i++) {
        float difference = vector[i] - expected->vector[i];
        float bound = expected->tolerance * expected->vector[i];
        vf_check(difference * difference <= bound * bound, "%zu: %a instead of %a", i,
            (double)vector[i], (double)expected->vector[i]);
    }
    expected->seen++;
    return 0;
}

static void test_vector_types(void **state)
{
    static const struct {
        const char *type, *text;
        float tolerance; /* halfvec keeps 11 bits */
        bool pgvector;
    } cases[] = {
        {"bytea", "8988083e390f75be000080bf34d5e83a0000803e", 0, false},
        {"real[]", "{0.13333334,-0.23931588,-1,0.0017763735,0.25}", 0, false},
        {"vector", "[0.13333334,-0.23931588,-1,0.0017763735,0.25]", 0, true},
        {"halfvec", "[0.13330078,-0.23925781,-1,0.0017766953,0.25]", 1.0f / 2048, true},
    };
    static const float vector[] = {0.133333338f, -0.239315882f, -1, 0.00177637353f, 0.25f};
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        if (cases[i].pgvector && !has_pgvector(f)) {
            print_message("[  SKIPPED ] %s: the server has no pgvector\n", cases[i].type);
            continue;
        }
        fixture_recreate(f, "");
        struct vf_store *store = fixture_open_ready(f, cases[i].type);
        struct vf_selection selection = select_jan_1();
        struct expected expected = {vector, VF_COUNT(vector), 0, cases[i].tolerance};
        struct vf_store_info info;
        struct vf_err err;
        size_t changes = 1;
        const struct vf_row rows[] = {
            {"2", vector, hash, 1, false, false}, {"3", vector, hash, 2, true, false}};
        import_articles(store, articles, VF_COUNT(articles));
        expect_ok(vf_store_check(store, 5, true, &info, &err), &err, cases[i].type);
        assert_string_equal(info.vector_type, cases[i].type);
        for (int run = 0; run < 2; run++)
            expect_ok(vf_store_write(store, "m", 5, rows, 2, &err), &err, cases[i].type);
        assert_string_equal(
            fixture_get(f, "SELECT vector FROM text_embeddings WHERE source_id = '3'"),
            cases[i].text);
        assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "2");
        expect_ok(vf_store_scan_vectors(store, &selection, compare_vector, &expected, &err), &err,
            cases[i].type);
        assert_int_equal(expected.seen, 2);
        struct vf_schema_options options = {.vector_type = cases[i].type};
        expect_ok(vf_store_init(store, &options, &changes, &err), &err, "init again");
        assert_int_equal(changes, 0);
        vf_store_close(store);
    }
}

static void test_many_dimensions(void **state)
{
    enum { ROWS = 64, DIMENSIONS = 1024 };
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, "real[]");
    float *vectors = malloc(sizeof(float) * ROWS * DIMENSIONS);
    uint8_t hash[VF_TEXT_HASH_BYTES] = {0};
    struct vf_row rows[ROWS];
    char ids[ROWS][16];
    struct vf_err err;
    assert_non_null(vectors);
    for (int i = 0; i < ROWS * DIMENSIONS; i++)
        vectors[i] = (float)i;
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "%d", i);
        rows[i] = (struct vf_row){ids[i], vectors + i * DIMENSIONS, hash, 1, false, false};
    }
    expect_ok(vf_store_write(store, "m", DIMENSIONS, rows, ROWS, &err), &err, "write");
    assert_string_equal(
        fixture_get(f, "SELECT count(*) FROM text_embeddings WHERE array_lower(vector, 1) = 1 AND"
                       " array_upper(vector, 1) = 1024 AND vector[1] = source_id::int * 1024 AND"
                       " vector[1024] = source_id::int * 1024 + 1023"),
        "64");
    free(vectors);
    vf_store_close(store);
}

static void test_types_that_do_not_fit(void **state)
{
    static const struct {
        const char *name, *sql;
        bool pgvector;
        const char *message;
    } cases[] = {
        {"double[]", "ALTER TABLE text_embeddings ALTER vector TYPE float8[] USING NULL", false,
            "is of type double precision[]"},
        {"text", "ALTER TABLE text_embeddings ALTER vector TYPE text USING NULL", false,
            "is of type text, not bytea"},
        {"dimensions", "ALTER TABLE text_embeddings ALTER vector TYPE vector(3) USING NULL", true,
            "takes 3 dimensions, the model makes 5"},
        {"half dimensions", "ALTER TABLE text_embeddings ALTER vector TYPE halfvec(6) USING NULL",
            true, "takes 6 dimensions, the model makes 5"},
        {"sparsevec", "ALTER TABLE text_embeddings ALTER vector TYPE sparsevec USING NULL", true,
            "is of type sparsevec"},
        {"hash", "ALTER TABLE text_embeddings ALTER text_hash TYPE text USING NULL", false,
            "\"text_hash\""},
        {"time", "ALTER TABLE news_articles ALTER published_at TYPE text", false,
            "is of type text, not timestamptz"},
        {"body", "ALTER TABLE news_articles ALTER body TYPE jsonb USING NULL", false,
            "is of type jsonb, not text"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_store_info info;
        struct vf_err err;
        if (cases[i].pgvector && !has_pgvector(f)) {
            print_message("[  SKIPPED ] %s: the server has no pgvector\n", cases[i].name);
            continue;
        }
        fixture_recreate(f, "");
        vf_store_close(fixture_open_ready(f, NULL));
        if (cases[i].pgvector)
            fixture_run(f, "CREATE EXTENSION vector");
        fixture_run(f, cases[i].sql);
        struct vf_store *store = fixture_open(f, NULL);
        int rc = vf_store_check(store, 5, true, &info, &err);
        expect_error(rc, VF_ERR_CONFIG, &err, cases[i].message, cases[i].name);
        vf_store_close(store);
    }
}

static void test_init_of_another_type(void **state)
{
    const struct vf_schema_options real = {.vector_type = "real[]"},
                                   vector = {.vector_type = "vector", .dimensions = 384},
                                   nonsense = {.vector_type = "blob"};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, "bytea");
    struct vf_err err;
    char *sql = NULL;
    int rc = vf_store_init(store, &real, NULL, &err);
    expect_error(rc, VF_ERR_CONFIG, &err, "is of type bytea, not real[]", "another type");
    rc = vf_store_init(store, &nonsense, NULL, &err);
    expect_error(rc, VF_ERR_USAGE, &err, "choose bytea", "no type");
    vf_store_close(store);

    expect_ok(vf_store_schema(f->url, NULL, &vector, &sql, &err), &err, "schema");
    assert_non_null(strstr(sql, "vector vector(384)"));
    assert_non_null(strstr(sql, "CREATE EXTENSION IF NOT EXISTS vector;"));
    fixture_recreate(f, "");
    store = fixture_open(f, NULL);
    rc = vf_store_init(store, &vector, NULL, &err);
    if (has_pgvector(f)) {
        expect_ok(rc, &err, "init");
        fixture_run(f, sql);
        assert_string_equal(
            fixture_get(f, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                           " WHERE attrelid = 'text_embeddings'::regclass AND attname = 'vector'"),
            "vector(384)");
    } else {
        expect_error(rc, VF_ERR_CONFIG, &err, "vector", "no pgvector");
        assert_string_equal(
            fixture_get(f, "SELECT count(*) FROM pg_class WHERE relname = 'news_articles'"), "0");
    }
    free(sql);
    vf_store_close(store);
}

/* ---- times ---- */

static void test_time_types(void **state)
{
    static const struct {
        const char *type, *ids, *published_at;
    } cases[] = {
        {"timestamptz", "2,3", "2025-01-01T23:59:59Z"},
        {"timestamptz(0)", "2,3", "2025-01-01T23:59:59Z"},
        {"timestamp", "2,3", "2025-01-01T23:59:59Z"},
        {"date", "2,3", "2025-01-01T00:00:00Z"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char sql[300];
        fixture_recreate(f, "");
        snprintf(sql, sizeof sql,
            "CREATE TABLE news_articles (article_id int PRIMARY KEY, published_at %s,"
            " language text, headline text, body varchar(99)); CREATE INDEX ON news_articles"
            " (published_at)",
            cases[i].type);
        fixture_run(f, sql);
        struct vf_store *store = fixture_open_ready(f, NULL);
        struct vf_selection selection = select_jan_1();
        struct vf_article_summary article;
        struct vf_err err;
        import_articles(store, articles, VF_COUNT(articles));
        for (size_t size = 1; size < 4; size++) {
            const char *ids = read_ids(store, &selection, size, 1000, NULL);
            vf_check(strcmp(ids, cases[i].ids) == 0, "%s: %s", cases[i].type, ids);
        }
        selection.newest_first = true;
        assert_string_equal(read_ids(store, &selection, 1, 1000, NULL), "3,2");
        /* Bounds inside of a day: a date is its midnight. */
        selection.newest_first = false;
        selection.from_us = JAN_1 + 1;
        assert_string_equal(read_ids(store, &selection, 9, 1000, NULL),
            strcmp(cases[i].type, "date") == 0 ? "" : "3");
        expect_ok(vf_store_find_article(store, "3", &article, &err), &err, "find");
        assert_string_equal(article.published_at, cases[i].published_at);
        vf_article_summary_release(&article);
        vf_store_close(store);
    }
}

static void test_infinite_times(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    fixture_run(f, "INSERT INTO news_articles (article_id, published_at, headline) VALUES"
                   " (1, 'infinity', 'a'), (2, 'infinity', 'b'), (3, '-infinity', 'c'),"
                   " (4, '0044-03-15 BC', 'd'), (5, '294276-12-31', 'e')");
    for (size_t size = 1; size < 6; size++)
        assert_string_equal(read_ids(store, &selection, size, 1000, NULL), "3,4,5,1,2");
    selection.until_us = JAN_1;
    assert_string_equal(read_ids(store, &selection, 1, 1000, NULL), "3,4");
    vf_store_close(store);
}

/* Whatever zone the server, the role or PGTZ have, a day is the day that was asked for. */
static void test_session_time_zone(void **state)
{
    static const char *const zones[] = {"America/New_York", "Asia/Tokyo"};
    struct fixture *f = *state;
    vf_store_close(fixture_open_ready(f, NULL));
    for (size_t i = 0; i < VF_COUNT(zones); i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "ALTER ROLE postgres SET TimeZone = '%s'", zones[i]);
        fixture_run(f, sql);
        setenv("PGTZ", zones[1 - i], 1);
        setenv("PGDATESTYLE", "German, DMY", 1);
        struct vf_store *store = fixture_open(f, NULL);
        struct vf_selection selection = select_jan_1();
        struct vf_article_summary article;
        struct vf_err err;
        import_articles(store, articles, VF_COUNT(articles));
        assert_string_equal(read_ids(store, &selection, 1, 1000, NULL), "2,3");
        expect_ok(vf_store_find_article(store, "3", &article, &err), &err, "find");
        assert_string_equal(article.published_at, "2025-01-01T23:59:59Z");
        vf_article_summary_release(&article);
        vf_store_close(store);
    }
    unsetenv("PGTZ");
    unsetenv("PGDATESTYLE");
    fixture_run(f, "ALTER ROLE postgres RESET TimeZone");
}

/* Rows of `table` that were read so far, by index or not, as the server counts. */
static int rows_read(struct fixture *f, const char *table)
{
    char sql[200];
    snprintf(sql, sizeof sql,
        "SELECT pg_stat_clear_snapshot(), seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables"
        " WHERE relname = '%s'",
        table);
    PGresult *result = PQexec(f->pg, sql);
    vf_check(PQntuples(result) == 1, "%s", PQerrorMessage(f->pg));
    int n = atoi(PQgetvalue(result, 0, 1));
    PQclear(result);
    return n;
}

/* A page reads the rows that it shows, also when the server believes the table of vectors to be
 * empty because nobody has analysed it since. */
static void test_pages_read_what_they_show(void **state)
{
    enum { PAGES = 4, PAGE = 10, MOST = 4 * PAGES * PAGE };
    struct fixture *f = *state;
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_err err;
    bool end;
    vf_store_close(fixture_open_ready(f, NULL)); /* its own scans end here */
    fixture_run(f, "ALTER TABLE text_embeddings SET (autovacuum_enabled = off);"
                   "INSERT INTO news_articles (article_id, published_at, headline)"
                   " SELECT i, '2025-01-01'::timestamptz + i * interval '1 minute', 'h'"
                   " FROM generate_series(1, 20000) i");
    fixture_run(f, "ANALYZE");
    fixture_run(f, "INSERT INTO text_embeddings (source_type, source_id, model_id, vector)"
                   " SELECT 'NEWS', i, 'm', '0000' FROM generate_series(1, 20000) i");
    fixture_run(f, "SELECT pg_stat_reset()");
    struct vf_store *store = fixture_open(f, NULL);
    selection.refresh = VF_REFRESH_ALL;
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    for (int i = 0; i < PAGES; i++)
        expect_ok(vf_reader_next(reader, PAGE, 1000, &page, &end, &err), &err, "page");
    assert_int_equal(page.n, PAGE);
    vf_page_release(&page);
    vf_reader_free(reader);
    vf_store_close(store); /* sends the statistics */
    for (int i = 0; i < 100 && rows_read(f, "text_embeddings") == 0; i++)
        fixture_run(f, "SELECT pg_sleep(0.1)");
    int articles_read = rows_read(f, "news_articles"),
        vectors_read = rows_read(f, "text_embeddings");
    vf_check(articles_read >= PAGES * PAGE && articles_read <= MOST, "%d articles", articles_read);
    vf_check(vectors_read >= PAGES * PAGE && vectors_read <= MOST, "%d vectors", vectors_read);
}

/* ---- names and ids ---- */

static void test_schema_qualified(void **state)
{
    static const struct vf_store_names names = {
        .articles_table = "feed.\"News.Raw\"", .embeddings_table = "vectors.text_embeddings"};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open(f, &names);
    struct vf_selection selection = select_jan_1();
    struct vf_err err;
    size_t changes;
    int rc = vf_store_init(store, NULL, NULL, &err);
    expect_error(rc, VF_ERR_NOT_FOUND, &err, "CREATE SCHEMA", "no such schema");
    fixture_run(f, "CREATE SCHEMA feed; CREATE SCHEMA vectors");
    expect_ok(vf_store_init(store, NULL, &changes, &err), &err, "init");
    assert_int_equal(changes, 6);
    import_articles(store, articles, VF_COUNT(articles));
    assert_int_equal(embed_all(store, &selection), 2);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM vectors.text_embeddings"), "2");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM feed.\"News.Raw\""), "4");
    vf_store_close(store);
}

static void test_id_types(void **state)
{
    static const struct {
        const char *type, *values, *ids;
    } cases[] = {
        {"uuid",
            "('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'), ('00000000-0000-0000-0000-000000000001')",
            "00000000-0000-0000-0000-000000000001,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {"varchar(20)", "('b'), ('a,1'), ('C')", "C,a,1,b"},
        {"char(5)", "('b'), ('a'), ('abcde')", "a,abcde,b"},
        {"smallint", "(10), (-3), (9)", "-3,9,10"},
        {"numeric", "(10.50), (9)", "9,10.50"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char sql[500];
        fixture_recreate(f, "");
        snprintf(sql, sizeof sql,
            "CREATE TABLE news_articles (article_id %s PRIMARY KEY, published_at timestamptz"
            " DEFAULT '2025-01-01', language text, headline text DEFAULT 'h', body text);"
            "INSERT INTO news_articles (article_id) VALUES %s",
            cases[i].type, cases[i].values);
        fixture_run(f, sql);
        struct vf_store *store = fixture_open_ready(f, NULL);
        struct vf_selection selection = select_all();
        for (size_t size = 1; size < 4; size++) {
            const char *ids = read_ids(store, &selection, size, 1000, NULL);
            vf_check(strcmp(ids, cases[i].ids) == 0, "%s: %s", cases[i].type, ids);
        }
        embed_all(store, &selection);
        assert_string_equal(read_ids(store, &selection, 3, 1000, NULL), "");
        vf_store_close(store);
    }
}

/* ---- reading ahead ---- */

/* What was read ahead of the pages is read again when it has become old. */
static void test_old_rows_are_read_again(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_err err;
    bool end;
    fixture_run(f, "INSERT INTO news_articles (article_id, published_at, headline)"
                   " SELECT i, '2025-01-01'::timestamptz + i * interval '1 minute', 'old'"
                   " FROM generate_series(1, 8) i");
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    for (int i = 1; i <= 6; i++)
        expect_ok(vf_reader_next(reader, 1, 1000, &page, &end, &err), &err, "page");
    fixture_run(f, "UPDATE news_articles SET headline = 'new'; SELECT pg_sleep(0.2)");
    expect_ok(vf_reader_next(reader, 9, 1000, &page, &end, &err), &err, "page");
    assert_string_equal(page.articles[0].id, "7");
    assert_string_equal(page.articles[0].text, "new");
    vf_page_release(&page);
    vf_reader_free(reader);
    vf_store_close(store);
}

/* ---- claims ---- */

/* Claims all that is left to do, page by page; returns how many articles others had. */
static uint64_t claim_all(
    struct vf_store *store, struct vf_reader **reader, size_t in_flight, uint64_t *ret_claimed)
{
    static const struct vf_selection all = {.model_id = "m",
        .from_us = VF_INSTANT_MIN,
        .until_us = VF_INSTANT_MAX,
        .refresh = VF_REFRESH_MISSING};
    struct vf_page page = {0};
    uint64_t n = 0, left;
    struct vf_err err;
    bool end = false;
    *ret_claimed = 0;
    expect_ok(vf_reader_new(store, &all, reader, &err), &err, "reader");
    while (!end) {
        expect_ok(vf_reader_next(*reader, 100, 1 << 20, &page, &end, &err), &err, "page");
        expect_ok(vf_reader_claim(*reader, &page, in_flight, &left, &err), &err, "claim");
        n += left;
        *ret_claimed += page.n;
    }
    vf_page_release(&page);
    return n;
}

/* As many claims are kept as the articles in flight have, however many share one. */
static void test_claims_in_flight(void **state)
{
    static const struct {
        const char *name;
        size_t in_flight;
        int one_in;      /* so many is to do, of 64 articles that share a claim */
        int least, most; /* claims */
    } cases[] = {
        {"next to each other", 2560, 1, 2560 / 64 / 2, 2560 / 64 * 2},
        {"next to each other, few", 320, 1, 1, 320 / 64 * 4},
        {"far from each other", 300, 64, 100, 300},
        {"more than is good for the server", 100000, 16, VF_MAX_CLAIMS, VF_MAX_CLAIMS},
    };
    enum { N = 4000 };
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_reader *reader, *other_reader;
        uint64_t claimed, others;
        char sql[512];
        fixture_recreate(f, "");
        struct vf_store *store = fixture_open_ready(f, NULL), *other = fixture_open(f, NULL);
        snprintf(sql, sizeof sql,
            "INSERT INTO news_articles (article_id, published_at, headline) SELECT i,"
            " '2025-01-01'::timestamptz + i * interval '1 s', CASE WHEN i %% %d = 0 THEN 'x' END"
            " FROM generate_series(1, %d) i",
            cases[i].one_in, N * cases[i].one_in);
        fixture_run(f, sql);
        assert_int_equal(claim_all(store, &reader, cases[i].in_flight, &claimed), 0);
        assert_int_equal(claimed, N);
        long n = strtol(fixture_get(f, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                                       " AND database = (SELECT oid FROM pg_database WHERE datname"
                                       " = current_database())"),
            NULL, 10);
        vf_check(n >= cases[i].least && n <= cases[i].most, "%s: %ld claims", cases[i].name, n);
        uint64_t kept = claim_all(other, &other_reader, cases[i].in_flight, &others);
        vf_check(kept >= cases[i].in_flight || n == VF_MAX_CLAIMS, "%s: %llu articles, %ld claims",
            cases[i].name, (unsigned long long)kept, n);
        vf_reader_free(reader);
        vf_reader_free(other_reader);
        vf_store_close(store);
        vf_store_close(other);
    }
}

/* ---- rows that others wrote ---- */

/* Another program wrote one of the rows since the article was read. */
static void test_write_where_no_row_is_expected(void **state)
{
    static const float one[] = {1}, two[] = {2};
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    const struct vf_row other = {"2", one, hash, 1, false, false};
    const struct vf_row rows[] = {{"1", two, hash, 2, false, true},
        {"2", two, hash, 2, false, true}, {"3", two, hash, 2, false, true}};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_err err;
    expect_ok(vf_store_write(store, "m", 1, &other, 1, &err), &err, "another program");
    expect_ok(vf_store_write(store, "m", 1, rows, VF_COUNT(rows), &err), &err, "write");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "3");
    assert_string_equal(fixture_get(f, "SELECT sum(token_count) FROM text_embeddings"), "6");
    vf_store_close(store);
}

/* ---- encodings ---- */

static void test_sql_ascii(void **state)
{
    struct fixture *f = *state;
    fixture_recreate(f, "ENCODING 'SQL_ASCII' LOCALE 'C'");
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_err err;
    bool end;
    fixture_run(f, "INSERT INTO news_articles (article_id, published_at, headline, body) VALUES"
                   " (1, '2025-01-01', E'caf\\xe9', E'\\xff\\xfe'),"
                   " (2, '2025-01-02', E'\\xe3\\x80\\x80 \\xc2\\x85', E'\\xe2\\x80\\xaf'),"
                   " (3, '2025-01-03', E'\\xe3\\x80', NULL),"
                   " (4, '2025-01-04', E'\\x85', NULL)");
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    expect_ok(vf_reader_next(reader, 9, 1000, &page, &end, &err), &err, "page");
    assert_int_equal(page.n, 3);
    assert_int_equal(page.empty, 1);
    assert_int_equal(page.articles[0].n_text, 7);
    assert_memory_equal(page.articles[0].text, "caf\xe9 \xff\xfe", 7);
    assert_memory_equal(page.articles[1].text, "\xe3\x80", 2);
    vf_page_release(&page);
    vf_reader_free(reader);
    assert_int_equal(embed_all(store, &selection), 3);
    assert_int_equal(embed_all(store, &selection), 0);
    fixture_run(f, "UPDATE news_articles SET body = E'\\xff\\xfd' WHERE article_id = 1");
    assert_string_equal(read_ids(store, &selection, 3, 1000, NULL), "1");
    vf_store_close(store);
}

/* The server converts; what is compared are the bytes that the client got. */
static void test_latin_1(void **state)
{
    struct fixture *f = *state;
    fixture_recreate(f, "ENCODING 'LATIN1' LOCALE 'C'");
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_err err;
    const struct article_spec latin[] = {
        {"1", "2025-01-01T00:00:00Z", "fr", "caf\xC3\xA9", "\xC2\xAB\xC3\xA0\xC2\xBB"},
        {"2", "2025-01-01T00:00:00Z", "fr", "\xC2\xA0\xC2\x85", " "},
    };
    import_articles(store, latin, 2);
    assert_int_equal(embed_all(store, &selection), 1);
    assert_string_equal(counts_text(count_selection(store, &selection)), "0 0 1 1");
    const struct vf_import_article kanji = {"3", 0, "ja", "\xE6\x97\xA5", NULL};
    int rc = vf_store_import(store, &kanji, 1, &err);
    expect_error(rc, VF_ERR_DATA, &err, "LATIN1", "a character that the server lacks");
    vf_store_close(store);
}

static void test_invalid_utf8(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_err err;
    const struct vf_import_article broken = {"3", 0, "en", "caf\xE9", NULL};
    int rc = vf_store_import(store, &broken, 1, &err);
    expect_error(rc, VF_ERR_DATA, &err, "UTF8", "invalid bytes");
    vf_store_close(store);
}

/* ---- rights ---- */

static void test_rights(void **state)
{
    static const struct {
        const char *name, *grants;
        bool for_writing;
        enum vf_code code;
        const char *message;
    } cases[] = {
        {"nothing", "SELECT 1", false, VF_ERR_PERMISSION,
            "GRANT SELECT ON \"news_articles\" TO clerk"},
        {"articles only", "GRANT SELECT ON news_articles TO clerk", false, VF_ERR_PERMISSION,
            "GRANT SELECT ON \"text_embeddings\" TO clerk"},
        {"reading", "GRANT SELECT ON news_articles, text_embeddings TO clerk", false, VF_OK, NULL},
        {"reading, to write", "GRANT SELECT ON news_articles, text_embeddings TO clerk", true,
            VF_ERR_PERMISSION, "GRANT INSERT ON \"text_embeddings\" TO clerk"},
        {"no update",
            "GRANT SELECT ON news_articles, text_embeddings TO clerk;"
            "GRANT INSERT ON text_embeddings TO clerk",
            true, VF_ERR_PERMISSION, "GRANT UPDATE"},
        {"no sequence",
            "GRANT SELECT ON news_articles, text_embeddings TO clerk;"
            "GRANT INSERT, UPDATE ON text_embeddings TO clerk",
            true, VF_ERR_PERMISSION, "GRANT USAGE ON SEQUENCE"},
        {"all",
            "GRANT SELECT ON news_articles, text_embeddings TO clerk;"
            "GRANT INSERT, UPDATE ON text_embeddings TO clerk;"
            "GRANT USAGE ON SEQUENCE text_embeddings_embedding_id_seq TO clerk",
            true, VF_OK, NULL},
        {"columns only",
            "GRANT SELECT (article_id, published_at, language, headline, body) ON news_articles"
            " TO clerk; GRANT SELECT, INSERT, UPDATE ON text_embeddings TO clerk;"
            "GRANT USAGE ON SEQUENCE text_embeddings_embedding_id_seq TO clerk",
            true, VF_OK, NULL},
        {"no schema",
            "GRANT SELECT ON news_articles, text_embeddings TO clerk;"
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
            false, VF_ERR_NOT_FOUND, "no table"},
    };
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    static const float vector[] = {1};
    const struct vf_row row = {"1", vector, hash, 1, false, false};
    struct fixture *f = *state;
    fixture_run(f, "CREATE ROLE clerk LOGIN");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_store *store = NULL;
        struct vf_store_info info;
        struct vf_err err;
        char url[400];
        fixture_recreate(f, "");
        vf_store_close(fixture_open_ready(f, NULL));
        fixture_run(f, cases[i].grants);
        snprintf(url, sizeof url, "%s user=clerk", f->url);
        expect_ok(vf_store_open(url, NULL, 0, &store, &err), &err, "open");
        int rc = vf_store_check(store, 1, cases[i].for_writing, &info, &err);
        if (cases[i].code)
            expect_error(rc, cases[i].code, &err, cases[i].message, cases[i].name);
        else
            expect_ok(rc, &err, cases[i].name);
        if (cases[i].code == VF_OK && cases[i].for_writing) {
            expect_ok(vf_store_write(store, "m", 1, &row, 1, &err), &err, cases[i].name);
            expect_ok(vf_store_write(store, "m", 1, &row, 1, &err), &err, cases[i].name);
        }
        vf_store_close(store);
    }
    fixture_run(f, "GRANT USAGE ON SCHEMA public TO PUBLIC");
}

static void test_no_right_to_write_or_create(void **state)
{
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    static const float vector[] = {1};
    const struct vf_row row = {"1", vector, hash, 1, false, false};
    struct fixture *f = *state;
    struct vf_store *store = NULL;
    struct vf_err err;
    char url[400];
    fixture_run(f, "CREATE ROLE reader LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    snprintf(url, sizeof url, "%s user=reader", f->url);
    expect_ok(vf_store_open(url, NULL, 0, &store, &err), &err, "open");
    int rc = vf_store_init(store, NULL, NULL, &err);
    expect_error(rc, VF_ERR_PERMISSION, &err, "public", "init");
    vf_store_close(fixture_open_ready(f, NULL));
    fixture_run(f, "GRANT SELECT ON news_articles, text_embeddings TO reader");
    rc = vf_store_write(store, "m", 1, &row, 1, &err);
    expect_error(rc, VF_ERR_PERMISSION, &err, "text_embeddings", "write");
    vf_store_close(store);
}

static void test_read_only_session(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = NULL;
    struct vf_store_info info;
    struct vf_err err;
    char url[400];
    vf_store_close(fixture_open_ready(f, NULL));
    snprintf(url, sizeof url, "%s options='-c default_transaction_read_only=on'", f->url);
    expect_ok(vf_store_open(url, NULL, 0, &store, &err), &err, "open");
    expect_ok(vf_store_check(store, 1, false, &info, &err), &err, "reading");
    int rc = vf_store_check(store, 1, true, &info, &err);
    expect_error(rc, VF_ERR_PERMISSION, &err, "read-only", "writing");
    vf_store_close(store);
}

/* ---- connections ---- */

static void test_connections_that_fail(void **state)
{
    static const struct {
        const char *name, *url;
        enum vf_code code;
        const char *message;
    } cases[] = {
        {"no database", "dbname=nowhere", VF_ERR_NOT_FOUND, "database \"nowhere\" does not exist"},
        {"no database, by name alone", "nowhere", VF_ERR_NOT_FOUND, "createdb"},
        {"no role", "user=stranger", VF_ERR_LOGIN, "role \"stranger\" does not exist"},
        {"no server", "host=127.0.0.1 port=1", VF_ERR_UNAVAILABLE, "is the server running"},
        {"no socket", "host=/nonexistent", VF_ERR_UNAVAILABLE, "is the server running"},
        {"no host", "postgresql://no-such-host.invalid/x", VF_ERR_UNAVAILABLE, "no-such-host"},
        {"wrong password", "host=127.0.0.1 user=" PG_SERVER_PASSWORD_ROLE " password=s3cret",
            VF_ERR_LOGIN, "PGPASSWORD"},
        {"no password", "host=127.0.0.1 user=" PG_SERVER_PASSWORD_ROLE, VF_ERR_LOGIN, "PGPASSWORD"},
        {"bad percent", "postgresql://u:s3cret%zz@127.0.0.1/x", VF_ERR_USAGE, "%25"},
        {"bare @", "postgresql://u:p@s3cret@127.0.0.1/x", VF_ERR_USAGE, "%40"},
        {"bare /", "postgresql://u:p/s3cret@127.0.0.1/x", VF_ERR_USAGE, "%2F"},
        {"bare space", "host=127.0.0.1 password=a s3cret", VF_ERR_USAGE, "libpq"},
        {"unknown option", "postgresql://u@127.0.0.1/x?password=a&s3cret=b", VF_ERR_USAGE, "libpq"},
    };
    struct fixture *f = *state;
    fixture_run(f, "DO $$ BEGIN CREATE ROLE " PG_SERVER_PASSWORD_ROLE
                   " LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN END $$");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_store *store = NULL;
        struct vf_err err;
        int rc = vf_store_open(cases[i].url, NULL, 0, &store, &err);
        expect_error(rc, cases[i].code, &err, cases[i].message, cases[i].name);
        vf_check(!strstr(err.msg, "s3cret") && !strstr(err.hint, "s3cret"),
            "%s tells the password: %s", cases[i].name, err.msg);
        assert_null(store);
    }
}

static void test_connections_that_succeed(void **state)
{
    struct fixture *f = *state;
    char urls[4][300];
    fixture_run(f, "DO $$ BEGIN CREATE ROLE " PG_SERVER_PASSWORD_ROLE
                   " LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object THEN END $$;"
                   "ALTER ROLE " PG_SERVER_PASSWORD_ROLE " PASSWORD 'r@/:%?'");
    snprintf(urls[0], sizeof urls[0], "%s", "");
    snprintf(urls[1], sizeof urls[1], "postgresql://postgres@127.0.0.1:%d/postgres?sslmode=disable",
        f->server.port);
    snprintf(urls[2], sizeof urls[2],
        "postgres://" PG_SERVER_PASSWORD_ROLE ":r%%40%%2F%%3A%%25%%3F@127.0.0.1:%d/postgres",
        f->server.port);
    snprintf(urls[3], sizeof urls[3],
        "host=127.0.0.1 user=" PG_SERVER_PASSWORD_ROLE " password='r@/:%%?' dbname=postgres");
    for (size_t i = 0; i < VF_COUNT(urls); i++) {
        struct vf_store *store = NULL;
        struct vf_err err;
        expect_ok(vf_store_open(urls[i], NULL, 0, &store, &err), &err, urls[i]);
        vf_check(strstr(vf_store_describe(store), ", database postgres on "), "%s",
            vf_store_describe(store));
        vf_check(!strchr(vf_store_describe(store), '@'), "%s", vf_store_describe(store));
        vf_store_close(store);
    }
}

/* A server that goes away in between is told as such, and loses nothing that was committed. */
static void test_connection_lost(void **state)
{
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    static const float vector[] = {1};
    const struct vf_row row = {"1", vector, hash, 1, false, false};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_err err;
    expect_ok(vf_store_write(store, "m", 1, &row, 1, &err), &err, "write");
    fixture_run(f, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                   " WHERE application_name = 'vecfill'");
    int rc = vf_store_write(store, "m", 1, &row, 1, &err);
    expect_error(rc, VF_ERR_UNAVAILABLE, &err, "run again", "write without a server");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "1");
    vf_store_close(store);
}

static void test_ids_too_long(void **state)
{
    static const uint8_t hash[VF_TEXT_HASH_BYTES];
    static const float vector[] = {1};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_err err;
    char id[80];
    memset(id, 'x', sizeof id);
    id[sizeof id - 1] = '\0';
    const struct vf_row rows[] = {
        {"1", vector, hash, 1, false, false}, {id, vector, hash, 1, false, false}};
    int rc = vf_store_write(store, "m", 1, rows, 2, &err);
    expect_error(rc, VF_ERR_DATA, &err, "varying(64)", "source_id");
    rc = vf_store_write(store, id, 1, rows, 1, &err);
    expect_error(rc, VF_ERR_DATA, &err, "varying(64)", "model_id");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "0");
    vf_store_close(store);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_new_database, fixture_drop_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_vector_types),
        TEST(test_many_dimensions),
        TEST(test_types_that_do_not_fit),
        TEST(test_init_of_another_type),
        TEST(test_time_types),
        TEST(test_infinite_times),
        TEST(test_session_time_zone),
        TEST(test_pages_read_what_they_show),
        TEST(test_schema_qualified),
        TEST(test_id_types),
        TEST(test_old_rows_are_read_again),
        TEST(test_claims_in_flight),
        TEST(test_write_where_no_row_is_expected),
        TEST(test_sql_ascii),
        TEST(test_latin_1),
        TEST(test_invalid_utf8),
        TEST(test_rights),
        TEST(test_no_right_to_write_or_create),
        TEST(test_read_only_session),
        TEST(test_connections_that_fail),
        TEST(test_connections_that_succeed),
        TEST(test_connection_lost),
        TEST(test_ids_too_long),
    };
    return cmocka_run_group_tests_name(
        "PostgreSQL alone", tests, fixture_start_postgres, fixture_stop);
}
