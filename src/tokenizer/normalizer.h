/* The normaliser of tokenizer.json as a row of steps, each of one kind.
 *
 * A kind is a table of functions in a file of its own; normalizer.c lists them. A step is immutable
 * once read and takes the text that the step before it left.
 */
#ifndef VF_TOKENIZER_NORMALIZER_H
#define VF_TOKENIZER_NORMALIZER_H

#include "tokenizer/json_keys.h"
#include "tokenizer/workspace.h"

#include <stdint.h>

/* A text between two steps: valid UTF-8. */
struct vf_normal_text {
    const uint8_t *p; /* borrowed, or in one of `bufs` */
    size_t n;
    /* Bytes at the beginning that come of the first character of the whole text, which is not to
     * be confused with the first one here: 0 when that is gone or was never in here. */
    size_t n_first;
    size_t most;         /* bytes that it may grow to: beyond, the file is hostile, not the text */
    struct vf_buf *bufs; /* two */
    unsigned current;    /* the one that `p` may be in */
};

/* Normal text is at most so many times as long as the text, and some bytes more: what normalisers
 * have for a character is far shorter. */
enum { VF_NORMAL_MOST_TIMES = 64, VF_NORMAL_MOST_MORE = 4096 };

/* VF_ERR_DATA when `n` bytes are more than text->most. */
VF_MUST_CHECK int vf_normal_text_check(
    const struct vf_normal_text *text, size_t n, struct vf_err *err);

/* The empty buffer for the output of a step. */
struct vf_buf *vf_normal_text_begin(const struct vf_normal_text *text);

/* Makes that buffer the text; `n_first` is brought to the end of a character. */
void vf_normal_text_end(struct vf_normal_text *text, size_t n_first);

struct vf_normalizer_kind {
    const char *type; /* in tokenizer.json */
    /* Reads the object `json`. On success the caller owns *ret, which `release` frees. */
    int (*read)(const json_t *json, const char *where, void **ret, struct vf_err *err);
    int (*apply)(const void *self, struct vf_normal_text *text, struct vf_err *err);
    void (*release)(void *self); /* accepts NULL; NULL when `self` is */
};

struct vf_normalizer_step {
    const struct vf_normalizer_kind *kind;
    void *self;
};

struct vf_normalizer {
    size_t n;
    struct vf_normalizer_step steps[VF_MAX_STEPS];
};

/* Makes Lowercase the first step of a zeroed normaliser. */
void vf_normalizer_lowercase(struct vf_normalizer *normalizer);

/* Adds the steps under "normalizer"; missing or null is no step. On failure *ret is half made, and
 * still to be released. */
VF_MUST_CHECK int vf_normalizer_read(
    const json_t *json, const char *where, struct vf_normalizer *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_normalizer_release(struct vf_normalizer *normalizer);

/* Makes all steps. */
VF_MUST_CHECK int vf_normalizer_apply(
    const struct vf_normalizer *normalizer, struct vf_normal_text *text, struct vf_err *err);

extern const struct vf_normalizer_kind vf_bert_normalizer;
extern const struct vf_normalizer_kind vf_lowercase_normalizer;
extern const struct vf_normalizer_kind vf_nfc_normalizer;
extern const struct vf_normalizer_kind vf_nfd_normalizer;
extern const struct vf_normalizer_kind vf_nfkc_normalizer;
extern const struct vf_normalizer_kind vf_nfkd_normalizer;
extern const struct vf_normalizer_kind vf_precompiled_normalizer;
extern const struct vf_normalizer_kind vf_prepend_normalizer;
extern const struct vf_normalizer_kind vf_replace_normalizer;
extern const struct vf_normalizer_kind vf_strip_accents_normalizer;
extern const struct vf_normalizer_kind vf_strip_normalizer;

#endif
