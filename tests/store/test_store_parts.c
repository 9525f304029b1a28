/* Times, names and statements: what both databases share. */
#include "harness.h"

#include "store/file_claims.h"
#include "store/sql_text.h"
#include "store/timestamps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_timestamps(void **state)
{
    static const struct {
        const char *text, *formatted; /* NULL: not a time */
    } cases[] = {
        {"1970-01-01", "1970-01-01T00:00:00Z"},
        {"2025-01-31T08:15:00Z", "2025-01-31T08:15:00Z"},
        {"2025-01-31 08:15:00", "2025-01-31T08:15:00Z"},
        {"2025-01-31t08:15z", "2025-01-31T08:15:00Z"},
        {"2025-01-31T08:15:00.5Z", "2025-01-31T08:15:00.500000Z"},
        {"2025-01-31T08:15:00.1234567891Z", "2025-01-31T08:15:00.123456Z"},
        {"2025-01-31T08:15:00+02:00", "2025-01-31T06:15:00Z"},
        {"2025-01-31T08:15:00 -0530", "2025-01-31T13:45:00Z"},
        {"2025-01-31T23:15:00-01", "2025-02-01T00:15:00Z"},
        {"2024-12-31T23:59:60Z", "2025-01-01T00:00:00Z"},
        {"2024-02-29", "2024-02-29T00:00:00Z"},
        {"2000-02-29", "2000-02-29T00:00:00Z"},
        {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
        {"0001-01-01", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
        {"1900-02-29", NULL},
        {"2025-02-29", NULL},
        {"2025-02-30", NULL},
        {"2025-00-10", NULL},
        {"2025-13-10", NULL},
        {"2025-01-00", NULL},
        {"2025-04-31", NULL},
        {"0000-01-01", NULL},
        {"2025-1-1", NULL},
        {"20250131", NULL},
        {"2025-01-31T", NULL},
        {"2025-01-31T24:00:00", NULL},
        {"2025-01-31T08:60:00", NULL},
        {"2025-01-31T08:15:61", NULL},
        {"2025-01-31T08:15:", NULL},
        {"2025-01-31T08:15:00.", NULL},
        {"2025-01-31T08:15:00+", NULL},
        {"2025-01-31T08:15:00+2", NULL},
        {"2025-01-31T08:15:00+02:", NULL},
        {"2025-01-31T08:15:00+02:60", NULL},
        {"2025-01-31T08:15:00Zx", NULL},
        {"2025-01-31x", NULL},
        {" 2025-01-31", NULL},
        {"", NULL},
        {"-2025-01-31", NULL},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char text[VF_TIMESTAMP_CHARS];
        int64_t us = 42;
        bool ok = vf_timestamp_parse(cases[i].text, strlen(cases[i].text), &us);
        vf_check(ok == (cases[i].formatted != NULL), "%s", cases[i].text);
        if (!ok)
            continue;
        vf_timestamp_format(us, text);
        vf_check(strcmp(text, cases[i].formatted) == 0, "%s: %s", cases[i].text, text);
    }
}

/* Every day of eight centuries, there and back. */
static void test_calendar(void **state)
{
    const int64_t day_us = 86400 * VF_US_PER_SECOND;
    (void)state;
    for (int64_t day = -146097; day <= 146097; day++) {
        char text[VF_TIMESTAMP_CHARS];
        int64_t us;
        vf_timestamp_format(day * day_us, text);
        vf_check(vf_timestamp_parse(text, strlen(text), &us) && us == day * day_us,
            "day %" PRId64 ": %s", day, text);
    }
}

static void test_extreme_instants(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {INT64_MIN, "-infinity"},
        {INT64_MIN + 1, "-290308-12-21T19:59:05.224193Z"},
        {INT64_MAX - 1, "294247-01-10T04:00:54.775806Z"},
        {INT64_MAX, "infinity"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char text[VF_TIMESTAMP_CHARS];
        vf_timestamp_format(cases[i].us, text);
        vf_check(strcmp(text, cases[i].text) == 0, "%s: %s", cases[i].text, text);
    }
}

static void test_split_table(void **state)
{
    static const struct {
        const char *name, *schema, *table; /* table NULL: refused */
    } cases[] = {
        {"news", NULL, "news"},
        {"feed.news", "feed", "news"},
        {"\"a.b\"", NULL, "a.b"},
        {"\"a.b\".\"c.d\"", "a.b", "c.d"},
        {"a.\"b\"\"c\"", "a", "b\"c"},
        {"weird \"name", NULL, "weird \"name"},
        {"with space.and \"quote", "with space", "and \"quote"},
        {"", NULL, NULL},
        {".", NULL, NULL},
        {"a.", NULL, NULL},
        {".a", NULL, NULL},
        {"a.b.c", NULL, NULL},
        {"\"a", NULL, NULL},
        {"\"a\"b", NULL, NULL},
        {"\"\"", NULL, NULL},
        {"\"a\"\"", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char *schema = NULL, *table = NULL;
        struct vf_err err;
        int rc = vf_sql_split_table(cases[i].name, &schema, &table, &err);
        vf_check((rc == 0) == (cases[i].table != NULL), "%s", cases[i].name);
        if (rc == 0) {
            vf_check(strcmp(table, cases[i].table) == 0, "%s: %s", cases[i].name, table);
            vf_check(
                !schema == !cases[i].schema && (!schema || strcmp(schema, cases[i].schema) == 0),
                "%s", cases[i].name);
        } else {
            vf_check(rc == VF_ERR_USAGE && !schema && !table, "%s: %d", cases[i].name, rc);
        }
        free(schema);
        free(table);
    }
}

static void test_expand(void **state)
{
    static const struct vf_sql_word words[] = {{"a", "{b}"}, {"ab", "x"}, {"none", NULL}};
    static const struct {
        const char *text, *sql; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"SELECT 1", "SELECT 1"},
        {"{a} {ab}{a}", "{b} x{b}"},
        {"{b}", NULL},
        {"{none}", NULL},
        {"{a", "{b}"},
        {"{", NULL},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_buf sql = {0};
        struct vf_err err;
        int rc = vf_sql_expand(&sql, cases[i].text, words, VF_COUNT(words), &err);
        vf_check((rc == 0) == (cases[i].sql != NULL), "'%s'", cases[i].text);
        if (rc == 0)
            vf_check(strcmp(sql.data, cases[i].sql) == 0, "'%s': '%s'", cases[i].text, sql.data);
        else
            assert_int_equal(rc, VF_ERR_INTERNAL);
        vf_buf_release(&sql);
    }
}

static void test_quote(void **state)
{
    struct vf_buf sql = {0};
    struct vf_err err;
    (void)state;
    assert_int_equal(vf_sql_quote(&sql, "a\"b\"", &err), 0);
    assert_string_equal(sql.data, "\"a\"\"b\"\"\"");
    vf_buf_release(&sql);
}

/* Claims 1 in a process of its own, tells so with a byte, and holds it until
 * the writing end of `held` is closed. */
static pid_t claim_elsewhere(const char *path, const int told[2], const int held[2])
{
    pid_t child = fork();
    if (child != 0)
        return child;
    static struct vf_file_claims claims;
    char byte = '0';
    close(held[1]);
    if (vf_file_claims_init(&claims, path, NULL) == 0 && vf_file_claims_take(&claims, 1))
        byte = '1';
    if (write(told[1], &byte, 1) == 1)
        while (read(held[0], &byte, 1) > 0)
            ;
    _exit(0); /* as if it had been killed */
}

static void test_file_claims(void **state)
{
    (void)state;
    static struct vf_file_claims claims;
    struct vf_err err;
    char directory[] = "/tmp/vecfill-claims-XXXXXX", path[64], name[80], byte = 0;
    int told[2], held[2];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/db", directory);
    snprintf(name, sizeof name, "%s-claims", path);
    assert_int_equal(pipe(told) | pipe(held), 0);
    pid_t child = claim_elsewhere(path, told, held);
    assert_true(child > 0);
    close(held[0]);
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(byte, '1');

    assert_int_equal(vf_file_claims_init(&claims, path, &err), 0);
    assert_false(vf_file_claims_take(&claims, 1));
    assert_true(vf_file_claims_take(&claims, 2));
    assert_true(vf_file_claims_take(&claims, INT64_MIN));
    assert_true(vf_file_claims_take(&claims, -1));
    close(held[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(access(name, F_OK), 0);
    assert_true(vf_file_claims_take(&claims, 1));
    for (int64_t key = 3; key < 3 + 2 * VF_MAX_CLAIMS; key++)
        assert_true(vf_file_claims_take(&claims, key));
    vf_file_claims_close(&claims);
    assert_int_equal(access(name, F_OK), -1);

    /* Where no file can be made, everything is to be had. */
    snprintf(path, sizeof path, "%s/nowhere/db", directory);
    assert_int_equal(vf_file_claims_init(&claims, path, &err), 0);
    assert_true(vf_file_claims_take(&claims, 1));
    vf_file_claims_close(&claims);
    close(told[0]);
    close(told[1]);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_extreme_instants),
        cmocka_unit_test(test_split_table),
        cmocka_unit_test(test_expand),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_file_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
