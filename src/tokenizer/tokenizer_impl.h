/* The inside of a tokenizer, for the files of this room that make and use it.
 *
 * Text passes through it in this order: added tokens are cut out of it (`raw`); what is left is
 * normalised and split into words (`table`); in between, when the file asks for added tokens in
 * normal text (`normal`), the normal text is written down, searched, and split without being
 * normalised again (`plain`); the model makes ids of words; `specials` go around all of them.
 */
#ifndef VF_TOKENIZER_TOKENIZER_IMPL_H
#define VF_TOKENIZER_TOKENIZER_IMPL_H

#include "tokenizer/added_tokens.h"
#include "tokenizer/char_table.h"
#include "tokenizer/template_processor.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/wordpiece.h"

struct vf_tokenizer {
    struct vf_wordpiece model;
    struct vf_vocab added; /* the added tokens that the model's vocabulary lacks */
    struct vf_added_set raw;
    struct vf_added_set normal;
    struct vf_char_table table;
    struct vf_char_table plain; /* empty when `normal` is */
    struct vf_template specials;
};

/* The id of a token of the model or an added one, or -1. */
int32_t vf_tokenizer_find(const struct vf_tokenizer *tokenizer, const char *token);

/* Fills the zeroed `tokenizer` from the file at `path`. On failure it is half made, and still for
 * the caller to release. */
VF_MUST_CHECK int vf_tokenizer_read(
    const char *path, struct vf_tokenizer *tokenizer, struct vf_err *err);

/* The same from what the file holds; `path` is for messages. */
VF_MUST_CHECK int vf_tokenizer_build(
    const json_t *root, const char *path, struct vf_tokenizer *tokenizer, struct vf_err *err);

/* Reads the array "added_tokens" into `added`, `raw` and `normal`; model and table are there. */
VF_MUST_CHECK int vf_added_tokens_read(
    const json_t *json, const char *where, struct vf_tokenizer *tokenizer, struct vf_err *err);

/* Reads the object "post_processor", not null, into `specials`; model and added tokens are
 * there. */
VF_MUST_CHECK int vf_template_read(
    const json_t *json, const char *where, struct vf_tokenizer *tokenizer, struct vf_err *err);

#endif
