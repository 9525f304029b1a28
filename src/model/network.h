/* A transformer encoder, described piece by piece: enough to compute any of the architectures that
 * are known, none of which the arithmetic knows by name.
 *
 * For the tokens t of a text
 *
 *     x_t = embedding_scale E[t] + P[position of t] + T[0]         embeddings, of embedding_size
 *     x_t = projection(embeddings_norm(x_t))                       states, of hidden_size
 *
 * and then for every layer, with each norm that the layer has,
 *
 *     x = sum_norm(x + output_norm(attention(input_norm(x))))
 *     x = sum_norm(x + output_norm(ffn(input_norm(x))))
 *     ffn(h) = down(activation(gate(h)) * up(h)), or down(activation(up(h))) without a gate
 *
 * and in the end x = final_norm(x). So a layer with sum norms alone is BERT's ("post-norm"), with
 * input norms alone "pre-norm", with input and output norms Gemma's.
 *
 * A piece that an architecture does not have is a tensor whose data is NULL.
 */
#ifndef VF_MODEL_NETWORK_H
#define VF_MODEL_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VF_MAX_LAYERS 256
#define VF_MAX_HEADS 256
#define VF_MAX_HEAD_SIZE 256

enum vf_activation { VF_ACT_GELU_ERF, VF_ACT_GELU_TANH, VF_ACT_RELU, VF_ACT_SILU };

/* LayerNorm is (x - mean) / sqrt(variance + eps), RMSNorm x / sqrt(mean of x^2 + eps); both times
 * the weight, plus the bias if there is one. */
enum vf_norm_kind { VF_NORM_LAYER, VF_NORM_RMS };

/* Rotary positions: the pairs (j, j + head_size / 2) of a query's or key's numbers are turned by
 * position * frequencies[j], and multiplied by `scale`.
 * Su et al., RoFormer, https://arxiv.org/abs/2104.09864 */
struct vf_rotary {
    float frequencies[VF_MAX_HEAD_SIZE / 2]; /* [head_size / 2], in radians per position */
    float scale;                             /* 0: no rotation at all */
};

/* How attention works in a layer. A token at position p sees those at p - before … p + after;
 * SIZE_MAX means all of them, so that causal attention has after = 0. */
struct vf_attention_kind {
    size_t before, after;
    struct vf_rotary rotary;
};

/* At most that many kinds alternate in a network: over the whole text, and within a window. */
enum { VF_ATTENTION_FULL, VF_ATTENTION_SLIDING, VF_ATTENTION_KINDS };

/* Scores that depend on the distance d = key's position - query's position. */
enum vf_relative_positions {
    VF_RELATIVE_NONE,
    VF_RELATIVE_BIAS,        /* a number for each head and bucket of d, the same in all layers */
    VF_RELATIVE_DISENTANGLED /* products of queries and keys with embeddings of buckets of d */
};

/* The buckets of VF_RELATIVE_BIAS: half of them for each direction; exact up to a quarter, then
 * spaced by the logarithm up to max_distance.
 * Raffel et al., T5, https://arxiv.org/abs/1910.10683, as MPNet has it.
 *
 * The buckets of VF_RELATIVE_DISENTANGLED: `buckets` for each direction, exact up to half of them,
 * then logarithmic up to max_distance; buckets == 0: max_distance of them, all exact.
 * He et al., DeBERTa, https://arxiv.org/abs/2006.03654 */
struct vf_relative {
    enum vf_relative_positions scheme;
    size_t buckets;
    size_t max_distance;
    bool content_to_position, position_to_content; /* which products are added; disentangled */
    bool share_projections; /* positions are projected by the layer's query and key; disentangled */
    bool norm_distances;    /* the embeddings of distances are normalised; disentangled */
};

/* Which pieces add a bias. */
struct vf_biases {
    bool norm, query_key_value, attention_output;
    bool ffn_input; /* gate and up */
    bool ffn_output;
    bool embeddings_projection;
};

/* A model's adapters to tasks, one of which is added to its linear maps and embeddings of tokens.
 */
struct vf_adapter {
    size_t count; /* in the files; 0: the model has none */
    size_t index; /* of the one that is added, below count */
    size_t rank;
    float scale;
};

/* What config.json says, checked: sizes are not 0, kv_heads divides heads. */
struct vf_network {
    const char *architecture; /* config.json's model_type, e.g. "bert"; static string */

    size_t vocab_size;
    size_t type_vocab_size;   /* 0: no token types */
    size_t embedding_size;    /* floats of a token's embedding */
    bool projects_embeddings; /* from embedding_size to hidden_size; else these are equal */
    size_t hidden_size;       /* floats of a token's state */
    float embedding_scale;

    size_t max_positions;   /* most tokens of a sequence, specials included */
    size_t position_rows;   /* of learned absolute positions; 0: the network has none */
    int32_t padding_id;     /* -1, or: positions count from padding_id + 1 and leave out tokens of
                               this id, whose position is padding_id */
    size_t layers;          /* as they are run */
    size_t distinct_layers; /* of weights: layer i uses those of layer_weights[i] */
    size_t group_size;      /* distinct layers that the file numbers within one group */
    uint16_t layer_weights[VF_MAX_LAYERS];
    uint8_t attention_of_layer[VF_MAX_LAYERS]; /* VF_ATTENTION_… */
    struct vf_attention_kind attention[VF_ATTENTION_KINDS];
    size_t heads, kv_heads; /* query heads are grouped over the fewer heads of keys and values */
    size_t head_size;
    double attention_scale; /* of the scores, usually 1 / sqrt(head_size) */
    struct vf_relative relative;

    size_t intermediate_size; /* floats of the feed-forward's inner state */
    enum vf_activation activation;
    bool gated; /* the feed-forward has a gate */

    enum vf_norm_kind norm;
    float norm_eps;
    float norm_weight_offset; /* added to the weight of each norm */
    bool skip_first_norm;     /* the first layer's attention has no input norm */
    struct vf_biases biases;
    struct vf_adapter adapter;
};

enum vf_dtype { VF_DTYPE_F32, VF_DTYPE_F16, VF_DTYPE_BF16 };

/* A matrix that is added to another: scale * left * right.
 * Hu et al., LoRA, https://arxiv.org/abs/2106.09685 */
struct vf_low_rank {
    size_t rank;            /* 0: nothing is added */
    const void *left;       /* [rows, rank] */
    const void *right;      /* [rank, cols] */
    enum vf_dtype dtype[2]; /* of left and right */
    float scale;
};

/* A tensor in the mapped file. `data` may be unaligned for its type. */
struct vf_tensor {
    const void *data; /* NULL: there is none */
    enum vf_dtype dtype;
    size_t rows, cols; /* a vector has rows 1 */
    struct vf_low_rank added;
};

struct vf_linear_tensors {
    struct vf_tensor weight; /* [outputs, inputs] */
    struct vf_tensor bias;   /* [outputs] */
};

struct vf_norm_tensors {
    struct vf_tensor weight, bias; /* [size] */
};

/* The norms around attention or feed-forward: of what enters, of what is added to the states, and
 * of the sum. */
struct vf_sublayer_norms {
    struct vf_norm_tensors input, output, sum;
};

struct vf_layer_tensors {
    struct vf_sublayer_norms attention_norms;
    struct vf_linear_tensors query;            /* [heads * head_size, hidden_size] */
    struct vf_linear_tensors key, value;       /* [kv_heads * head_size, hidden_size] */
    struct vf_norm_tensors query_norm;         /* [head_size], of each head's query */
    struct vf_norm_tensors key_norm;           /* likewise */
    struct vf_linear_tensors position_query;   /* disentangled, unless share_projections: */
    struct vf_linear_tensors position_key;     /* as query, of the embeddings of distances */
    struct vf_linear_tensors attention_output; /* [hidden_size, heads * head_size] */

    struct vf_sublayer_norms ffn_norms;
    struct vf_linear_tensors gate, up; /* [intermediate_size, hidden_size] */
    struct vf_linear_tensors down;     /* [hidden_size, intermediate_size] */
};

struct vf_network_tensors {
    struct vf_tensor word_embeddings;       /* [vocab_size, embedding_size] */
    struct vf_tensor position_embeddings;   /* [position_rows, embedding_size] */
    struct vf_tensor token_type_embeddings; /* [type_vocab_size, embedding_size] */
    struct vf_norm_tensors embeddings_norm;
    struct vf_linear_tensors embeddings_projection; /* [hidden_size, embedding_size] */
    struct vf_tensor relative_bias;                 /* [relative.buckets, heads] */
    struct vf_tensor distance_embeddings;           /* [vf_distance_rows(), hidden_size] */
    struct vf_norm_tensors distance_norm;           /* of those */
    struct vf_layer_tensors *layers;                /* [distinct_layers] */
    struct vf_norm_tensors final_norm;
};

/* Embeddings of distances, of both directions. */
static inline size_t vf_distance_rows(const struct vf_relative *relative)
{
    return 2 * (relative->buckets ? relative->buckets : relative->max_distance);
}

/* Copies row `row` of a tensor to `out` (cols floats), converting to float32. */
void vf_tensor_read_row(const struct vf_tensor *tensor, size_t row, float *out);

/* The rows [first, first + n) of a matrix, and the same of a vector's numbers. */
struct vf_tensor vf_tensor_rows(const struct vf_tensor *tensor, size_t first, size_t n);

#endif
