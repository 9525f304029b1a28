#include "support/tokenizer_file.h"

#include "harness.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The member of `parent` that `path` ("a.b.0") ends with is replaced by `value`, or deleted when
 * that is NULL. */
static void edit(json_t *parent, const char *path, json_t *value)
{
    char key[64];
    size_t n = strcspn(path, ".");
    assert_true(n < sizeof key);
    memcpy(key, path, n);
    key[n] = '\0';
    if (path[n]) {
        json_t *child = json_is_array(parent) ? json_array_get(parent, strtoul(key, NULL, 10))
                                              : json_object_get(parent, key);
        assert_non_null(child);
        edit(child, path + n + 1, value);
    } else if (json_is_array(parent)) {
        assert_int_equal(json_array_set_new(parent, strtoul(key, NULL, 10), value), 0);
    } else if (value) {
        assert_int_equal(json_object_set_new(parent, key, value), 0);
    } else {
        assert_int_equal(json_object_del(parent, key), 0);
    }
}

static void write_changed(
    const struct scratch *scratch, const char *from, const char *path, const char *json)
{
    json_error_t error;
    json_t *root = json_load_file(from, 0, &error);
    vf_check(root, "%s", error.text);
    if (path) {
        json_t *value = json ? json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error) : NULL;
        vf_check(value || !json, "%s: %s: %s", path, json, error.text);
        edit(root, path, value);
    }
    char *text = json_dumps(root, 0);
    assert_non_null(text);
    scratch_write(scratch, "tokenizer.json", text, strlen(text));
    free(text);
    json_decref(root);
}

void tokenizer_file_write(const struct scratch *scratch, const char *path, const char *json)
{
    write_changed(scratch, VF_TEST_DATA "/../support/tokenizer_file.json", path, json);
}

void tokenizer_file_write_kind(
    const struct scratch *scratch, const char *kind, const char *path, const char *json)
{
    char from[512];
    int n = snprintf(
        from, sizeof from, "%s/../parity/tokenizers/%s/tokenizer.json", VF_TEST_DATA, kind);
    assert_true(n > 0 && (size_t)n < sizeof from);
    write_changed(scratch, from, path, json);
}
