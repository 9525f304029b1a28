/* Text to token ids, as the Hugging Face library `tokenizers` does it, driven by tokenizer.json.
 *
 * A tokenizer is immutable after vf_tokenizer_open() and may be used from any number of threads.
 * `truncation` and `padding` of the file are not obeyed (nobody who embeds does): the limit is an
 * argument, truncation is on the right and the special tokens of the post-processor always fit.
 * Kinds and options that are not known are refused by file and key.
 */
#ifndef VF_TOKENIZER_TOKENIZER_H
#define VF_TOKENIZER_TOKENIZER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vf_tokenizer;

/* A growing list of ids; a zeroed struct is empty. Same layout rule as struct vf_tokens. */
struct vf_ids {
    int32_t *ids;
    size_t n;
    size_t capacity;
};

/* Reads DIRECTORY/tokenizer.json, or without that file a BERT model's vocab.txt, and
 * tokenizer_config.json, which wins where transformers has it so: in what BERT's normaliser does,
 * and in the blank before a text of RoBERTa's. With `lowercase` every character of a text is
 * brought to lower case before the file's own normaliser. VF_ERR_NOT_FOUND without either,
 * VF_ERR_DATA when it is broken or holds an unknown kind. On success the caller owns *ret. */
VF_MUST_CHECK int vf_tokenizer_open(
    const char *directory, bool lowercase, struct vf_tokenizer **ret, struct vf_err *err);

/* Accepts NULL. */
void vf_tokenizer_close(struct vf_tokenizer *tokenizer);

/* Replaces the content of `out` by the ids of `n` bytes of UTF-8 (invalid bytes count as U+FFFD, as
 * Python's errors='replace' has it), specials included, at most `max_ids` of them. A limit that
 * leaves no room for text, vf_tokenizer_specials() or less, is VF_ERR_USAGE. *ret_truncated tells
 * whether there was more. On failure `out` is empty.
 *
 * The ids are always the first of all ids of the whole text. A tokenizer of BERT stops reading soon
 * after the limit is full and allocates only when `out` must grow. Others, and all with added
 * tokens that the file wants looked for in normalised text (`normalized`), normalise the whole text
 * first, in memory that the tokenizer keeps for the next call, and stop behind the word that fills
 * the limit. VF_ERR_DATA for a character that a model has no token for, not even an unknown one,
 * and for a text that a regular expression of the file takes too long for. */
VF_MUST_CHECK int vf_tokenizer_encode(const struct vf_tokenizer *tokenizer, const char *text,
    size_t n, size_t max_ids, struct vf_ids *out, bool *ret_truncated, struct vf_err *err);

/* Number of ids without a limit, specials included. */
VF_MUST_CHECK int vf_tokenizer_count(const struct vf_tokenizer *tokenizer, const char *text,
    size_t n, size_t *ret, struct vf_err *err);

/* Special tokens that the post-processor puts around one text. */
size_t vf_tokenizer_specials(const struct vf_tokenizer *tokenizer);

/* Those of them that stand before the text. */
size_t vf_tokenizer_specials_before(const struct vf_tokenizer *tokenizer);

/* One more than the greatest id. */
size_t vf_tokenizer_vocab_size(const struct vf_tokenizer *tokenizer);

/* The token of `id`, borrowed, NUL-terminated; NULL when there is none. */
const char *vf_tokenizer_token(const struct vf_tokenizer *tokenizer, int32_t id);

void vf_ids_release(struct vf_ids *ids);

#endif
