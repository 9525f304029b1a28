/* What store.h promises of articles that failed, on SQLite and on PostgreSQL alike. */
#include "store_fixture.h"

#include "base/sha256.h"
#include "store/failure_record.h"

#include <stdio.h>
#include <string.h>

static const struct article_spec articles[] = {
    {"1", "2025-01-01T00:00:00Z", "en", "one", "1"},
    {"2", "2025-01-02T00:00:00Z", "en", "two", NULL},
    {"3", "2025-01-03T00:00:00Z", "en", NULL, "three"},
};

static void fail_article(struct vf_store *store, const char *id, const char *text)
{
    uint8_t hash[VF_SHA256_BYTES];
    struct vf_err err;
    const struct vf_failure failure = {
        .source_id = id, .reason = "refused", .message = "it's \"bad\"", .text_hash = hash};
    expect_ok(vf_sha256(text, strlen(text), hash, &err), &err, "hash");
    expect_ok(vf_store_record_failure(store, "m", &failure, &err), &err, id);
}

static struct vf_store *open_filled(struct fixture *f)
{
    struct vf_store *store = fixture_open_ready(f, NULL);
    import_articles(store, articles, VF_COUNT(articles));
    return store;
}

static uint64_t failed(struct vf_store *store, const struct vf_selection *selection)
{
    return count_selection(store, selection).failed;
}

static void test_passed_over(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = open_filled(f);
    struct vf_selection selection = select_all();
    fail_article(store, "2", "two");
    assert_string_equal(read_ids(store, &selection, 9, 1 << 20, NULL), "1,3");
    assert_string_equal(read_ids(store, &selection, 1, 1 << 20, NULL), "1,3");
    assert_int_equal(failed(store, &selection), 1);
    selection.refresh = VF_REFRESH_ALL;
    assert_string_equal(read_ids(store, &selection, 9, 1 << 20, NULL), "1,3");
    selection.retry_failed = true;
    assert_string_equal(read_ids(store, &selection, 9, 1 << 20, NULL), "1,2,3");
    assert_int_equal(failed(store, &selection), 0);

    /* Not under another model_id, and not with another text. */
    selection = select_all();
    selection.model_id = "n";
    assert_int_equal(failed(store, &selection), 0);
    selection.model_id = "m";
    fixture_run(f, "UPDATE news_articles SET body = 'more' WHERE article_id = 2");
    assert_int_equal(failed(store, &selection), 0);
    fixture_run(f, "UPDATE text_embedding_failures SET text_hash = NULL");
    assert_int_equal(failed(store, &selection), 1);
    fixture_run(f, "UPDATE news_articles SET headline = ' ', body = '' WHERE article_id = 2");
    assert_string_equal(counts_text(count_selection(store, &selection)), "2 0 0 1");
    vf_store_close(store);
}

static void test_record(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = open_filled(f);
    fail_article(store, "2", "two");
    fixture_run(f, "UPDATE text_embedding_failures SET first_seen = '2001-01-01T00:00:00Z',"
                   " last_seen = '2001-01-01T00:00:00Z'");
    fail_article(store, "2", "two");
    fail_article(store, "1", "one 1");
    assert_string_equal(
        fixture_get(f, "SELECT reason || ' ' || message || ' ' || attempts FROM"
                       " text_embedding_failures WHERE model_id = 'm' AND source_id = '2'"),
        "refused it's \"bad\" 2");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embedding_failures"
                                       " WHERE first_seen < '2002-01-01' AND attempts = 2"
                                       " AND last_seen > '2020-01-01'"),
        "1");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embedding_failures"), "2");
    vf_store_close(store);
}

static void test_cleared(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = open_filled(f);
    struct vf_selection selection = select_all();
    fail_article(store, "1", "one 1");
    fail_article(store, "2", "two");
    selection.retry_failed = true;
    selection.until_us = INT64_C(1735776000000000); /* 2025-01-02 */
    assert_int_equal(embed_all(store, &selection), 1);
    assert_string_equal(fixture_get(f, "SELECT source_id FROM text_embedding_failures"), "2");
    selection.model_id = "n";
    selection.until_us = VF_INSTANT_MAX;
    assert_int_equal(embed_all(store, &selection), 3);
    assert_string_equal(fixture_get(f, "SELECT source_id FROM text_embedding_failures"), "2");
    vf_store_close(store);
}

static int add_failed(void *context, const struct vf_status_row *row, struct vf_err *err)
{
    (void)err;
    *(uint64_t *)context += row->state.failed;
    return 0;
}

static void test_status(void **state)
{
    struct vf_store *store = open_filled(*state);
    uint64_t n = 0;
    struct vf_err err;
    fail_article(store, "1", "one 1");
    fail_article(store, "2", "two");
    expect_ok(vf_store_status(store, "m", add_failed, &n, &err), &err, "status");
    assert_int_equal(n, 2);
    vf_store_close(store);
}

static void test_without_the_table(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = open_filled(f);
    struct vf_selection selection = select_all();
    struct vf_store_info info;
    struct vf_err err;
    expect_ok(vf_store_check(store, 4, true, &info, &err), &err, "check");
    assert_true(info.has_failures);
    vf_store_close(store);
    fixture_run(f, "DROP TABLE text_embedding_failures");
    store = fixture_open(f, NULL);
    expect_ok(vf_store_check(store, 4, true, &info, &err), &err, "check");
    assert_false(info.has_failures);
    fail_article(store, "2", "two");
    assert_int_equal(embed_all(store, &selection), 3);
    vf_store_close(store);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_new_database, fixture_drop_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_passed_over),
        TEST(test_record),
        TEST(test_cleared),
        TEST(test_status),
        TEST(test_without_the_table),
    };
    int n = cmocka_run_group_tests_name("SQLite", tests, fixture_start_sqlite, fixture_stop);
    n += cmocka_run_group_tests_name("PostgreSQL", tests, fixture_start_postgres, fixture_stop);
    return n;
}
