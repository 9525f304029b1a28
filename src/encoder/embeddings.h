/* Token ids to the states that enter the first layer.
 *
 * Thread rule: immutable once placed.
 */
#ifndef VF_ENCODER_EMBEDDINGS_H
#define VF_ENCODER_EMBEDDINGS_H

#include "encoder/weight_packing.h"

struct vf_embeddings {
    struct vf_tensor words; /* the model's; rows are read as they are needed */
    size_t size;            /* floats of an embedding */
    float scale;
    const float *additions;  /* [positions][size], each with token type 0, the only one that a
                                single text has; NULL: none */
    size_t ld_additions;     /* 0: one row for all positions */
    int32_t padding_id;      /* as network->padding_id */
    struct vf_norm_f32 norm; /* n == 0: none */
    struct vf_packed_linear projection; /* n == 0: none */
};

/* Lays all but the projection out in `arena`, for texts of up to max_tokens. */
void vf_embeddings_place(struct vf_embeddings *embeddings, struct vf_arena *arena,
    const struct vf_network *network, const struct vf_network_tensors *tensors, size_t max_tokens);

/* Embeds `n` tokens, of which the first has *position, which becomes that of the one behind the
 * last. Without a projection `out` are states. A text's first position is
 * vf_embeddings_first_position(). */
void vf_embed_tokens(const struct vf_embeddings *embeddings, const struct vf_kernels *kernels,
    const int32_t *ids, size_t n, size_t *position, float *out, size_t ldo);

size_t vf_embeddings_first_position(const struct vf_embeddings *embeddings);

#endif
