/* BERT's forward pass: packed weights, a worker's memory, and the computation.
 *
 * Rows are tokens of whole sequences, one behind the other, without padding. Attention is computed
 * per sequence, everything else per row, so that no result depends on what else is in a group.
 *
 * Thread rule: a vf_bert is immutable after vf_bert_init(); a vf_bert_state belongs to one thread
 * at a time.
 */
#ifndef VF_ENCODER_BERT_H
#define VF_ENCODER_BERT_H

#include "encoder/arena.h"
#include "encoder/encoder.h"
#include "encoder/head.h"
#include "encoder/packed_linear.h"
#include "kernels/kernels.h"

/* Tokens of a group of short sequences: enough rows to use each weight panel often, few enough
 * that the activations of a group stay in the second-level cache. */
#define VF_GROUP_TOKENS 256

struct vf_packed_layer {
    struct vf_packed_linear qkv; /* query, key, value stacked; 1/sqrt(head) log2(e) is in query */
    struct vf_packed_linear attention_output, intermediate, output;
    struct vf_norm_f32 attention_norm, output_norm;
};

struct vf_bert {
    struct vf_kernels kernels;
    enum vf_precision precision;
    const struct vf_model_config *config; /* the model's */
    struct vf_tensor words;               /* the model's; rows are read as they are needed */
    struct vf_head head;
    size_t max_tokens;      /* of a sequence */
    const float *positions; /* [max_tokens][hidden], position and token type 0, summed */
    struct vf_norm_f32 embeddings_norm;
    struct vf_packed_layer *layers; /* [config->layers] */
    enum vf_epilogue activation;
    struct vf_arena arena; /* the memory of all that */
};

/* Packs the weights of `model` with options->threads threads. `kernels` is copied. On failure
 * `bert` is left as vf_bert_release() leaves it. */
VF_MUST_CHECK int vf_bert_init(struct vf_bert *bert, const struct vf_model *model,
    const struct vf_kernels *kernels, const struct vf_encoder_options *options, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_bert_release(struct vf_bert *bert);

/* The activations of one worker. */
struct vf_bert_state {
    size_t ld_hidden, ld_qkv, ld_inner; /* distances of rows, in floats */
    float *x;                           /* [rows][hidden], the residual stream */
    float *context;                     /* [rows][hidden], what attention gives */
    float *qkv;                         /* [rows][3 hidden], until attention is done */
    float *scratch;                     /* of the attention kernel */
    float *linear_scratch;              /* of the linear kernel */
    float *head_scratch;                /* in the end */
    float *update;                      /* [block][hidden], to be added to x; after attention */
    float *inner;                       /* [block][intermediate]; after attention */
    struct vf_arena arena;
};

/* Allocates what vf_bert_forward() needs. On failure `state` is left as vf_bert_state_release()
 * leaves it. */
VF_MUST_CHECK int vf_bert_state_init(
    struct vf_bert_state *state, const struct vf_bert *bert, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_bert_state_release(struct vf_bert_state *state);

/* Computes the vectors of `n` sequences that have at most VF_GROUP_TOKENS tokens together, or of
 * one of at most max_tokens. Does not allocate. */
void vf_bert_forward(const struct vf_bert *bert, struct vf_bert_state *state,
    const struct vf_sequence_ref *sequences, size_t n);

#endif
