/* The values of JSON Lines files, one after the other. Blank lines are passed over. */
#ifndef VF_CLI_JSON_LINES_H
#define VF_CLI_JSON_LINES_H

#include "base/error.h"

#include "cli/line_reader.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct vf_json_lines {
    char *const *paths; /* private, as is what follows */
    size_t n_paths, next_path;
    bool is_open;
    struct vf_line_reader lines;
};

/* Begins to read `n` files; "-" and no file at all are standard input. `paths` must outlive the
 * reader. Nothing is opened yet. */
void vf_json_lines_init(struct vf_json_lines *reader, char *const *paths, size_t n);

void vf_json_lines_release(struct vf_json_lines *reader);

/* Reads the next value, which the caller drops with json_decref(). *ret_end tells that there was
 * none. VF_ERR_DATA names file, line and column. */
VF_MUST_CHECK int vf_json_lines_next(
    struct vf_json_lines *reader, json_t **ret, bool *ret_end, struct vf_err *err);

/* Puts "FILE:LINE: " of the value returned last before the message. */
void vf_json_lines_prefix(const struct vf_json_lines *reader, struct vf_err *err);

/* Parses one line of `n` bytes (valid UTF-8). */
VF_MUST_CHECK int vf_json_line_parse(const char *line, size_t n, json_t **ret, struct vf_err *err);

/* The string under `key` of `object`: *ret NULL when it is missing or null. VF_ERR_DATA when it is
 * no string. *ret_n may be NULL; then a NUL within the string is VF_ERR_DATA too. */
VF_MUST_CHECK int vf_json_line_string(
    const json_t *object, const char *key, const char **ret, size_t *ret_n, struct vf_err *err);

/* What a value is, for messages: "an object". */
const char *vf_json_type_name(const json_t *value);

#endif
