#include "base/error.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>

static void messages_are_printable(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *printed;
    } cases[] = {
        {"plain", "cannot open x", "cannot open x"},
        {"one line", "a\nb\r\nc\td", "a b  c d"},
        {"trailing line break", "relation does not exist\n", "relation does not exist"},
        {"escape sequence", "\x1B[31mred", " [31mred"},
        {"delete",
            "a\x7F"
            "b",
            "a b"},
        {"C1 control (CSI)",
            "a\xC2\x9B"
            "31mb",
            "a 31mb"},
        {"valid UTF-8", "Zürich 東京 🙂", "Zürich 東京 🙂"},
        {"replacement character itself", "\xEF\xBF\xBD", "\xEF\xBF\xBD"},
        {"Latin-1", "Z\xFCrich", "Z?rich"},
        {"overlong slash", "\xC0\xAF", "??"},
        {"overlong in three bytes", "\xE0\x80\xAF", "???"},
        {"surrogate", "\xED\xA0\x80", "???"},
        {"over U+10FFFF", "\xF4\x90\x80\x80", "????"},
        {"cut short", "a\xE6\x9D", "a?"},
        {"only controls", "\x01\x02", ""},
        {"empty", "", ""},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err;
        vf_fail(&err, VF_ERR_DATA, "%s", cases[i].text);
        vf_check(
            strcmp(err.msg, cases[i].printed) == 0, "%s: message \"%s\"", cases[i].name, err.msg);
        vf_hint(&err, "%s", cases[i].text);
        vf_check(
            strcmp(err.hint, cases[i].printed) == 0, "%s: hint \"%s\"", cases[i].name, err.hint);
    }
}

static void fail_sets_everything(void **state)
{
    (void)state;
    struct vf_err err = {.hint = "old"};
    assert_int_equal(vf_fail(&err, VF_ERR_IO, "%s: %d", "disk", 5), VF_ERR_IO);
    assert_int_equal(err.code, VF_ERR_IO);
    assert_string_equal(err.msg, "disk: 5");
    assert_string_equal(err.hint, "");
}

static void prefix_goes_before_the_message(void **state)
{
    (void)state;
    struct vf_err err;
    vf_fail(&err, VF_ERR_DATA, "no weights");
    vf_hint(&err, "fetch it again");
    vf_err_prefix(&err, "model %s", "x");
    assert_string_equal(err.msg, "model x: no weights");
    assert_string_equal(err.hint, "fetch it again");
    assert_int_equal(err.code, VF_ERR_DATA);
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    char text[4096];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    struct vf_err err;
    vf_fail(&err, VF_ERR_DATA, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    vf_hint(&err, "%s", text);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    vf_err_prefix(&err, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);

    /* A cut within a character leaves no half of it. */
    vf_fail(&err, VF_ERR_DATA, "%.*s東京", (int)sizeof err.msg - 3, text);
    assert_string_equal(err.msg + sizeof err.msg - 4, "a?");
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_int_equal(vf_fail(NULL, VF_ERR_USAGE, "x"), VF_ERR_USAGE);
    assert_int_equal(vf_fail_memory(NULL, "x"), VF_ERR_NO_MEMORY);
    vf_hint(NULL, "x");
    vf_err_prefix(NULL, "x");
}

static void memory_names_its_use(void **state)
{
    (void)state;
    struct vf_err err;
    assert_int_equal(vf_fail_memory(&err, "the vocabulary"), VF_ERR_NO_MEMORY);
    assert_int_equal(err.code, VF_ERR_NO_MEMORY);
    assert_string_equal(err.msg, "out of memory for the vocabulary");
    assert_string_not_equal(err.hint, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_printable),
        cmocka_unit_test(fail_sets_everything),
        cmocka_unit_test(prefix_goes_before_the_message),
        cmocka_unit_test(long_messages_are_cut),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(memory_names_its_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
