/* A PostgreSQL server that goes away, keeps silent, or stands in its own way, and comes back. */
#include "store_fixture.h"

#include "store/postgres_internal.h"
#include "store/recovery.h"

#include <stdio.h>

static const struct article_spec articles[] = {
    {"1", "2025-01-01T00:00:00Z", "en", "one", "1"},
    {"2", "2025-01-02T00:00:00Z", "en", "two", NULL},
    {"3", "2025-01-03T00:00:00Z", "en", NULL, "three"},
};

static const char terminate[] = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                " WHERE application_name = 'vecfill'";

static int write_row(struct vf_store *store, struct vf_err *err)
{
    static const float vector[] = {1, 2, 3, 4};
    static const uint8_t hash[VF_TEXT_HASH_BYTES] = {7};
    const struct vf_row row = {.source_id = "1", .vector = vector, .text_hash = hash};
    return vf_store_write(store, "m", 4, &row, 1, err);
}

static void check_written(struct fixture *f)
{
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "1");
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM pg_stat_activity WHERE"
                                       " application_name = 'vecfill' AND state <> 'idle'"),
        "0");
}

/* What stands in the way of a write, and is then cleared away. */
static void test_write(void **state)
{
    static const struct {
        const char *name, *before, *after, *says;
    } cases[] = {
        {"a backend that is ended", terminate, "SELECT 1", "terminating connection"},
        {"a lock", "BEGIN; LOCK TABLE text_embeddings", "ROLLBACK", "not answered for"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_store *store = fixture_open_ready(f, NULL);
        struct vf_err err;
        expect_ok(write_row(store, &err), &err, "before");
        fixture_run(f, cases[i].before);
        vf_store_set_timeout(store, 300);
        expect_error(
            write_row(store, &err), VF_ERR_UNAVAILABLE, &err, cases[i].says, cases[i].name);
        fixture_run(f, cases[i].after);
        assert_true(vf_store_may_recover(store));
        expect_ok(vf_store_recover(store, &err), &err, cases[i].name);
        expect_ok(vf_store_recover(store, &err), &err, "once more");
        expect_ok(write_row(store, &err), &err, cases[i].name);
        check_written(f);
        vf_store_close(store);
    }
}

/* Time-outs of the server leave the connection as it is. */
static void test_server_timeouts(void **state)
{
    static const char *const settings[] = {"lock_timeout", "statement_timeout"};
    struct fixture *f = *state;
    for (size_t i = 0; i < VF_COUNT(settings); i++) {
        char url[400];
        struct vf_store *store = NULL;
        struct vf_err err;
        vf_store_close(fixture_open_ready(f, NULL));
        snprintf(url, sizeof url, "%s options='-c %s=200'", f->url, settings[i]);
        expect_ok(vf_store_open(url, NULL, 0, &store, &err), &err, "open");
        fixture_run(f, "BEGIN; LOCK TABLE text_embeddings");
        int rc = write_row(store, &err);
        expect_error(rc, VF_ERR_UNAVAILABLE, &err, "timeout", settings[i]);
        fixture_run(f, "ROLLBACK");
        expect_ok(vf_store_recover(store, &err), &err, "recover");
        expect_ok(write_row(store, &err), &err, "write");
        check_written(f);
        vf_store_close(store);
    }
}

/* A reader stays where it is when its connection is lost, though it may have read ahead. */
static void test_reader(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_err err;
    int n_lost = 0;
    bool end;
    import_articles(store, articles, VF_COUNT(articles));
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    for (size_t i = 0; i < VF_COUNT(articles); i++) {
        fixture_run(f, terminate);
        int rc = vf_reader_next(reader, 1, 1 << 20, &page, &end, &err);
        if (rc) {
            n_lost++;
            expect_error(rc, VF_ERR_UNAVAILABLE, &err, NULL, "lost");
            assert_int_equal(page.n, 0);
            expect_ok(vf_store_recover(store, &err), &err, "recover");
            expect_ok(vf_reader_next(reader, 1, 1 << 20, &page, &end, &err), &err, "page");
        }
        assert_int_equal(page.n, 1);
        assert_string_equal(page.articles[0].id, articles[i].id);
    }
    assert_true(n_lost >= 2);
    vf_page_release(&page);
    vf_reader_free(reader);
    vf_store_close(store);
}

static int stop(void *context, const char *source_id, const float *vector, size_t dimensions,
    struct vf_err *err)
{
    (void)context, (void)source_id, (void)vector, (void)dimensions;
    return vf_fail(err, VF_ERR_INTERRUPTED, "enough");
}

/* A scan that is broken off leaves a connection that can be used. */
static void test_scan_broken_off(void **state)
{
    struct vf_store *store = fixture_open_ready(*state, NULL);
    struct vf_selection selection = select_all();
    struct vf_err err;
    import_articles(store, articles, VF_COUNT(articles));
    assert_int_equal(embed_all(store, &selection), 3);
    int rc = vf_store_scan_vectors(store, &selection, stop, NULL, &err);
    expect_error(rc, VF_ERR_INTERRUPTED, &err, "enough", "scan");
    expect_ok(write_row(store, &err), &err, "write");
    vf_store_close(store);
}

static void test_sqlite_has_waited_already(void **state)
{
    struct vf_store *store = NULL;
    struct vf_err err;
    (void)state;
    expect_ok(vf_store_open("sqlite::memory:", NULL, VF_STORE_CREATE, &store, &err), &err, "open");
    assert_false(vf_store_may_recover(store));
    expect_ok(vf_store_recover(store, &err), &err, "recover");
    vf_store_close(store);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_new_database, fixture_drop_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write),
        TEST(test_server_timeouts),
        TEST(test_reader),
        TEST(test_scan_broken_off),
        TEST(test_sqlite_has_waited_already),
    };
    return cmocka_run_group_tests(tests, fixture_start_postgres, fixture_stop);
}
