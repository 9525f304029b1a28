/* JSON text to a jansson value: strict, and sound when memory runs out.
 *
 * jansson goes on when the buffer of the token that it reads cannot grow: bytes are missing from
 * the value then, or memory behind a string is written. So while a text is decoded here, jansson's
 * memory is watched. For that its allocation functions (json_set_alloc_funcs(), of the whole
 * process) are replaced once, by functions that call the ones that were set before.
 *
 * Thread rule: any thread may decode.
 */
#ifndef VF_BASE_JSON_DECODE_H
#define VF_BASE_JSON_DECODE_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

/* Decodes the `n` bytes at `text`. Keys that come twice are refused, strings may hold U+0000;
 * `flags` are further decoding flags of jansson. The caller owns *ret and drops it with
 * json_decref().
 *
 * Returns VF_ERR_DATA with the reason and the place in *error, which is then the caller's to word,
 * or VF_ERR_NO_MEMORY. */
VF_MUST_CHECK int vf_json_decode(
    const char *text, size_t n, size_t flags, json_t **ret, json_error_t *error);

#endif
