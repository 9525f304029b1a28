/* WordPiece: a word becomes the longest token that it begins with, then the longest one that
 * continues it ("##…"), and so on; all of it becomes the unknown token when that does not work out.
 */
#ifndef VF_TOKENIZER_WORDPIECE_H
#define VF_TOKENIZER_WORDPIECE_H

#include "tokenizer/token_model.h"

struct vf_wordpiece {
    struct vf_vocab vocab;         /* owned */
    char *continuing_prefix;       /* owned */
    struct vf_vocab_prefix prefix; /* of `continuing_prefix` */
    int32_t unk_id;
    size_t max_chars; /* longer words are unknown; at most VF_WORD_MAX_CHARS */
};

/* Stores the ids of a word of `n` bytes, which has `n_chars` characters, and returns how many,
 * from 1 to `n_chars`. When `n_chars` is over `max_chars`, the bytes are not looked at. `ids` has
 * room for min(n_chars, max_chars), at least 1. */
size_t vf_wordpiece_encode(const struct vf_wordpiece *wordpiece, const uint8_t *word, size_t n,
    size_t n_chars, int32_t *ids);

#endif
