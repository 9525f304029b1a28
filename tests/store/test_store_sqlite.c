/* What only SQLite has: a file, its locks and rights, times of many shapes, sqlite-vec. */
#include "store_fixture.h"

#include "store/sqlite_internal.h"

#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JAN_1 INT64_C(1735689600000000)
#define JAN_2 INT64_C(1735776000000000)

static const uint8_t hash[VF_TEXT_HASH_BYTES];
static const float vector[] = {0.6f, 0, -0.8f};
static const struct vf_row one_row = {"1", vector, hash, 1, false, false};

static const char *path_of(const struct fixture *f)
{
    return f->url + strlen("sqlite:");
}

/* ---- times ---- */

static void test_time_shapes(void **state)
{
    static const struct {
        const char *value; /* as SQL */
        bool in_jan_1;
    } cases[] = {
        {"'2025-01-01'", true},
        {"'2025-01-02'", false},
        {"'2025-01-01 08:15:00'", true},
        {"'2025-01-01T08:15'", true},
        {"'2025-01-01T23:59:59.999999Z'", true},
        {"'2025-01-01T23:59:59.9999999Z'", true},
        {"'2024-12-31T23:59:59.999Z'", false},
        {"'2025-01-01T00:30:00+01:00'", false},
        {"'2025-01-02 00:30:00+0100'", true},
        {"'2024-12-31 20:00:00-04'", true},
        {"1735689600", true},
        {"1735689599", false},
        {"1735775999.5", true},
        {"1735689599.999", false},
    };
    struct fixture *f = *state;
    char expected[200] = "", sql[200];
    /* No type of its own, so that numbers stay numbers. */
    fixture_run(f, "CREATE TABLE news_articles (article_id INTEGER PRIMARY KEY, published_at,"
                   " language, headline, body)");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        snprintf(sql, sizeof sql,
            "INSERT INTO news_articles VALUES (%zu, %s, 'en', 'headline', NULL)", i + 10,
            cases[i].value);
        fixture_run(f, sql);
    }
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    selection.from_us = JAN_1;
    selection.until_us = JAN_2;
    const char *found = read_ids(store, &selection, 100, 10000, NULL);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        snprintf(expected, sizeof expected, "%zu", i + 10);
        vf_check((strstr(found, expected) != NULL) == cases[i].in_jan_1, "%s in %s", cases[i].value,
            found);
    }
    vf_store_close(store);
}

/* By instant, not by spelling; equal instants by id. */
static void test_order_of_shapes(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    fixture_run(f, "INSERT INTO news_articles (article_id, published_at, headline) VALUES"
                   " (1, '2025-01-01T12:00:00.5Z', 'b'), (2, '2025-01-01T12:00:00Z', 'a'),"
                   " (3, '2025-01-01 15:00:00+02:00', 'd'), (4, '2025-01-01 12:30', 'c'),"
                   " (5, '2025-01-01T12:00:00+00:00', 'a')");
    for (size_t size = 1; size < 7; size++)
        assert_string_equal(read_ids(store, &selection, size, 1000, NULL), "2,5,1,4,3");
    selection.newest_first = true;
    assert_string_equal(read_ids(store, &selection, 2, 1000, NULL), "3,4,1,5,2");
    vf_store_close(store);
}

/* It may lie in any range; comes last, whatever the order; and is no text. */
static void test_time_that_is_none(void **state)
{
    static const char *const cases[] = {"yesterday", "2025-02-30", "2025-13-01", "01/02/2025", ""};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    selection.from_us = JAN_1;
    selection.until_us = JAN_2;
    fixture_run(f, "INSERT INTO news_articles (article_id, published_at, headline) VALUES"
                   " (1, '2025-01-01', 'in'), (2, '2025-02-01', 'out')");
    for (size_t i = 0; i < 2 * VF_COUNT(cases); i++) {
        struct vf_reader *reader = NULL;
        struct vf_counts counts;
        struct vf_page page = {0};
        struct vf_err err;
        bool end;
        char sql[200], fault[100];
        const char *time = cases[i / 2];
        selection.newest_first = i % 2;
        snprintf(sql, sizeof sql,
            "INSERT OR REPLACE INTO news_articles (article_id, published_at, headline)"
            " VALUES (0, '%s', 'when?')",
            time);
        fixture_run(f, sql);
        expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
        expect_ok(vf_reader_count(reader, &counts, &err), &err, "count");
        vf_check(counts.missing == 2, "'%s' is counted", time);
        expect_ok(vf_reader_next(reader, 9, 1000, &page, &end, &err), &err, "page");
        vf_check(page.n == 2, "'%s' is read", time);
        vf_check(!page.articles[0].fault, "'%s' comes last", time);
        assert_string_equal(page.articles[1].id, "0");
        assert_string_equal(page.articles[1].fault, "no_time");
        snprintf(
            fault, sizeof fault, "its time is '%s', not one such as 2025-01-31T08:15:00Z", time);
        assert_string_equal(page.articles[1].text, fault);
        vf_page_release(&page);
        vf_reader_free(reader);
    }
    vf_store_close(store);
}

/* ---- values ---- */

/* SQLite keeps whatever it is given: NUL, invalid UTF-8, numbers, BLOBs. */
static void test_odd_texts(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    struct vf_err err;
    bool end;
    fixture_run(f, "INSERT INTO news_articles (article_id, published_at, headline, body) VALUES"
                   " (1, '2025-01-01', CAST(x'610062' AS TEXT), CAST(x'ff00fe' AS TEXT)),"
                   " (2, '2025-01-02', 12, 1.5), (3, '2025-01-03', x'e697a5', NULL),"
                   " (4, '2025-01-04', x'', CAST(x'e38080' AS TEXT)),"
                   " (5, '2025-01-05', CAST(x'00' AS TEXT), NULL)");
    expect_ok(vf_reader_new(store, &selection, &reader, &err), &err, "reader");
    expect_ok(vf_reader_next(reader, 9, 1000, &page, &end, &err), &err, "page");
    assert_int_equal(page.n, 4);
    assert_int_equal(page.empty, 1);
    assert_int_equal(page.articles[0].n_text, 7);
    assert_memory_equal(page.articles[0].text, "a\0b \xff\0\xfe", 7);
    assert_string_equal(page.articles[1].text, "12 1.5");
    assert_string_equal(page.articles[2].text, "\xe6\x97\xa5");
    assert_int_equal(page.articles[3].n_text, 1);
    vf_page_release(&page);
    vf_reader_free(reader);
    assert_int_equal(embed_all(store, &selection), 4);
    assert_int_equal(embed_all(store, &selection), 0);
    vf_store_close(store);
}

/* ---- the file ---- */

static void test_files_that_fail(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = NULL;
    struct vf_err err;
    char url[400], path[300];
    int rc = vf_store_open("sqlite:", NULL, VF_STORE_CREATE, &store, &err);
    expect_error(rc, VF_ERR_USAGE, &err, "names no file", "no path");
    snprintf(url, sizeof url, "sqlite:%s/missing.db", f->directory);
    rc = vf_store_open(url, NULL, 0, &store, &err);
    expect_error(rc, VF_ERR_NOT_FOUND, &err, "vecfill init", "no file");
    vf_check(access(url + strlen("sqlite:"), F_OK) != 0, "the file was made");
    snprintf(url, sizeof url, "sqlite:%s/missing/x.db", f->directory);
    rc = vf_store_open(url, NULL, VF_STORE_CREATE, &store, &err);
    expect_error(rc, VF_ERR_NOT_FOUND, &err, "directory", "no directory");
    snprintf(url, sizeof url, "sqlite:%s", f->directory);
    rc = vf_store_open(url, NULL, VF_STORE_CREATE, &store, &err);
    expect_error(rc, VF_ERR_CONFIG, &err, "is a directory", "a directory");
    snprintf(path, sizeof path, "%s/text", f->directory);
    snprintf(url, sizeof url, "sqlite:%s", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("This is a text, and a long one so that it might be taken for a database.\n", file);
    fclose(file);
    rc = vf_store_open(url, NULL, 0, &store, &err);
    expect_error(rc, VF_ERR_DATA, &err, "not a database", "a text file");
    unlink(path);
    assert_null(store);
}

/* Runs `check` in a child without root's powers and fails unless it returns 0. */
static void check_unprivileged(int (*check)(struct fixture *f), struct fixture *f)
{
    pid_t pid = fork();
    if (pid == 0) {
        const struct passwd *user = getpwnam("nobody");
        if (geteuid() == 0 && (!user || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
            _exit(100);
        _exit(check(f));
    }
    int status = -1;
    assert_true(waitpid(pid, &status, 0) == pid);
    vf_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %d", status);
}

static int check_readable_only(struct fixture *f)
{
    struct vf_store *store = NULL;
    struct vf_store_info info;
    struct vf_err err = {0};
    if (vf_store_open(f->url, NULL, 0, &store, &err))
        return 1;
    if (vf_store_check(store, 3, false, &info, &err))
        return 2;
    if (vf_store_check(store, 3, true, &info, &err) != VF_ERR_PERMISSION)
        return 3;
    if (vf_store_write(store, "m", 3, &one_row, 1, &err) != VF_ERR_PERMISSION)
        return 4;
    vf_store_close(store);
    return strstr(err.hint, "writable") ? 0 : 5;
}

static int check_unreadable(struct fixture *f)
{
    struct vf_store *store = NULL;
    struct vf_err err = {0};
    return vf_store_open(f->url, NULL, 0, &store, &err) == VF_ERR_PERMISSION ? 0 : 1;
}

static int check_no_new_file(struct fixture *f)
{
    struct vf_store *store = NULL;
    struct vf_err err = {0};
    char url[300];
    snprintf(url, sizeof url, "sqlite:%s/new.db", f->directory);
    return vf_store_open(url, NULL, VF_STORE_CREATE, &store, &err) == VF_ERR_PERMISSION ? 0 : 1;
}

static void test_rights(void **state)
{
    struct fixture *f = *state;
    vf_store_close(fixture_open_ready(f, NULL));
    fixture_run(f, "PRAGMA journal_mode = DELETE"); /* a WAL file cannot be read without writing */
    chmod(f->directory, 0555);
    chmod(path_of(f), 0444);
    check_unprivileged(check_readable_only, f);
    check_unprivileged(check_no_new_file, f);
    chmod(path_of(f), 0);
    check_unprivileged(check_unreadable, f);
    chmod(path_of(f), 0600);
    chmod(f->directory, 0700);
}

/* A file that cannot grow: the kernel's limit stands for a full disk. */
static int check_full(struct fixture *f)
{
    enum { ROWS = 100, DIMENSIONS = 1000 };
    static float long_vectors[DIMENSIONS] = {1};
    struct vf_row rows[ROWS];
    char ids[ROWS][16];
    struct vf_store *store = NULL;
    struct vf_err err = {0};
    const struct rlimit limit = {64 << 10, 64 << 10};
    signal(SIGXFSZ, SIG_IGN);
    if (vf_store_open(f->url, NULL, 0, &store, &err) ||
        vf_store_write(store, "m", 3, &one_row, 1, &err) || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    for (int i = 0; i < ROWS; i++) {
        snprintf(ids[i], sizeof ids[i], "%d", i + 2);
        rows[i] = (struct vf_row){ids[i], long_vectors, hash, 1, false, false};
    }
    if (vf_store_write(store, "m", DIMENSIONS, rows, ROWS, &err) != VF_ERR_IO)
        return 2;
    vf_store_close(store);
    return 0;
}

static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    vf_store_close(fixture_open_ready(f, NULL));
    pid_t pid = fork();
    if (pid == 0)
        _exit(check_full(f));
    int status = -1;
    assert_true(waitpid(pid, &status, 0) == pid);
    vf_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %d", status);
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "1");
}

/* ---- other programs ---- */

static void test_locked(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_store_info info;
    struct vf_err err;
    vf_store_set_timeout(store, 20);
    fixture_run(f, "INSERT INTO news_articles (article_id, published_at, headline)"
                   " VALUES (1, '2025-01-01', 'h')");
    fixture_run(f, "BEGIN IMMEDIATE");
    int rc = vf_store_write(store, "m", 3, &one_row, 1, &err);
    expect_error(rc, VF_ERR_UNAVAILABLE, &err, "another program", "write");
    rc = vf_store_check(store, 3, true, &info, &err);
    expect_error(rc, VF_ERR_UNAVAILABLE, &err, "another program", "check");
    rc = vf_store_init(store, NULL, NULL, &err);
    expect_error(rc, VF_ERR_UNAVAILABLE, &err, "another program", "init");
    /* Reading goes on. */
    assert_string_equal(read_ids(store, &selection, 1, 100, NULL), "1");
    fixture_run(f, "ROLLBACK");
    expect_ok(vf_store_write(store, "m", 3, &one_row, 1, &err), &err, "write");
    vf_store_close(store);
}

/* Two processes write at once: each waits for the other, and nothing is lost. */
static void test_concurrent_writers(void **state)
{
    enum { WRITERS = 2, BATCHES = 50 };
    struct fixture *f = *state;
    vf_store_close(fixture_open_ready(f, NULL));
    pid_t writers[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        writers[w] = fork();
        if (writers[w] != 0)
            continue;
        struct vf_store *store = NULL;
        struct vf_err err;
        if (vf_store_open(f->url, NULL, 0, &store, &err))
            _exit(1);
        for (int i = 0; i < BATCHES; i++) {
            char id[2][32];
            snprintf(id[0], sizeof id[0], "%d", i);
            snprintf(id[1], sizeof id[1], "%d-%d", w, i);
            const struct vf_row rows[] = {
                {id[0], vector, hash, 1, false, false}, {id[1], vector, hash, 1, false, false}};
            if (vf_store_write(store, "m", 3, rows, 2, &err))
                _exit(2);
        }
        vf_store_close(store);
        _exit(0);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status = -1;
        waitpid(writers[w], &status, 0);
        vf_check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "writer %d: %d", w, status);
    }
    assert_string_equal(fixture_get(f, "SELECT count(*) FROM text_embeddings"), "150");
}

/* ---- sqlite-vec ---- */

static bool load_sqlite_vec(sqlite3 *db)
{
    static const char *const patterns[] = {
        VF_TEST_DATA "/../../build/test-deps/sqlite_vec/vec0.*",
        VF_TEST_DATA "/../../build/test-deps/*/sqlite_vec/vec0.*",
    };
    const char *chosen = getenv("VECFILL_TEST_SQLITE_VEC");
    char path[1000] = "";
    for (size_t i = 0; i < VF_COUNT(patterns) && !*path; i++) {
        glob_t found;
        if (glob(patterns[i], 0, NULL, &found) == 0)
            snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
        globfree(&found);
    }
    if (chosen)
        snprintf(path, sizeof path, "%s", chosen);
    if (!*path)
        return false;
    char *message = NULL;
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, (int *)NULL);
    int result = sqlite3_load_extension(db, path, "sqlite3_vec_init", &message);
    vf_check(result == SQLITE_OK, "%s: %s", path, message ? message : "");
    return true;
}

static void test_sqlite_vec(void **state)
{
    static const float other[] = {0.8f, 0, 0.6f};
    const struct vf_row rows[] = {one_row, {"2", other, hash, 1, false, false}};
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_err err;
    if (!load_sqlite_vec(f->db)) {
        vf_store_close(store);
        print_message("[  SKIPPED ] sqlite-vec is not there\n");
        skip();
    }
    expect_ok(vf_store_write(store, "m", 3, rows, 2, &err), &err, "write");
    assert_string_equal(
        fixture_get(f, "SELECT group_concat(vec_length(vector)) FROM text_embeddings"), "3,3");
    assert_string_equal(
        fixture_get(f, "SELECT vec_to_json(vector) FROM text_embeddings WHERE source_id = '1'"),
        "[0.600000,0.000000,-0.800000]");
    assert_string_equal(
        fixture_get(f, "SELECT group_concat(source_id || ' ' ||"
                       " round(vec_distance_cosine(vector, '[0.6, 0, -0.8]'), 4), '; ')"
                       " FROM text_embeddings"),
        "1 0.0; 2 1.0");
    fixture_run(f, "CREATE VIRTUAL TABLE v USING vec0(embedding float[3]);"
                   "INSERT INTO v (rowid, embedding)"
                   " SELECT CAST(source_id AS INTEGER), vector FROM text_embeddings");
    assert_string_equal(
        fixture_get(f, "SELECT rowid FROM v WHERE embedding MATCH '[1, 0, 1]' AND k = 1"), "2");
    vf_store_close(store);
}

static void test_init_type(void **state)
{
    const struct vf_schema_options options = {.vector_type = "vector"};
    struct vf_store *store = fixture_open(*state, NULL);
    struct vf_err err;
    int rc = vf_store_init(store, &options, NULL, &err);
    expect_error(rc, VF_ERR_CONFIG, &err, "BLOB", "a type of pgvector");
    vf_store_close(store);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_new_database, fixture_drop_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_time_shapes),
        TEST(test_order_of_shapes),
        TEST(test_time_that_is_none),
        TEST(test_odd_texts),
        TEST(test_files_that_fail),
        TEST(test_rights),
        TEST(test_disk_full),
        TEST(test_locked),
        TEST(test_concurrent_writers),
        TEST(test_sqlite_vec),
        TEST(test_init_type),
    };
    return cmocka_run_group_tests_name("SQLite alone", tests, fixture_start_sqlite, fixture_stop);
}
