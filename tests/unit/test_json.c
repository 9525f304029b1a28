#include "base/json.h"

#include "harness.h"
#include "unit/scratch.h"

#include <stdlib.h>
#include <string.h>

static void broken_json_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *message; /* a part of it; NULL: accepted */
    } cases[] = {
        {"object", "{}", NULL},
        {"array", "[1, 2]", NULL},
        {"nothing", "", "line 1"},
        {"only a number", "1", "line 1"},
        {"cut short", "{\"a\": 1", "line 1"},
        {"trailing comma", "{\"a\": 1,}", "line 1"},
        {"text after the end", "{}\n{}", "line 2"},
        {"key twice", "{\"a\": 1, \"a\": 2}", "duplicate"},
        {"single quotes", "{'a': 1}", "line 1"},
        {"comment", "{} // x", "line 1"},
        {"NaN", "{\"a\": NaN}", "line 1"},
        {"invalid UTF-8", "{\"a\": \"\xFF\"}", "line 1"},
        {"integer over 64 bits", "{\"a\": 99999999999999999999}", "line 1"},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        json_t *root = NULL;
        struct vf_err err = {0};
        int rc = vf_json_parse(cases[i].text, strlen(cases[i].text), "x.json", &root, &err);
        vf_check(rc == (cases[i].message ? VF_ERR_DATA : 0), "%s: %d", cases[i].name, rc);
        vf_check((root != NULL) == (rc == 0), "%s: output", cases[i].name);
        if (cases[i].message)
            vf_check(strstr(err.msg, "x.json") && strstr(err.msg, cases[i].message), "%s: \"%s\"",
                cases[i].name, err.msg);
        json_decref(root);
    }
}

static void deep_nesting_does_not_exhaust_the_stack(void **state)
{
    (void)state;
    enum { DEPTH = 1000000 };
    char *text = malloc(DEPTH);
    assert_non_null(text);
    memset(text, '[', DEPTH);
    json_t *root = NULL;
    assert_int_equal(vf_json_parse(text, DEPTH, "deep.json", &root, NULL), VF_ERR_DATA);
    assert_null(root);
    free(text);
}

static const char document[] = "{\"yes\": true, \"no\": false, \"zero\": 0, \"ten\": 10, "
                               "\"minus\": -1, \"most\": 9223372036854775807, \"half\": 0.5, "
                               "\"whole\": 2.0, \"text\": \"abc\", \"empty\": \"\", "
                               "\"hidden\": \"a\\u0000b\", \"null\": null, \"list\": [], "
                               "\"object\": {}}";

/* One row per getter and kind of value: what it gives, or where it refuses. */
static void getters_take_only_their_type(void **state)
{
    (void)state;
    enum { BAD = VF_ERR_DATA };
    static const struct {
        const char *key;
        int bool_rc, size_rc, number_rc, string_rc;
        bool b;           /* fallback true */
        size_t size;      /* fallback 7, at most 10 */
        double number;    /* fallback 7.5 */
        const char *text; /* fallback "default" */
    } cases[] = {
        {"missing", 0, 0, 0, 0, true, 7, 7.5, "default"},
        {"null", 0, 0, 0, 0, true, 7, 7.5, "default"},
        {"yes", 0, BAD, BAD, BAD, true, 0, 0, NULL},
        {"no", 0, BAD, BAD, BAD, false, 0, 0, NULL},
        {"zero", BAD, 0, 0, BAD, false, 0, 0.0, NULL},
        {"ten", BAD, 0, 0, BAD, false, 10, 10.0, NULL},
        {"minus", BAD, BAD, 0, BAD, false, 0, -1.0, NULL},
        {"most", BAD, BAD, 0, BAD, false, 0, 9223372036854775807.0, NULL},
        {"half", BAD, BAD, 0, BAD, false, 0, 0.5, NULL},
        {"whole", BAD, BAD, 0, BAD, false, 0, 2.0, NULL},
        {"text", BAD, BAD, BAD, 0, false, 0, 0, "abc"},
        {"empty", BAD, BAD, BAD, 0, false, 0, 0, ""},
        {"hidden", BAD, BAD, BAD, BAD, false, 0, 0, NULL},
        {"list", BAD, BAD, BAD, BAD, false, 0, 0, NULL},
        {"object", BAD, BAD, BAD, BAD, false, 0, 0, NULL},
    };
    json_t *root = NULL;
    assert_int_equal(vf_json_parse(document, strlen(document), "doc.json", &root, NULL), 0);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const char *key = cases[i].key, *where = "doc.json";
        struct vf_err errs[4] = {0};
        bool b = false;
        size_t size = 99;
        double number = 99;
        const char *text = "untouched";
        int bool_rc = vf_json_get_bool(root, key, where, true, &b, &errs[0]);
        int size_rc = vf_json_get_size(root, key, where, 7, 10, &size, &errs[1]);
        int number_rc = vf_json_get_number(root, key, where, 7.5, &number, &errs[2]);
        int string_rc = vf_json_get_string(root, key, where, "default", &text, &errs[3]);
        const int got[] = {bool_rc, size_rc, number_rc, string_rc};
        const int want[] = {
            cases[i].bool_rc, cases[i].size_rc, cases[i].number_rc, cases[i].string_rc};
        for (size_t g = 0; g < VF_COUNT(got); g++) {
            vf_check(got[g] == want[g], "%s: getter %zu gave %d", key, g, got[g]);
            vf_check((errs[g].msg[0] != '\0') == (got[g] != 0), "%s: getter %zu", key, g);
            if (got[g] != 0)
                vf_check(strstr(errs[g].msg, key) && strstr(errs[g].msg, where), "%s: \"%s\"", key,
                    errs[g].msg);
        }
        vf_check(b == (bool_rc == 0 && cases[i].b), "%s: %d", key, b);
        vf_check(size == (size_rc == 0 ? cases[i].size : 99), "%s: %zu", key, size);
        vf_check(number == (number_rc == 0 ? cases[i].number : 99), "%s: %g", key, number);
        vf_check(strcmp(text, string_rc == 0 ? cases[i].text : "untouched") == 0, "%s: \"%s\"", key,
            text);
    }
    json_decref(root);
}

static void files_are_loaded_up_to_a_limit(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    scratch_write(&scratch, "x.json", "{\"a\": 1}", 8);
    scratch_write(&scratch, "empty.json", "", 0);
    json_t *root = NULL;
    struct vf_err err;
    assert_int_equal(vf_json_load(scratch_path(&scratch, "x.json"), 7, &root, &err), VF_ERR_DATA);
    assert_int_equal(
        vf_json_load(scratch_path(&scratch, "empty.json"), 7, &root, &err), VF_ERR_DATA);
    assert_non_null(strstr(err.msg, "empty.json"));
    assert_int_equal(
        vf_json_load(scratch_path(&scratch, "none.json"), 7, &root, &err), VF_ERR_NOT_FOUND);
    assert_null(root);
    assert_int_equal(vf_json_load(scratch_path(&scratch, "x.json"), 8, &root, &err), 0);
    assert_true(json_is_object(root));
    json_decref(root);
    scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_json_is_refused),
        cmocka_unit_test(deep_nesting_does_not_exhaust_the_stack),
        cmocka_unit_test(getters_take_only_their_type),
        cmocka_unit_test(files_are_loaded_up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
