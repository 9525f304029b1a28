#include "harness.h"
#include "pipeline/row_writer.h"
#include "support/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a report must say; -1 where the test does not care. */
struct expected {
    int64_t selected, embedded, unchanged, empty, failed, remaining, duplicates;
};

static void check_report(
    const char *name, const struct vf_backfill_report *r, const struct expected *e)
{
    const struct {
        const char *what;
        uint64_t found;
        int64_t expected;
    } numbers[] = {{"selected", r->selected, e->selected}, {"embedded", r->embedded, e->embedded},
        {"unchanged", r->unchanged, e->unchanged}, {"empty", r->empty, e->empty},
        {"failed", r->failed, e->failed}, {"remaining", r->remaining, e->remaining},
        {"duplicates", r->duplicates, e->duplicates}};
    for (size_t i = 0; i < VF_COUNT(numbers); i++)
        vf_check(numbers[i].expected < 0 || numbers[i].found == (uint64_t)numbers[i].expected,
            "%s: %s is %llu, not %lld", name, numbers[i].what, (unsigned long long)numbers[i].found,
            (long long)numbers[i].expected);
}

static int64_t stored(struct desk *desk)
{
    return desk_number(desk, "SELECT count(*) FROM text_embeddings");
}

/* ---- selection, limits, refresh ---- */

/* 20 articles: 14 different ones, 3 times the text of article 0, 3 with nothing to read. */
static void put_mixture(struct desk *desk)
{
    desk_fill(desk, 0, 14);
    desk_put(desk, 3, "crop", "up");
    desk_put(desk, 14, "crop", "up");
    desk_put(desk, 15, "crop up", NULL);
    desk_put(desk, 16, NULL, "crop up");
    desk_put(desk, 17, NULL, NULL);
    desk_put(desk, 18, " \t\n", NULL);
    desk_put(desk, 19, "", "");
}

static void test_selections(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *before; /* SQL between the first run, which embeds all, and this one */
        const char *language;
        enum vf_refresh refresh;
        uint64_t limit;
        struct expected report;
    } cases[] = {
        {"a second run", NULL, NULL, VF_REFRESH_CHANGED, 0, {20, 0, 17, 3, 0, 0, 0}},
        {"a second run, missing", NULL, NULL, VF_REFRESH_MISSING, 0, {20, 0, 17, 3, 0, 0, 0}},
        {"everything anew", NULL, NULL, VF_REFRESH_ALL, 0, {20, 17, 0, 3, 0, 0, 3}},
        {"everything anew, limited", NULL, NULL, VF_REFRESH_ALL, 5, {20, 5, 0, 3, 0, 12, 0}},
        {"an edited article", "UPDATE news_articles SET body = 'vote' WHERE article_id = 3", NULL,
            VF_REFRESH_CHANGED, 0, {20, 1, 16, 3, 0, 0, 0}},
        {"an edited article, missing",
            "UPDATE news_articles SET body = 'vote' WHERE article_id = 3", NULL, VF_REFRESH_MISSING,
            0, {20, 0, 17, 3, 0, 0, 0}},
        {"a lost vector", "DELETE FROM text_embeddings WHERE source_id = '7'", NULL,
            VF_REFRESH_MISSING, 0, {20, 1, 16, 3, 0, 0, 0}},
        {"two to do, limit of one", "DELETE FROM text_embeddings WHERE source_id IN ('7', '9')",
            NULL, VF_REFRESH_CHANGED, 1, {20, 1, 15, 3, 0, 1, 0}},
        {"a limit beyond what is to do", "DELETE FROM text_embeddings", NULL, VF_REFRESH_CHANGED,
            100, {20, 17, 0, 3, 0, 0, 3}},
        {"a limit of exactly that", "DELETE FROM text_embeddings", NULL, VF_REFRESH_CHANGED, 17,
            {20, 17, 0, 3, 0, 0, 3}},
        {"one language", "DELETE FROM text_embeddings", "EN", VF_REFRESH_CHANGED, 0,
            {10, 9, 0, 1, 0, 0, 1}},
        {"no article", "DELETE FROM news_articles", NULL, VF_REFRESH_CHANGED, 0,
            {0, 0, 0, 0, 0, 0, 0}},
        {"only empty ones", "DELETE FROM news_articles WHERE article_id < 17", NULL,
            VF_REFRESH_CHANGED, 0, {3, 0, 0, 3, 0, 0, 0}},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        static const struct expected first = {20, 17, 0, 3, 0, 0, 3};
        struct desk desk;
        struct vf_backfill_options options = desk_options();
        struct vf_backfill_report report;
        struct vf_err err;
        desk_init(&desk);
        put_mixture(&desk);
        struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
        vf_check(desk_run(&desk, embedder, &options, &report, &err) == 0, "%s", err.msg);
        check_report("the first run", &report, &first);
        if (cases[i].before)
            desk_sql(&desk, cases[i].before);
        options.selection.refresh = cases[i].refresh;
        options.selection.language = cases[i].language;
        options.limit = cases[i].limit;
        int rc = desk_run(&desk, embedder, &options, &report, &err);
        vf_check(rc == 0, "%s: %s", cases[i].name, err.msg);
        check_report(cases[i].name, &report, &cases[i].report);
        vf_close(embedder);
        desk_release(&desk);
    }
}

/* Runs with a limit go on where the last one stopped, until nothing remains. */
static void test_limited_runs(void **state)
{
    (void)state;
    static const struct expected runs[] = {
        {700, 300, 0, 0, 0, 400, 0},
        {700, 300, 300, 0, 0, 100, 0},
        {700, 100, 600, 0, 0, 0, 0},
        {700, 0, 700, 0, 0, 0, 0},
    };
    struct desk desk;
    struct vf_backfill_options options = desk_options();
    struct vf_backfill_report report;
    struct vf_err err;
    options.limit = 300;
    desk_init(&desk);
    desk_fill(&desk, 0, 700);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
    for (size_t i = 0; i < VF_COUNT(runs); i++) {
        char name[32];
        snprintf(name, sizeof name, "run %zu", i);
        vf_check(desk_run(&desk, embedder, &options, &report, &err) == 0, "%s", err.msg);
        check_report(name, &report, &runs[i]);
        vf_check(stored(&desk) == (int64_t)(report.embedded + report.unchanged), "%s", name);
    }
    assert_int_equal(desk_number(&desk, "SELECT count(*) FROM text_embeddings"
                                        " WHERE length(vector) = 128 AND vector_ref IS NULL"),
        700);
    vf_close(embedder);
    desk_release(&desk);
}

static void test_order(void **state)
{
    (void)state;
    struct desk desk;
    struct vf_backfill_options options = desk_options();
    struct vf_backfill_report report;
    struct vf_err err;
    options.limit = 2;
    desk_init(&desk);
    desk_fill(&desk, 1, 9);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 1);
    assert_int_equal(desk_run(&desk, embedder, &options, &report, &err), 0);
    assert_int_equal(desk_number(&desk, "SELECT sum(source_id) FROM text_embeddings"), 1 + 2);
    options.selection.newest_first = true;
    assert_int_equal(desk_run(&desk, embedder, &options, &report, &err), 0);
    assert_int_equal(
        desk_number(&desk, "SELECT sum(source_id) FROM text_embeddings"), 1 + 2 + 8 + 9);
    vf_close(embedder);
    desk_release(&desk);
}

/* A deadline that has passed leaves everything, one to come nothing; neither is a failure. */
static void test_deadlines(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t deadline_ns;
        struct expected report;
    } cases[] = {
        {"passed", 1, {200, 0, 0, 0, 0, 200, 0}},
        {"to come", INT64_MAX, {200, 200, 0, 0, 0, 0, 0}},
    };
    struct desk desk;
    desk_init(&desk);
    desk_fill(&desk, 0, 200);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_backfill_options options = desk_options();
        struct vf_backfill_report report;
        struct vf_err err;
        options.deadline_ns = cases[i].deadline_ns;
        int rc = desk_run(&desk, embedder, &options, &report, &err);
        vf_check(rc == 0, "%s: %s", cases[i].name, err.msg);
        check_report(cases[i].name, &report, &cases[i].report);
    }
    vf_close(embedder);
    desk_release(&desk);
}

/* A caller that knows that nothing is to do needs no model. */
static void test_nothing_to_do(void **state)
{
    (void)state;
    static const struct expected nothing = {3, 0, 0, 3, 0, 0, 0};
    struct desk desk;
    struct vf_backfill_options options = desk_options();
    struct vf_backfill_report report;
    struct vf_counts counts;
    struct vf_err err;
    desk_init(&desk);
    for (unsigned i = 0; i < 3; i++)
        desk_put(&desk, i, " ", NULL);
    assert_int_equal(vf_backfill_count(desk.reader, &options.selection, 0, &counts, &err), 0);
    assert_int_equal(counts.empty, 3);
    options.counts = &counts;
    vf_check(desk_run(&desk, NULL, &options, &report, &err) == 0, "%s", err.msg);
    check_report("nothing to do", &report, &nothing);
    desk_release(&desk);
}

/* ---- what is stored ---- */

static void test_vectors(void **state)
{
    (void)state;
    enum { N = 40, DIMENSIONS = 32 };
    struct desk desk;
    struct vf_backfill_options options = desk_options();
    struct vf_backfill_report report;
    struct vf_err err;
    float expected[DIMENSIONS];
    uint64_t n_tokens = 0, n_truncated = 0;
    sqlite3_stmt *row = NULL;
    desk_init(&desk);
    desk_fill(&desk, 0, N);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
    assert_int_equal(desk_run(&desk, embedder, &options, &report, &err), 0);
    assert_int_equal(sqlite3_prepare_v2(desk.raw,
                         "SELECT headline || ' ' || body, vector, token_count, truncated,"
                         " source_type, model_id FROM news_articles JOIN text_embeddings"
                         " ON source_id = CAST(article_id AS TEXT)",
                         -1, &row, NULL),
        SQLITE_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(sqlite3_step(row), SQLITE_ROW);
        struct vf_text text = {.bytes = (const char *)sqlite3_column_text(row, 0)};
        text.n_bytes = (size_t)sqlite3_column_bytes(row, 0);
        struct vf_text_result result;
        assert_int_equal(vf_embed(embedder, &text, 1, expected, &result, NULL), 0);
        assert_int_equal(sqlite3_column_bytes(row, 1), sizeof expected);
        assert_memory_equal(sqlite3_column_blob(row, 1), expected, sizeof expected);
        assert_int_equal(sqlite3_column_int(row, 2), result.n_tokens);
        assert_int_equal(sqlite3_column_int(row, 3), result.truncated);
        assert_string_equal(sqlite3_column_text(row, 4), "NEWS");
        assert_string_equal(sqlite3_column_text(row, 5), DESK_MODEL_ID);
        n_tokens += result.n_tokens;
        n_truncated += result.truncated;
    }
    assert_int_equal(sqlite3_step(row), SQLITE_DONE);
    sqlite3_finalize(row);
    assert_int_equal(report.tokens, n_tokens);
    assert_int_equal(report.truncated, n_truncated);
    assert_true(n_truncated > 0);
    assert_true(report.tokens_lost >= n_truncated);
    vf_close(embedder);
    desk_release(&desk);
}

static void test_same_bytes(void **state)
{
    (void)state;
    static const struct {
        unsigned threads;
        size_t batch_size;
        uint64_t limit; /* runs are repeated until nothing remains */
        bool newest_first;
    } cases[] = {
        {1, 64, 0, false},
        {1, 1, 0, true},
        {2, 7, 0, false},
        {3, 1000, 0, true},
        {4, 50, 90, false},
        {2, 0, 0, false},
    };
    char first[65] = "";
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct desk desk;
        struct vf_backfill_options options = desk_options();
        struct vf_backfill_report report;
        struct vf_err err;
        char checksum[65];
        desk_init(&desk);
        desk_fill(&desk, 0, 300);
        desk_put(&desk, 300, "crop", "up");
        desk_put(&desk, 301, "crop", "up");
        struct vf_embedder *embedder = desk_embedder(&desk, NULL, cases[i].threads);
        options.batch_size = cases[i].batch_size;
        options.limit = cases[i].limit;
        options.selection.newest_first = cases[i].newest_first;
        do
            vf_check(desk_run(&desk, embedder, &options, &report, &err) == 0, "%s", err.msg);
        while (report.remaining > 0);
        desk_checksum(&desk, checksum);
        if (i == 0)
            memcpy(first, checksum, sizeof first);
        vf_check(strcmp(checksum, first) == 0, "%u threads, batches of %zu", cases[i].threads,
            cases[i].batch_size);
        assert_int_equal(stored(&desk), 302);
        vf_close(embedder);
        desk_release(&desk);
    }
}

/* ---- how many rows a transaction has ---- */

static void test_batch_rows(void **state)
{
    enum { MIB = 1 << 20 };
    static const struct {
        const char *name;
        size_t dimensions, batch_size;
        uint64_t max_memory;
        size_t rows;
    } cases[] = {
        {"usual vectors", 384, 0, 0, VF_BATCH_ROWS},
        {"a given number", 384, 16, 0, 16},
        {"a given number, with little memory", 384, 100000, MIB, 100000},
        {"long vectors", 1024, 0, 0, 1310},
        {"very long vectors", 1000000, 0, 0, 256},
        {"a limit of memory", 384, 0, 64 * MIB, 1638},
        {"little memory", 384, 0, MIB, 256},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const struct vf_model_info info = {.dimensions = cases[i].dimensions};
        const struct vf_backfill_options options = {
            .batch_size = cases[i].batch_size, .max_memory = cases[i].max_memory};
        size_t rows = vf_batch_rows(&info, &options);
        vf_check(rows == cases[i].rows, "%s: %zu", cases[i].name, rows);
    }
}

/* Rows that do not fill a batch wait, but not for ever. */
static void test_old_rows(void **state)
{
    enum { LONG_AGO = -1 };
    static const int64_t hour_ns = INT64_C(3600000000000);
    struct vf_article article = {.id = "7", .text = "oil", .n_text = 3};
    struct vf_window_text text = {.n_ids = 3};
    size_t text_of = 0;
    float vector[] = {1, 2};
    const struct vf_window window = {.page = {.articles = &article, .n = 1},
        .text_of = &text_of,
        .texts = &text,
        .vectors = vector};
    struct vf_row_writer *writer = NULL;
    struct desk desk;
    struct vf_err err;
    (void)state;
    desk_init(&desk);
    struct vf_retry retry = {.store = desk.writer};
    vf_check(vf_row_writer_new(&retry, DESK_MODEL_ID, 2, 8, &writer, &err) == 0, "%s", err.msg);
    assert_int_equal(vf_row_writer_flush_old(writer, LONG_AGO, &err), 0);
    vf_check(vf_row_writer_add(writer, &window, 0, &err) == 0, "%s", err.msg);
    vf_check(vf_row_writer_flush_old(writer, hour_ns, &err) == 0, "%s", err.msg);
    assert_int_equal(stored(&desk), 0);
    vf_check(vf_row_writer_flush_old(writer, LONG_AGO, &err) == 0, "%s", err.msg);
    assert_int_equal(stored(&desk), 1);
    assert_int_equal(vf_row_writer_counts(writer)->embedded, 1);
    vf_row_writer_free(writer);
    desk_release(&desk);
}

/* ---- articles that fail ---- */

static void test_bad_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *nan_word;
        bool zero_output;
        uint64_t limit;
        struct expected report;
        const char *reason;
    } cases[] = {
        {"not finite", "poison", false, 0, {30, 28, 0, 0, 2, 0, 1}, "article 4: the vector is not"},
        {"not finite, counted by the limit", "poison", false, 10, {30, 9, 0, 0, 1, 20, 0},
            "article 4: "},
        {"no norm", NULL, true, 0, {30, 0, 0, 0, 30, 0, 0}, "has no norm"},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct desk desk;
        struct tiny_model model;
        struct vf_backfill_options options = desk_options();
        struct vf_backfill_report report;
        struct vf_err err;
        tiny_model_init(&model);
        model.nan_word = cases[i].nan_word;
        model.zero_output = cases[i].zero_output;
        options.limit = cases[i].limit;
        desk_init(&desk);
        desk_fill(&desk, 0, 28);
        desk_put(&desk, 4, "the poison", "ship");
        desk_put(&desk, 28, "the poison", "ship");
        desk_put(&desk, 29, "27", NULL);
        desk_put(&desk, 27, "27", NULL);
        struct vf_embedder *embedder = desk_embedder(&desk, &model, 2);
        int rc = desk_run(&desk, embedder, &options, &report, &err);
        vf_check(rc == 0, "%s: %s", cases[i].name, err.msg);
        check_report(cases[i].name, &report, &cases[i].report);
        vf_check(strstr(report.first_failure, cases[i].reason), "%s: %s", cases[i].name,
            report.first_failure);
        vf_check(stored(&desk) == cases[i].report.embedded, "%s", cases[i].name);
        vf_close(embedder);
        desk_release(&desk);
    }
}

/* ---- writing fails ---- */

static void test_refused_rows(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *condition; /* rows that the database refuses */
        size_t batch_size;
        unsigned n; /* articles */
        bool fatal;
        struct expected report;
    } cases[] = {
        {"one row", "NEW.source_id = '7'", 64, 200, false, {200, 199, 0, 0, 1, 0, 0}},
        {"one row, one a batch", "NEW.source_id = '7'", 1, 200, false, {200, 199, 0, 0, 1, 0, 0}},
        {"some rows", "CAST(NEW.source_id AS INT) % 50 = 0", 64, 200, false,
            {200, 196, 0, 0, 4, 0, 0}},
        {"the last row", "NEW.source_id = '199'", 199, 200, false, {200, 199, 0, 0, 1, 0, 0}},
        {"every row", "1", 64, 200, false, {200, 0, 0, 0, 200, 0, 0}},
        {"more than are given up", "1", 64, 1200, true, {1200, 0, 0, 0, 1024, 176, 0}},
        {"more than are given up, one batch", "1", 1200, 1200, true, {1200, 0, 0, 0, 1024, 176, 0}},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct desk desk;
        struct vf_backfill_options options = desk_options();
        struct vf_backfill_report report;
        struct vf_err err;
        char sql[256];
        options.batch_size = cases[i].batch_size;
        desk_init(&desk);
        desk_fill(&desk, 0, cases[i].n);
        snprintf(sql, sizeof sql,
            "CREATE TRIGGER refuse BEFORE INSERT ON text_embeddings WHEN %s"
            " BEGIN SELECT RAISE(ABORT, 'not in this table'); END",
            cases[i].condition);
        desk_sql(&desk, sql);
        struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
        int rc = desk_run(&desk, embedder, &options, &report, &err);
        vf_check((rc != 0) == cases[i].fatal, "%s: %d %s", cases[i].name, rc, err.msg);
        check_report(cases[i].name, &report, &cases[i].report);
        const char *says = cases[i].fatal ? err.msg : report.first_failure;
        vf_check(strstr(says, "not in this table"), "%s: %s", cases[i].name, says);
        vf_check(cases[i].fatal || strstr(says, "article "), "%s: %s", cases[i].name, says);
        vf_check(stored(&desk) == cases[i].report.embedded, "%s", cases[i].name);
        vf_close(embedder);
        desk_release(&desk);
    }
}

/* ---- in the middle of a run ---- */

/* The desk holds the database's write lock, so that the run's first transaction waits for it. The
 * first call of progress meddles, the second, when the run knows of it, lets go of the lock. */
struct meddler {
    struct desk *desk;
    const char *sql;            /* run under the lock; may be NULL */
    volatile sig_atomic_t stop; /* set to `stops` */
    int stops;
    unsigned calls;
};

static void meddle(void *context, const struct vf_progress *progress)
{
    struct meddler *meddler = context;
    assert_true(progress->done <= progress->total);
    meddler->calls++;
    if (meddler->calls == 1) {
        meddler->stop = meddler->stops;
        if (meddler->sql)
            desk_sql(meddler->desk, meddler->sql);
    }
    if (meddler->calls == 2)
        desk_sql(meddler->desk, "COMMIT");
}

enum { N_MANY = 2000 }; /* more than all windows of a run hold */

static void test_meddling(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *sql;
        int stops;
        const char *error; /* part of its message; NULL: the run succeeds */
        struct expected report;
        bool some_embedded, some_remain;
    } cases[] = {
        {"let be", NULL, 0, NULL, {N_MANY, N_MANY, 0, 0, 0, 0, -1}, true, false},
        {"stopped", NULL, 1, "stopped on request", {N_MANY, -1, 0, 0, 0, -1, -1}, true, true},
        {"the table is dropped", "DROP TABLE text_embeddings", 0, "writing article ",
            {N_MANY, 0, 0, 0, 0, N_MANY, 0}, false, true},
        {"the articles are dropped", "DROP TABLE news_articles", 0,
            "reading articles: ", {N_MANY, -1, 0, 0, 0, -1, -1}, false, true},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct desk desk;
        struct meddler meddler = {.desk = &desk, .sql = cases[i].sql, .stops = cases[i].stops};
        struct vf_backfill_options options = desk_options();
        struct vf_backfill_report report;
        struct vf_err err;
        options.progress = meddle;
        options.context = &meddler;
        options.stop = &meddler.stop;
        desk_init(&desk);
        desk_fill(&desk, 0, N_MANY);
        struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
        desk_sql(&desk, "BEGIN IMMEDIATE");
        int rc = desk_run(&desk, embedder, &options, &report, &err);
        vf_check((rc != 0) == (cases[i].error != NULL), "%s: %s", cases[i].name, err.msg);
        vf_check(!rc || strstr(err.msg, cases[i].error), "%s: %s", cases[i].name, err.msg);
        vf_check((rc == VF_ERR_INTERRUPTED) == (cases[i].stops == 1), "%s: %d", cases[i].name, rc);
        check_report(cases[i].name, &report, &cases[i].report);
        vf_check(!cases[i].some_embedded || report.embedded > 0, "%s", cases[i].name);
        vf_check((report.remaining > 0) == cases[i].some_remain, "%s: %llu remain", cases[i].name,
            (unsigned long long)report.remaining);
        if (!cases[i].sql)
            vf_check(stored(&desk) == (int64_t)report.embedded, "%s", cases[i].name);
        vf_check(meddler.calls >= 3, "%s: %u calls of progress", cases[i].name, meddler.calls);
        vf_close(embedder);
        desk_release(&desk);
    }
}

static void test_stopped_before(void **state)
{
    (void)state;
    static const struct expected nothing = {50, 0, 0, 0, 0, 50, 0};
    static const struct expected rest = {50, 50, 0, 0, 0, 0, -1};
    volatile sig_atomic_t stop = 1;
    struct desk desk;
    struct vf_backfill_options options = desk_options();
    struct vf_backfill_report report;
    struct vf_plan plan;
    struct vf_err err;
    options.stop = &stop;
    desk_init(&desk);
    desk_fill(&desk, 0, 50);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
    assert_int_equal(desk_run(&desk, embedder, &options, &report, &err), VF_ERR_INTERRUPTED);
    check_report("stopped before it began", &report, &nothing);
    assert_non_null(strstr(err.hint, "again"));
    assert_int_equal(
        vf_backfill_plan(embedder, desk.reader, &options, &plan, &err), VF_ERR_INTERRUPTED);
    stop = 0;
    assert_int_equal(desk_run(&desk, embedder, &options, &report, &err), 0);
    check_report("run again", &report, &rest);
    vf_close(embedder);
    desk_release(&desk);
}

static void test_unreadable(void **state)
{
    (void)state;
    static const struct expected nothing = {0, 0, 0, 0, 0, 0, 0};
    struct desk desk;
    struct vf_backfill_options options = desk_options();
    struct vf_backfill_report report;
    struct vf_err err;
    desk_init(&desk);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 1);
    desk_sql(&desk, "DROP TABLE news_articles");
    int rc = desk_run(&desk, embedder, &options, &report, &err);
    vf_check(rc != 0 && strstr(err.msg, "no such table"), "%d: %s", rc, err.msg);
    check_report("no table", &report, &nothing);
    vf_close(embedder);
    desk_release(&desk);
}

/* ---- what would be done ---- */

static void test_plan(void **state)
{
    (void)state;
    static const uint64_t limits[] = {0, 1, 10, 150, 1000};
    struct desk desk;
    struct vf_backfill_options options = desk_options();
    struct vf_backfill_report report;
    struct vf_options model;
    struct vf_embedder *tokenizer = NULL;
    struct vf_plan plan;
    struct vf_err err;
    char directory[128];
    desk_init(&desk);
    desk_fill(&desk, 0, 200);
    put_mixture(&desk);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
    snprintf(directory, sizeof directory, "%s", scratch_path(&desk.scratch, "model"));
    vf_options_init(&model);
    model.model = directory;
    model.threads = 2;
    model.tokenizer_only = true;
    vf_check(vf_open(&model, &tokenizer, &err) == 0, "%s", err.msg);
    for (size_t i = 0; i < VF_COUNT(limits); i++) {
        desk_sql(&desk, "DELETE FROM text_embeddings");
        options.limit = limits[i];
        vf_check(
            vf_backfill_plan(tokenizer, desk.reader, &options, &plan, &err) == 0, "%s", err.msg);
        assert_int_equal(stored(&desk), 0);
        vf_check(desk_run(&desk, embedder, &options, &report, &err) == 0, "%s", err.msg);
        assert_int_equal(plan.selected.missing, 197);
        assert_int_equal(plan.selected.empty, report.empty);
        assert_int_equal(plan.to_embed, report.embedded);
        assert_int_equal(plan.tokens, report.tokens);
        assert_int_equal(plan.duplicates, report.duplicates);
        assert_int_equal(plan.truncated, report.truncated);
        assert_int_equal(plan.tokens_lost, report.tokens_lost);
    }
    vf_close(tokenizer);
    vf_close(embedder);
    desk_release(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selections),
        cmocka_unit_test(test_limited_runs),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_batch_rows),
        cmocka_unit_test(test_old_rows),
        cmocka_unit_test(test_bad_vectors),
        cmocka_unit_test(test_refused_rows),
        cmocka_unit_test(test_meddling),
        cmocka_unit_test(test_stopped_before),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
