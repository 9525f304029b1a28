#include "cli/json_lines.h"

#include "base/json_decode.h"

#include <string.h>

void vf_json_lines_init(struct vf_json_lines *reader, char *const *paths, size_t n)
{
    static char dash[] = "-", *standard_input[] = {dash};
    *reader =
        (struct vf_json_lines){.paths = n > 0 ? paths : standard_input, .n_paths = n > 0 ? n : 1};
}

void vf_json_lines_release(struct vf_json_lines *reader)
{
    if (reader->is_open)
        vf_line_reader_close(&reader->lines);
    *reader = (struct vf_json_lines){0};
}

void vf_json_lines_prefix(const struct vf_json_lines *reader, struct vf_err *err)
{
    vf_err_prefix(err, "%s:%zu", reader->lines.name, reader->lines.line);
}

int vf_json_line_parse(const char *line, size_t n, json_t **ret, struct vf_err *err)
{
    json_error_t error;
    int rc = vf_json_decode(line, n, JSON_DECODE_ANY, ret, &error);
    if (rc == VF_ERR_DATA)
        return vf_fail(err, rc, "not valid JSON: %s at column %d", error.text, error.column);
    return rc ? vf_fail_memory(err, "a line of JSON") : 0;
}

static bool is_blank(const char *line, size_t n)
{
    return strspn(line, " \t\r") == n;
}

int vf_json_lines_next(
    struct vf_json_lines *reader, json_t **ret, bool *ret_end, struct vf_err *err)
{
    for (;;) {
        int rc = 0;
        if (!reader->is_open) {
            *ret_end = reader->next_path == reader->n_paths;
            if (*ret_end)
                return 0;
            rc = vf_line_reader_open(reader->paths[reader->next_path], &reader->lines, err);
            if (rc)
                return rc;
            reader->is_open = true;
            reader->next_path++;
        }
        char *line = NULL;
        size_t n = 0;
        bool at_end = false;
        rc = vf_line_reader_next(&reader->lines, &line, &n, &at_end, err);
        if (rc)
            return rc;
        if (at_end) {
            vf_line_reader_close(&reader->lines);
            reader->is_open = false;
        } else if (!is_blank(line, n)) {
            *ret_end = false;
            rc = vf_json_line_parse(line, n, ret, err);
            if (rc)
                vf_json_lines_prefix(reader, err);
            return rc;
        }
    }
}

const char *vf_json_type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

int vf_json_line_string(
    const json_t *object, const char *key, const char **ret, size_t *ret_n, struct vf_err *err)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) {
        *ret = NULL;
        return 0;
    }
    if (!json_is_string(value))
        return vf_fail(err, VF_ERR_DATA, "\"%s\" is %s where a string or null is expected", key,
            vf_json_type_name(value));
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    if (!ret_n && strlen(text) != n)
        return vf_fail(err, VF_ERR_DATA, "\"%s\" holds U+0000, which no database text can", key);
    *ret = text;
    if (ret_n)
        *ret_n = n;
    return 0;
}
