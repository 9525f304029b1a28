/* A network (model/network.h) with its weights packed for the kernels.
 *
 * Thread rule: immutable after vf_packed_network_init().
 */
#ifndef VF_ENCODER_PACKED_NETWORK_H
#define VF_ENCODER_PACKED_NETWORK_H

#include "encoder/embeddings.h"
#include "encoder/encoder.h"
#include "encoder/head.h"
#include "encoder/packed_linear.h"
#include "encoder/relative_scores.h"
#include "encoder/weight_packing.h"
#include "kernels/kernels.h"

/* The norms around attention or feed-forward; one that the network does not have has n == 0. */
struct vf_packed_norms {
    struct vf_norm_f32 input, output, sum;
};

struct vf_packed_layer {
    struct vf_packed_norms attention_norms;
    struct vf_packed_linear query;     /* times attention_scale log2(e), unless query_norm is */
    struct vf_packed_linear key_value; /* stacked */
    struct vf_norm_f32 query_norm, key_norm; /* of a head; n == 0: none */
    struct vf_packed_distances distances;    /* disentangled positions alone */
    struct vf_packed_linear attention_output;

    struct vf_packed_norms ffn_norms;
    struct vf_packed_linear ffn_input; /* up, or gate and up stacked */
    struct vf_packed_linear ffn_output;
};

struct vf_packed_network {
    struct vf_kernels kernels;
    enum vf_precision precision;
    vf_attention_f32_fn *attend; /* of the precision */
    vf_attention_scratch_fn *attention_scratch;
    const struct vf_network *network; /* the model's */
    size_t max_tokens;                /* of a sequence */

    struct vf_embeddings embeddings;
    const float *turns[VF_ATTENTION_KINDS]; /* [max_tokens][head_size], as the kernel takes them;
                                               NULL: nothing is rotated */
    struct vf_relative_scores relative;
    struct vf_packed_layer *layers; /* [network->distinct_layers] */
    struct vf_norm_f32 final_norm;  /* n == 0: none */
    struct vf_head head;
    enum vf_epilogue activation;
    struct vf_linear_source *sources; /* [n_linears], of all linear maps as they are placed */
    size_t n_linears;
    struct vf_arena arena; /* the memory of all that */
};

/* Packs the weights of `model`, which must outlive it, with options->threads threads. `kernels` is
 * copied. On failure `packed` is left as vf_packed_network_release() leaves it. */
VF_MUST_CHECK int vf_packed_network_init(struct vf_packed_network *packed,
    const struct vf_model *model, const struct vf_kernels *kernels,
    const struct vf_encoder_options *options, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_packed_network_release(struct vf_packed_network *packed);

#endif
