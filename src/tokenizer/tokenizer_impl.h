/* The inside of a tokenizer, for the files of this room that make and use it.
 *
 * Text passes through it in this order: added tokens are cut out of it (`raw`); what is left is
 * normalised; added tokens are cut out of that (`normal`); the pre-tokeniser cuts the rest into
 * words, of which the model makes ids; `specials` go around all of them.
 *
 * Normaliser, pre-tokeniser and model of BERT have a quicker way (`wordpiece` is not NULL): text is
 * normalised and cut in one by `table`, without a copy; or by `plain`, when it had to be normalised
 * before because of added tokens in normal text.
 */
#ifndef VF_TOKENIZER_TOKENIZER_IMPL_H
#define VF_TOKENIZER_TOKENIZER_IMPL_H

#include "tokenizer/added_tokens.h"
#include "tokenizer/char_table.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/template_processor.h"
#include "tokenizer/token_model.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/wordpiece.h"

struct vf_tokenizer {
    struct vf_normalizer normalizer;
    struct vf_pretokenizer pretokenizer;
    struct vf_token_model model;
    struct vf_vocab added; /* the added tokens that the model's vocabulary lacks */
    struct vf_added_set raw;
    struct vf_added_set normal;
    struct vf_template specials;
    const struct vf_wordpiece *wordpiece; /* the model of a BERT tokenizer, else NULL */
    const struct vf_char_table *table;    /* borrowed of the normaliser */
    const struct vf_char_table *plain;    /* borrowed of the pre-tokeniser */
    struct vf_workspace_pool *pool;       /* owned */
};

/* The id of a token of the model or an added one, or -1. */
int32_t vf_tokenizer_find(const struct vf_tokenizer *tokenizer, const char *token);

/* Fills the zeroed `tokenizer` from the `n` bytes of tokenizer.json, which reading changes; `path`
 * is for messages. `config` is what tokenizer_config.json has, or NULL. On failure `tokenizer` is
 * half made, and still for the caller to release. */
VF_MUST_CHECK int vf_tokenizer_parse(char *text, size_t n, const char *path, const json_t *config,
    bool lowercase, struct vf_tokenizer *tokenizer, struct vf_err *err);

/* The same from what is in it, with the model's tables beside. */
VF_MUST_CHECK int vf_tokenizer_build(const json_t *root, struct vf_model_tables *tables,
    const char *path, bool lowercase, struct vf_tokenizer *tokenizer, struct vf_err *err);

/* Reads the array "added_tokens" into `added`, `raw` and `normal`; model and normaliser are
 * there. */
VF_MUST_CHECK int vf_added_tokens_read(
    const json_t *json, const char *where, struct vf_tokenizer *tokenizer, struct vf_err *err);

/* Reads the object "post_processor", not null, into `specials`; model and added tokens are
 * there. */
VF_MUST_CHECK int vf_template_read(
    const json_t *json, const char *where, struct vf_tokenizer *tokenizer, struct vf_err *err);

#endif
