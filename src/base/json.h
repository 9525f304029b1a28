/* JSON files of a model, read with jansson: strict, duplicate keys refused, and every error names
 * the file and the key.
 *
 * A getter takes the object, the key and a `where` for messages (the file's name). A key that is
 * missing or null gives the default, a value of another type is VF_ERR_DATA.
 */
#ifndef VF_BASE_JSON_H
#define VF_BASE_JSON_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Parses the file at `path`, at most `max_bytes` long, whose top must be an object or an array.
 * The caller owns *ret and drops it with json_decref(). */
VF_MUST_CHECK int vf_json_load(
    const char *path, size_t max_bytes, json_t **ret, struct vf_err *err);

/* The same with every number read as a real one, for files whose integers may not fit in 64 bits.
 */
VF_MUST_CHECK int vf_json_load_reals(
    const char *path, size_t max_bytes, json_t **ret, struct vf_err *err);

/* The same for `n` bytes in memory; `where` names them in messages. */
VF_MUST_CHECK int vf_json_parse(
    const char *text, size_t n, const char *where, json_t **ret, struct vf_err *err);

VF_MUST_CHECK int vf_json_get_bool(const json_t *object, const char *key, const char *where,
    bool fallback, bool *ret, struct vf_err *err);

/* An integer in [0, max]. */
VF_MUST_CHECK int vf_json_get_size(const json_t *object, const char *key, const char *where,
    size_t fallback, size_t max, size_t *ret, struct vf_err *err);

VF_MUST_CHECK int vf_json_get_number(const json_t *object, const char *key, const char *where,
    double fallback, double *ret, struct vf_err *err);

/* A borrowed string that lives as long as `object`. One with a NUL inside is VF_ERR_DATA. */
VF_MUST_CHECK int vf_json_get_string(const json_t *object, const char *key, const char *where,
    const char *fallback, const char **ret, struct vf_err *err);

#endif
