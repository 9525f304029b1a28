/* Stored vectors against what the encoder in hand makes of the same articles. */
#ifndef VF_PIPELINE_RECOMPUTE_H
#define VF_PIPELINE_RECOMPUTE_H

#include "store/store.h"

#include <vecfill/vecfill.h>

/* Two vectors of one text are by one encoder when their cosine is over this. */
#define VF_SAME_ENCODER_COSINE 0.999

struct vf_recomputed {
    uint64_t n, n_other; /* vectors compared, and those of another encoder */
    double least_cosine; /* over all; -1 when a vector has another length or no direction */
    char worst_id[64];   /* the article of that one, cut to fit */
    size_t other_length; /* floats of a stored vector of another length; 0: there was none */
};

/* Compares up to `n` vectors of the model_id, drawn at random. */
VF_MUST_CHECK int vf_recompute_sample(struct vf_store *store, struct vf_embedder *embedder,
    const char *model_id, size_t n, struct vf_recomputed *ret, struct vf_err *err);

#endif
