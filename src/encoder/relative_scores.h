/* Scores that depend on the distance of query and key, as biases for the attention kernel: base 2,
 * like the scores.
 *
 * Thread rule: immutable once placed and packed.
 */
#ifndef VF_ENCODER_RELATIVE_SCORES_H
#define VF_ENCODER_RELATIVE_SCORES_H

#include "encoder/weight_packing.h"

/* What all layers share, for the distances d = key's position - query's position in
 * (-max_tokens, max_tokens). */
struct vf_relative_scores {
    size_t max_tokens;
    const float *bias;       /* VF_RELATIVE_BIAS: [heads][2 max_tokens - 1], by d; else NULL */
    const uint32_t *buckets; /* VF_RELATIVE_DISENTANGLED: [2 max_tokens - 1], by d, the row of the
                                distance embeddings; else NULL */
};

/* A layer's products of the distance embeddings, for each head a map of head_size inputs to a
 * number for each of those embeddings. */
struct vf_packed_distances {
    struct vf_packed_linear *keys;    /* [heads], of queries: content to position; or NULL */
    struct vf_packed_linear *queries; /* [heads], of keys: position to content; or NULL */
};

void vf_relative_scores_place(struct vf_relative_scores *relative, struct vf_arena *arena,
    const struct vf_network *network, const struct vf_network_tensors *tensors, size_t max_tokens);

/* Lays out a layer's products in `arena`. */
void vf_packed_distances_place(struct vf_packed_distances *distances, struct vf_arena *arena,
    const struct vf_network *network, const struct vf_kernels *kernels);

/* Computes and packs them, once the arena is allocated. `embeddings` are those of the distances,
 * [vf_distance_rows()][hidden_size]. */
VF_MUST_CHECK int vf_packed_distances_pack(const struct vf_packed_distances *distances,
    const struct vf_network *network, const struct vf_layer_tensors *layer, const float *embeddings,
    const struct vf_kernels *kernels, struct vf_err *err);

/* Floats of scratch that vf_distance_bias() needs for m queries to n keys. */
size_t vf_distance_bias_scratch(const struct vf_network *network, size_t m, size_t n);

/* One head's queries [m][head_size], the first of which is at position `first`, and keys. */
struct vf_distance_operands {
    const float *q;
    size_t ldq, first, m;
    const float *k;
    size_t ldk, n;
};

/* The biases [m][n] of that head in disentangled attention, at the beginning of `scratch`. */
void vf_distance_bias(const struct vf_relative_scores *relative,
    const struct vf_packed_distances *distances, size_t head, const struct vf_kernels *kernels,
    const struct vf_distance_operands *operands, float *scratch);

#endif
