/* The patterns that most byte-level models cut words with, written by hand: where the word that
 * begins at a place ends. Every place begins a word, so the words cover the text.
 */
#ifndef VF_TOKENIZER_WORD_SCANNER_H
#define VF_TOKENIZER_WORD_SCANNER_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum vf_scanner_kind {
    VF_SCANNER_NONE,
    VF_SCANNER_GPT2,      /* 's|…| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
    VF_SCANNER_ONE_DIGIT, /* (?i:'s|…)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|… of Qwen2 */
    VF_SCANNER_3_DIGITS   /* the same with \p{N}{1,3}, of Llama 3 */
};

struct vf_word_scanner {
    enum vf_scanner_kind kind;
    uint8_t *classes; /* of every code point, owned */
};

/* The scanner that does what the pattern says, VF_SCANNER_NONE when there is none. */
enum vf_scanner_kind vf_word_scanner_find(const char *pattern);

/* On failure *ret is zeroed. */
VF_MUST_CHECK int vf_word_scanner_init(
    struct vf_word_scanner *ret, enum vf_scanner_kind kind, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_word_scanner_release(struct vf_word_scanner *scanner);

/* The end of the word that begins at `p` < `end` in valid UTF-8. */
const uint8_t *vf_word_scanner_next(
    const struct vf_word_scanner *scanner, const uint8_t *p, const uint8_t *end);

#endif
