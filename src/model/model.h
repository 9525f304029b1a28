/* A model directory to a checked description and its tensors.
 *
 * vf_model_open() reads config.json, modules.json, the pooling's config.json,
 * sentence_bert_config.json, tokenizer_config.json and config_sentence_transformers.json, checks
 * each value, and refuses what it does not know by file and key. With weights, their files
 * (checkpoint.h) are mapped, not copied, and every tensor that the architecture needs is checked
 * for name, shape and dtype, so that the encoder may rely on all of it.
 *
 * Immutable after opening; any number of threads may read it. It must outlive every tensor
 * pointer taken from it.
 */
#ifndef VF_MODEL_MODEL_H
#define VF_MODEL_MODEL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vf_architecture { VF_ARCH_BERT };
enum vf_activation { VF_ACT_GELU_ERF, VF_ACT_GELU_TANH, VF_ACT_RELU };
enum vf_pooling { VF_POOL_MEAN, VF_POOL_CLS, VF_POOL_MAX };

/* What the files say, checked: sizes are not 0, heads divides hidden_size. */
struct vf_model_config {
    enum vf_architecture architecture;
    enum vf_activation activation;
    enum vf_pooling pooling;
    bool normalize;           /* modules.json has Normalize: vectors are divided by their norm */
    bool has_modules;         /* modules.json exists; without it: mean pooling, no Normalize */
    bool do_lower_case;       /* sentence_bert_config.json: lower-case before the tokenizer */
    size_t hidden_size;       /* floats of a token's state, and of the sentence vector */
    size_t intermediate_size; /* floats of the feed-forward's inner state */
    size_t layers, heads;     /* head size = hidden_size / heads */
    size_t vocab_size, type_vocab_size;
    size_t max_positions; /* most tokens of a sequence, specials included */
    float layer_norm_eps;
    size_t max_seq_length; /* by transformers' rule: model_max_length capped by positions */
    const char *max_seq_length_source; /* the file that says so; static string */
    size_t st_max_seq_length; /* sentence_bert_config.json's max_seq_length; 0 when not given */
};

enum vf_dtype { VF_DTYPE_F32, VF_DTYPE_F16, VF_DTYPE_BF16 };

/* A tensor in the mapped file. `data` may be unaligned for its type. */
struct vf_tensor {
    const void *data;
    enum vf_dtype dtype;
    size_t rows, cols; /* a vector has rows 1 */
};

/* Weights of a BERT layer, shapes as [rows = outputs, cols = inputs], biases [1, outputs]. */
struct vf_bert_layer {
    struct vf_tensor query, query_bias, key, key_bias, value, value_bias;
    struct vf_tensor attention_output, attention_output_bias;
    struct vf_tensor attention_norm, attention_norm_bias; /* LayerNorm gamma, beta */
    struct vf_tensor intermediate, intermediate_bias;
    struct vf_tensor output, output_bias;
    struct vf_tensor output_norm, output_norm_bias;
};

struct vf_bert_weights {
    struct vf_tensor word_embeddings;       /* [vocab_size, hidden_size] */
    struct vf_tensor position_embeddings;   /* [max_positions, hidden_size] */
    struct vf_tensor token_type_embeddings; /* [type_vocab_size, hidden_size] */
    struct vf_tensor embeddings_norm, embeddings_norm_bias;
    struct vf_bert_layer *layers; /* [config.layers] */
};

struct vf_model;

/* Opens the model in `directory`. With `with_weights` false only the small files are read and
 * vf_model_weights() gives NULL. On success the caller owns *ret. */
VF_MUST_CHECK int vf_model_open(
    const char *directory, bool with_weights, struct vf_model **ret, struct vf_err *err);

/* Unmaps the weights. Accepts NULL. */
void vf_model_close(struct vf_model *model);

const struct vf_model_config *vf_model_config(const struct vf_model *model);

/* Borrowed; NULL when opened without weights. */
const struct vf_bert_weights *vf_model_weights(const struct vf_model *model);

/* Numbers in the tensors that are used; 0 without weights. */
uint64_t vf_model_parameters(const struct vf_model *model);

/* Bytes of the files of the weights; 0 without them. */
uint64_t vf_model_file_bytes(const struct vf_model *model);

const char *vf_pooling_name(enum vf_pooling pooling);

/* Copies row `row` of a tensor to `out` (cols floats), converting to float32. */
void vf_tensor_read_row(const struct vf_tensor *tensor, size_t row, float *out);

#endif
