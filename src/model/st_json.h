/* Opening the small files of sentence-transformers. */
#ifndef VF_MODEL_ST_JSON_H
#define VF_MODEL_ST_JSON_H

#include "base/json.h"

/* The file at `path`, whose top must be of `type`; the caller drops *ret. */
VF_MUST_CHECK int vf_st_load(const char *path, json_type type, json_t **ret, struct vf_err *err);

/* DIRECTORY/NAME, which may be absent: *ret is NULL then. *ret_path names it in messages; both are
 * the caller's on success. */
VF_MUST_CHECK int vf_st_load_optional(const char *directory, const char *name, json_type type,
    char **ret_path, json_t **ret, struct vf_err *err);

/* VF_ERR_DATA when the string under `key` is another than `known`, which a missing one means. */
VF_MUST_CHECK int vf_st_expect(
    const json_t *json, const char *key, const char *path, const char *known, struct vf_err *err);

#endif
