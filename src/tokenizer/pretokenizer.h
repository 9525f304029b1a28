/* The pre-tokeniser of tokenizer.json as a row of steps, each of which cuts the pieces of the one
 * before it into smaller ones, or rewrites them.
 *
 * A kind is a table of functions in a file of its own; pretokenizer.c lists them. Pieces are handed
 * on one by one as they are found, so that nothing is cut behind the place where the last step's
 * taker has enough.
 */
#ifndef VF_TOKENIZER_PRETOKENIZER_H
#define VF_TOKENIZER_PRETOKENIZER_H

#include "tokenizer/json_keys.h"
#include "tokenizer/workspace.h"

#include <stdint.h>

/* A piece of normal text: `n` bytes of valid UTF-8, borrowed while it is handed on. */
struct vf_piece {
    const uint8_t *p;
    size_t n;
    size_t n_first; /* as in struct vf_normal_text */
};

/* Anything but 0 ends the cutting, which then returns the same. */
typedef int vf_piece_fn(void *context, const struct vf_piece *piece);

/* What a step has to work with. */
struct vf_piece_taker {
    vf_piece_fn *take;
    void *context;
    struct vf_buf *buf; /* of this step alone, for pieces that it rewrites */
    struct vf_err *err;
};

/* Hands on the bytes from `begin` to `end` of `piece`, unless there are none. */
int vf_piece_take(
    const struct vf_piece_taker *taker, const struct vf_piece *piece, size_t begin, size_t end);

struct vf_pretokenizer_kind {
    const char *type; /* in tokenizer.json */
    /* Reads the object `json`. On success the caller owns *ret, which `release` frees. */
    int (*read)(const json_t *json, const char *where, void **ret, struct vf_err *err);
    int (*split)(
        const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker);
    void (*release)(void *self); /* accepts NULL; NULL when `self` is */
};

struct vf_pretokenizer_step {
    const struct vf_pretokenizer_kind *kind;
    void *self;
};

struct vf_pretokenizer {
    size_t n;
    struct vf_pretokenizer_step steps[VF_MAX_STEPS];
};

/* Reads the value of "pre_tokenizer"; missing or null is no step. On failure *ret is half made, and
 * still to be released. */
VF_MUST_CHECK int vf_pretokenizer_read(
    const json_t *json, const char *where, struct vf_pretokenizer *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_pretokenizer_release(struct vf_pretokenizer *pretokenizer);

/* Hands the words of `piece` to `take`. Returns 0 or what `take` ended with, or an error. */
VF_MUST_CHECK int vf_pretokenizer_split(const struct vf_pretokenizer *pretokenizer,
    const struct vf_piece *piece, struct vf_workspace *workspace, vf_piece_fn *take, void *context,
    struct vf_err *err);

extern const struct vf_pretokenizer_kind vf_bert_pretokenizer;
extern const struct vf_pretokenizer_kind vf_byte_level_pretokenizer;
extern const struct vf_pretokenizer_kind vf_digits_pretokenizer;
extern const struct vf_pretokenizer_kind vf_metaspace_pretokenizer;
extern const struct vf_pretokenizer_kind vf_punctuation_pretokenizer;
extern const struct vf_pretokenizer_kind vf_split_pretokenizer;
extern const struct vf_pretokenizer_kind vf_whitespace_pretokenizer;
extern const struct vf_pretokenizer_kind vf_whitespace_split_pretokenizer;

#endif
