#include "tokenizer/json_table.h"

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE "{\"version\": \"1.0\", \"model\": {\"type\": \"X\", \"vocab\": "
#define BEHIND ", \"merges\": [\"a b\", [\"c\", \"d\"]]}, \"normalizer\": {\"model\": 1}}"

/* Reads an array of strings and numbers; what it held comes back as JSON. */
static int read_array(const char *array, json_t **ret, struct vf_err *err)
{
    char *text = malloc(strlen(BEFORE) + strlen(array) + strlen(BEHIND) + 1);
    struct vf_model_tables tables = {0};
    json_t *root = NULL, *made = json_array();
    bool more = true, is_integer;
    int rc;
    assert_true(text && made);
    sprintf(text, "%s%s%s", BEFORE, array, BEHIND);
    VF_TRY(vf_json_cut(text, strlen(text), "file", &tables, &root, err));
    assert_true(json_is_null(json_object_get(json_object_get(root, "model"), "vocab")));
    while (more) {
        const char *string;
        size_t n;
        double number;
        VF_TRY(vf_json_table_next(&tables.vocab, '[', &more, err));
        if (more && vf_json_table_is(&tables.vocab, '"')) {
            VF_TRY(vf_json_table_string(&tables.vocab, &string, &n, err));
            assert_int_equal(strlen(string), n);
            json_array_append_new(made, json_stringn(string, n));
        } else if (more) {
            VF_TRY(vf_json_table_number(&tables.vocab, &number, &is_integer, err));
            json_array_append_new(
                made, is_integer ? json_integer((json_int_t)number) : json_real(number));
        }
    }
    VF_TRY(vf_json_table_end(&tables.vocab, err));
    *ret = made;
    made = NULL;
out:
    json_decref(made);
    json_decref(root);
    vf_model_tables_release(&tables);
    free(text);
    return rc;
}

/* Strings and numbers are read and refused as the parser of JSON does it. */
static void test_as_the_parser(void **state)
{
    static const char *const arrays[] = {"[]", " [ ] ", "[\"\"]", "[\"a\", \"b\"]", "[1,2 , 3]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\u00e9\\u4e2d\\uD83D\\uDE00x\"]", "[\"\xC3\xA9\"]",
        "[0, -0, 10, -1, 123456789012]", "[0.5, -1.25e2, 1E+3, 2e-3, -10.123456789012345]",
        "[\"a]\", \"{\", \"\\\"]\"]", "[1", "[1,]", "[,1]", "[1 2]", "[1]]", "[\"a]", "[\"\\x\"]",
        "[\"\\u12g4\"]", "[\"\\uD83D\"]", "[\"\\uDE00\"]", "[\"\\uD83D\\u0041\"]", "[\"a\nb\"]",
        "[01]", "[1.]", "[.5]", "[1e]", "[-]", "[+1]", "[0x1]", "[1]x", "[nan]", "[\"\xFF\"]",
        "[\"\\u00\"]", "[\"\\", "[\"\\u"};
    (void)state;
    for (size_t i = 0; i < VF_COUNT(arrays); i++) {
        json_error_t error;
        struct vf_err err = {0};
        json_t *found = NULL;
        json_t *expected = json_loads(arrays[i], JSON_ALLOW_NUL, &error);
        int rc = read_array(arrays[i], &found, &err);
        vf_check(rc == (expected ? 0 : VF_ERR_DATA), "%s: %d %s", arrays[i], rc, err.msg);
        vf_check(json_equal(found, expected) || !expected, "%s", arrays[i]);
        json_decref(found);
        json_decref(expected);
    }
}

/* A NUL in a string is refused, for tokens end with one. */
static void test_nul(void **state)
{
    json_t *found = NULL;
    (void)state;
    assert_int_equal(read_array("[\"\\u0000\"]", &found, NULL), VF_ERR_DATA);
}

/* What is wrong elsewhere is told with its place in the whole file. */
static void test_places_in_messages(void **state)
{
    static const struct {
        const char *text, *in_message;
    } cases[] = {
        {"{\"model\": {\"vocab\": [\n\n\n]},\n x}", "line 5"},
        {"{\"model\": {\"vocab\": [], \"vocab\": []}}", "duplicate"},
        {"{\"model\": {}, \"model\": {}}", "duplicate"},
        {"{\"model\": {\"vocab\": [}", "not valid JSON"},
        {"{\"model\"", "not valid JSON"},
        {"{\"model\": {\"vocab\"", "not valid JSON"},
        {"", "not valid JSON"},
        {"{\"a\": \"\xFF\"}", "not valid JSON"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_model_tables tables = {0};
        json_t *root = NULL;
        struct vf_err err = {0};
        char *text = strdup(cases[i].text);
        assert_non_null(text);
        int rc = vf_json_cut(text, strlen(text), "file", &tables, &root, &err);
        vf_check(rc == VF_ERR_DATA && !root, "%s: %d", cases[i].text, rc);
        vf_check(strstr(err.msg, cases[i].in_message), "%s: %s", cases[i].text, err.msg);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_the_parser),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_places_in_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
