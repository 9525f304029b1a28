/* What makes one vector of the states of a text's tokens: pooling, then a row of steps.
 *
 * Pooling makes hidden_size floats in each of its ways, which lie one behind the other, of the
 * tokens x_1 … x_n of a text, specials included:
 *
 *     cls                   x_1
 *     max                   the greatest of each component
 *     mean                  sum of x_t / n
 *     mean_sqrt_len_tokens  sum of x_t / sqrt(n)
 *     weightedmean          sum of t x_t / sum of t
 *     lasttoken             x_n
 *
 * Without include_prompt the tokens of the prompt, and the specials before it, are left out; t
 * keeps counting from the beginning of the text. Source: the modules Pooling, Dense and Normalize
 * of sentence-transformers 5.
 */
#ifndef VF_MODEL_SENTENCE_HEAD_H
#define VF_MODEL_SENTENCE_HEAD_H

#include "model/network.h"

enum { VF_HEAD_MAX_STEPS = 8 };

/* In the order in which several are put together. */
enum vf_pooling {
    VF_POOL_CLS,
    VF_POOL_MAX,
    VF_POOL_MEAN,
    VF_POOL_MEAN_SQRT_LEN,
    VF_POOL_WEIGHTED_MEAN,
    VF_POOL_LAST,
    VF_POOLINGS
};

enum vf_dense_activation {
    VF_DENSE_IDENTITY,
    VF_DENSE_TANH,
    VF_DENSE_GELU, /* by the error function */
    VF_DENSE_RELU,
    VF_DENSE_SILU,
    VF_DENSE_SIGMOID
};

enum vf_head_kind {
    VF_HEAD_DENSE,    /* y = activation(weight x + bias), plus x or residual x where there is one */
    VF_HEAD_NORMALIZE /* y = x / max(|x|, 1e-12) */
};

struct vf_head_step {
    enum vf_head_kind kind;
    size_t inputs, outputs; /* floats; the same for VF_HEAD_NORMALIZE */
    /* For VF_HEAD_DENSE: */
    enum vf_dense_activation activation;
    bool has_bias;
    bool adds_input;                 /* to the output, through `residual` where sizes differ */
    struct vf_linear_tensors linear; /* without data when the model is opened without weights */
    struct vf_tensor residual;       /* [outputs, inputs]; without data when sizes are the same */
};

struct vf_sentence_head {
    enum vf_pooling poolings[VF_POOLINGS]; /* [n_poolings] */
    size_t n_poolings;
    bool include_prompt;
    struct vf_head_step steps[VF_HEAD_MAX_STEPS]; /* [n_steps] */
    size_t n_steps;
    size_t dimensions; /* floats of the vector behind the last step */
    bool normalized;   /* the last step is VF_HEAD_NORMALIZE */
};

/* As Pooling's file spells it; static string. */
const char *vf_pooling_name(enum vf_pooling pooling);

/* The last part of the name in torch.nn, e.g. "Tanh"; static string. */
const char *vf_dense_activation_name(enum vf_dense_activation activation);

#endif
