/* Added tokens: texts that are cut out and given an id before anything else looks at them.
 *
 * Those with `normalized` off are looked for in the text as it is, the others, in their normal
 * form, in the normal form of what is left. A set holds the tokens of one of the two kinds. It is
 * immutable once made.
 */
#ifndef VF_TOKENIZER_ADDED_TOKENS_H
#define VF_TOKENIZER_ADDED_TOKENS_H

#include "tokenizer/vocab.h"

#include <stdbool.h>

struct vf_added_token {
    const char *text; /* what is looked for, `n` bytes; borrowed while a set is made */
    size_t n;
    int32_t id;
    bool single_word; /* only between characters that are no word's */
    bool lstrip;      /* takes the white space before it along */
    bool rstrip;      /* and the white space after it */
};

struct vf_added_set {
    struct vf_vocab vocab;         /* id here: place in `tokens` */
    struct vf_added_token *tokens; /* owned; `text` is not kept */
    bool is_first_byte[256];
};

struct vf_added_match {
    size_t begin; /* of what the token takes, white space included */
    size_t end;   /* behind it */
    int32_t id;
};

/* Copies the `n` tokens. VF_ERR_DATA, the message beginning with `where`, when two are looked for
 * by the same text. On failure the set is empty. Release with vf_added_set_release(). */
VF_MUST_CHECK int vf_added_set_init(struct vf_added_set *set, const struct vf_added_token *tokens,
    size_t n, const char *where, struct vf_err *err);

/* Accepts NULL and a zeroed struct, which is a set without tokens. */
void vf_added_set_release(struct vf_added_set *set);

/* The first of the longest matches that begin at or after `*from` and before `until`, in a text of
 * `n` bytes of which the first `taken` belong to earlier matches. Moves *from to where the search
 * goes on: matches that were refused for not being a single word still cover their bytes. */
bool vf_added_set_next(const struct vf_added_set *set, const uint8_t *text, size_t n, size_t taken,
    size_t *from, size_t until, struct vf_added_match *ret);

#endif
