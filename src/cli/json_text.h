/* JSON beside jansson: written straight into a buffer, for lines that are too many to build as
 * values first; and strings of any bytes. */
#ifndef VF_CLI_JSON_TEXT_H
#define VF_CLI_JSON_TEXT_H

#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* `s` in quotes, escaped where JSON needs it. */
VF_MUST_CHECK int vf_json_text_string(struct vf_buf *out, const char *s, struct vf_err *err);

VF_MUST_CHECK int vf_json_text_integer(struct vf_buf *out, int64_t value, struct vf_err *err);

/* `s` as a value, in which U+FFFD stands for what is no UTF-8; null for NULL. NULL when memory is
 * out. The caller owns it. */
json_t *vf_json_string(const char *s);

/* "[x,y,…]". VF_ERR_INTERNAL when one is not finite. */
VF_MUST_CHECK int vf_json_text_floats(
    struct vf_buf *out, const float *values, size_t n, struct vf_err *err);

/* "id" and "article_id" of `line` as they were, each with its key and a comma behind it: the
 * beginning of an object's members. Nothing when `line` is no object or has neither. */
VF_MUST_CHECK int vf_json_text_ids(struct vf_buf *out, const json_t *line, struct vf_err *err);

/* Prints `value` on one line and drops it. NULL (memory was out) is VF_ERR_NO_MEMORY. */
VF_MUST_CHECK int vf_json_print(json_t *value, FILE *out, struct vf_err *err);

#endif
