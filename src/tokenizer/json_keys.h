/* What every part of tokenizer.json is checked with before it is read.
 *
 * `where` names file and place ("…/tokenizer.json: normalizer") and begins every message.
 */
#ifndef VF_TOKENIZER_JSON_KEYS_H
#define VF_TOKENIZER_JSON_KEYS_H

#include "base/json.h"

/* Bytes for a `where`; a longer one is cut, which only a message suffers from. */
#define VF_WHERE_BYTES 400

/* VF_ERR_DATA unless `value` is an object with all keys of `required` and no others than those of
 * `required` and `optional`. Both lists end with NULL. */
VF_MUST_CHECK int vf_tokenizer_check_keys(const json_t *value, const char *where,
    const char *const *required, const char *const *optional, struct vf_err *err);

/* Reads a step that has no option beside its "type", and no state: *ret is NULL. */
VF_MUST_CHECK int vf_tokenizer_read_nothing(
    const json_t *json, const char *where, void **ret, struct vf_err *err);

/* VF_ERR_DATA unless `value` is an integer in [0, VF_VOCAB_MAX_ID]; `token` is for the message. */
VF_MUST_CHECK int vf_tokenizer_get_id(
    const json_t *value, const char *token, const char *where, int32_t *ret, struct vf_err *err);

/* The same for a number that was read already. */
VF_MUST_CHECK int vf_tokenizer_check_id(double value, bool is_integer, const char *token,
    const char *where, int32_t *ret, struct vf_err *err);

/* VF_ERR_DATA that `kind` under "type" is none that vecfill knows, with a hint of those it does. */
int vf_tokenizer_fail_kind(const char *kind, const char *where, struct vf_err *err);

#endif
