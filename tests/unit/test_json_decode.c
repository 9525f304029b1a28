#include "base/json_decode.h"

#include "harness.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Allocations from `fail_from` on fail, `n_fails` of them; 0 is the first. */
static int n_allocations, fail_from = INT_MAX, n_fails;

static void *failing_malloc(size_t n)
{
    int number = n_allocations++;
    return number >= fail_from && number - fail_from < n_fails ? NULL : malloc(n);
}

/* Texts whose tokens outgrow buffers at different places; the last one is filled in. */
static char long_string[5000];
static const char *const texts[] = {
    "{}",
    "[1, 2.5, -300000000000000000, true, null]",
    "{\"intermediate_size\": 64, \"a key that is longer than the first buffer of a token\": 1}",
    "[\"sixteen letters.\", \"sentence_transformers.models.Transformer\", \"x\"]",
    "[\"\\u00e9\\n\\\"\\ud83d\\ude00 and some more, so that it does not fit\", "
    "\"d\xC3\xA9j\xC3\xA0\"]",
    "{\"a\": {\"b\": {\"c\": [[[[\"0123456789012345678901234567890123456789\"]]]]}}}",
    long_string,
};

static void make_long_string(void)
{
    memset(long_string, 'x', sizeof long_string - 1);
    memcpy(long_string, "[\"", 2);
    memcpy(long_string + sizeof long_string - 3, "\"]", 2);
}

static void decode(const char *text, int from, int n, const json_t *expected)
{
    json_t *value = NULL;
    json_error_t error;
    n_allocations = 0;
    fail_from = from;
    n_fails = n;
    int rc = vf_json_decode(text, strlen(text), 0, &value, &error);
    bool failed = n_allocations > fail_from;
    fail_from = INT_MAX;
    vf_check(rc == (failed ? VF_ERR_NO_MEMORY : 0), "%.40s, allocation %d: %d", text, from, rc);
    vf_check(failed ? !value : json_equal(value, expected), "%.40s, allocation %d", text, from);
    json_decref(value);
}

static void memory_that_runs_out_is_told_and_changes_no_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < VF_COUNT(texts); i++) {
        json_error_t error;
        json_t *expected = NULL;
        n_allocations = 0;
        assert_int_equal(vf_json_decode(texts[i], strlen(texts[i]), 0, &expected, &error), 0);
        int n = n_allocations;
        assert_true(n > 1);
        for (int from = 0; from <= n; from++) {
            decode(texts[i], from, 1, expected);
            decode(texts[i], from, INT_MAX, expected);
        }
        json_decref(expected);
    }
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        int line, column;
    } cases[] = {
        {"nothing", "", 1, 0},
        {"cut short", "{\"a\":\n [1, 2", 2, 6},
        {"key twice", "{\"a\": 1,\n\"b\": 2, \"a\": 3}", 2, 11},
        {"invalid UTF-8", "[\"\xFF\"]", 1, 2},
        {"cut character", "[\"\xC3", 1, 2},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        json_t *value = NULL;
        json_error_t error = {0};
        int rc = vf_json_decode(cases[i].text, strlen(cases[i].text), 0, &value, &error);
        vf_check(rc == VF_ERR_DATA && !value, "%s: %d", cases[i].name, rc);
        vf_check(error.line == cases[i].line && error.column == cases[i].column,
            "%s: line %d, column %d", cases[i].name, error.line, error.column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out_is_told_and_changes_no_value),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
    };
    make_long_string();
    json_set_alloc_funcs(failing_malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
