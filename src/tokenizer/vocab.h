/* Tokens to ids and back, for lookups of whole tokens and of the longest one that a text begins
 * with. Immutable once made.
 */
#ifndef VF_TOKENIZER_VOCAB_H
#define VF_TOKENIZER_VOCAB_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define VF_VOCAB_MAX_TOKENS (4u << 20)
#define VF_VOCAB_MAX_ID ((16u << 20) - 1)
#define VF_VOCAB_MAX_TOKEN_BYTES 1024u

/* One token as the maker of a vocabulary gives it: `n` bytes at `text`. */
struct vf_vocab_entry {
    const char *text;
    size_t n;
    int32_t id;
};

struct vf_vocab_token;
struct vf_vocab_slot;

struct vf_vocab {
    size_t n_tokens;
    size_t n_ids;                  /* one more than the greatest id */
    size_t longest;                /* bytes of the longest token */
    char *text;                    /* all tokens, each followed by NUL, owned */
    struct vf_vocab_token *tokens; /* `n_ids` places in `text`, owned */
    struct vf_vocab_slot *slots;   /* open addressing, owned */
    uint64_t slot_mask;
};

/* A beginning that tokens share ("##"), hashed once. */
struct vf_vocab_prefix {
    const char *text; /* borrowed */
    size_t n;
    uint64_t hash;
};

/* Copies the `n` entries. VF_ERR_DATA, the message beginning with `where`, for a token or an id
 * that occurs twice, or one beyond the limits above. On failure the vocabulary is empty. Release
 * with vf_vocab_release(). */
VF_MUST_CHECK int vf_vocab_init(struct vf_vocab *vocab, const struct vf_vocab_entry *entries,
    size_t n, const char *where, struct vf_err *err);

/* Accepts NULL and a zeroed struct, which is a vocabulary without tokens. */
void vf_vocab_release(struct vf_vocab *vocab);

/* The id of a token, or -1. */
int32_t vf_vocab_find(const struct vf_vocab *vocab, const char *text, size_t n);

/* The token of `id`, borrowed, NUL-terminated; NULL when there is none. */
const char *vf_vocab_token(const struct vf_vocab *vocab, int32_t id);

/* Keeps `text`, which must outlive the prefix. */
struct vf_vocab_prefix vf_vocab_make_prefix(const char *text, size_t n);

/* The id of the longest token that is `prefix` followed by at least one of the first bytes of
 * `text`, with the number of those bytes in *ret_n; or -1. */
int32_t vf_vocab_longest(const struct vf_vocab *vocab, const struct vf_vocab_prefix *prefix,
    const uint8_t *text, size_t n, size_t *ret_n);

#endif
