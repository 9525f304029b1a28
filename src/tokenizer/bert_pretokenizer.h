/* The pre-tokeniser of BERT: cuts normal text at white space, which it drops, and makes every
 * punctuation character a word of its own. */
#ifndef VF_TOKENIZER_BERT_PRETOKENIZER_H
#define VF_TOKENIZER_BERT_PRETOKENIZER_H

#include "tokenizer/char_table.h"

/* Characters of a word that can be handed on whole; every model's own limit is at most this. */
#define VF_WORD_MAX_CHARS 4096u

/* The class of a normal character with these enum vf_unicode_property flags. */
enum vf_char_class vf_bert_classify(uint8_t properties);

/* Takes one word of `n_chars` characters, at least 1. When there are more than the `max_chars` of
 * vf_bert_split(), the `n` bytes are only its beginning. Anything but 0 ends the split. */
typedef int vf_word_fn(void *context, const uint8_t *word, size_t n, size_t n_chars);

/* Hands the words of the text in [p, end) to `take`, one by one and normalised. `max_chars` is at
 * most VF_WORD_MAX_CHARS. Returns 0 or what `take` ended with. */
VF_MUST_CHECK int vf_bert_split(const struct vf_char_table *table, const uint8_t *p,
    const uint8_t *end, size_t max_chars, vf_word_fn *take, void *context);

#endif
