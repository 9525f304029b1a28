#include "base/json.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/json_decode.h"

#include <string.h>

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a real number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

static int fail_type(
    const json_t *value, const char *key, const char *where, const char *wanted, struct vf_err *err)
{
    return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is %s where %s is expected", where, key,
        type_name(value), wanted);
}

/* The value under `key`, or NULL when it is missing or null. */
static json_t *lookup(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

static int parse(
    const char *text, size_t n, size_t flags, const char *where, json_t **ret, struct vf_err *err)
{
    json_error_t error;
    int rc = vf_json_decode(text, n, flags, ret, &error);
    if (rc == VF_ERR_DATA)
        return vf_fail(err, rc, "%s: not valid JSON: %s at line %d, column %d", where, error.text,
            error.line, error.column);
    return rc ? vf_fail_memory(err, where) : 0;
}

static int load(const char *path, size_t max_bytes, size_t flags, json_t **ret, struct vf_err *err)
{
    struct vf_buf text = {0};
    int rc = vf_read_file(path, max_bytes, &text, err);
    if (rc == 0)
        rc = parse(text.data, text.size, flags, path, ret, err);
    vf_buf_release(&text);
    return rc;
}

int vf_json_parse(const char *text, size_t n, const char *where, json_t **ret, struct vf_err *err)
{
    return parse(text, n, 0, where, ret, err);
}

int vf_json_load(const char *path, size_t max_bytes, json_t **ret, struct vf_err *err)
{
    return load(path, max_bytes, 0, ret, err);
}

int vf_json_load_reals(const char *path, size_t max_bytes, json_t **ret, struct vf_err *err)
{
    return load(path, max_bytes, JSON_DECODE_INT_AS_REAL, ret, err);
}

int vf_json_get_bool(const json_t *object, const char *key, const char *where, bool fallback,
    bool *ret, struct vf_err *err)
{
    const json_t *value = lookup(object, key);
    if (value && !json_is_boolean(value))
        return fail_type(value, key, where, "a boolean", err);
    *ret = value ? json_is_true(value) : fallback;
    return 0;
}

int vf_json_get_size(const json_t *object, const char *key, const char *where, size_t fallback,
    size_t max, size_t *ret, struct vf_err *err)
{
    const json_t *value = lookup(object, key);
    if (value && !json_is_integer(value))
        return fail_type(value, key, where, "an integer", err);
    if (value && (json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max))
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is %lld, outside of 0 to %zu", where, key,
            (long long)json_integer_value(value), max);
    *ret = value ? (size_t)json_integer_value(value) : fallback;
    return 0;
}

int vf_json_get_number(const json_t *object, const char *key, const char *where, double fallback,
    double *ret, struct vf_err *err)
{
    const json_t *value = lookup(object, key);
    if (value && !json_is_number(value))
        return fail_type(value, key, where, "a number", err);
    *ret = value ? json_number_value(value) : fallback;
    return 0;
}

int vf_json_get_string(const json_t *object, const char *key, const char *where,
    const char *fallback, const char **ret, struct vf_err *err)
{
    const json_t *value = lookup(object, key);
    if (value && !json_is_string(value))
        return fail_type(value, key, where, "a string", err);
    if (value && memchr(json_string_value(value), '\0', json_string_length(value)))
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" contains a NUL character", where, key);
    *ret = value ? json_string_value(value) : fallback;
    return 0;
}
