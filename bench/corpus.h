/* Sequences to measure with: made up, or the texts of a file. */
#ifndef VF_BENCH_CORPUS_H
#define VF_BENCH_CORPUS_H

#include "base/error.h"
#include "embed/embedder.h"

struct corpus {
    struct vf_tokens *tokens;      /* [n], owned */
    struct vf_sequence *sequences; /* [n], the ids of `tokens` */
    size_t n, n_tokens;
};

/* Sequences of `length` pseudo-random ids, at least `tokens` ids together. On success and on
 * failure the caller releases the corpus. */
VF_MUST_CHECK int corpus_make(struct corpus *corpus, const struct vf_embedder *embedder,
    size_t length, size_t tokens, struct vf_err *err);

/* The texts of a file of JSON Lines: articles with headline and body, or strings. The same. */
VF_MUST_CHECK int corpus_read(struct corpus *corpus, const struct vf_embedder *embedder,
    const char *path, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void corpus_release(struct corpus *corpus);

#endif
