/* Long texts as the mean of their windows (VF_LONG_TEXT_CHUNK_MEAN). Private to this folder. */
#ifndef VF_EMBED_CHUNK_MEAN_H
#define VF_EMBED_CHUNK_MEAN_H

#include "embed/embedder.h"

/* As vf_encode() of <vecfill/vecfill.h>, whose sequences may have any number of ids, and which has
 * checked them. Beside O(n) it holds a fixed number of windows, however long the sequences. */
VF_MUST_CHECK int vf_chunk_mean_encode(struct vf_embedder *embedder,
    const struct vf_sequence *sequences, size_t n, float *vectors, struct vf_err *err);

#endif
