/* What the descendants of BERT share: keys of config.json, and names of tensors. */
#ifndef VF_MODEL_ARCHITECTURES_BERT_CONFIG_H
#define VF_MODEL_ARCHITECTURES_BERT_CONFIG_H

#include "model/architectures/architecture.h"

/* For readers: sizes, activation, layer_norm_eps, biases everywhere, learned absolute positions;
 * and what they all refuse. */
VF_MUST_CHECK int vf_bert_read(
    const struct vf_config_json *config, struct vf_network *network, struct vf_err *err);

/* The sizes, activation and layer_norm_eps of those keys alone. */
VF_MUST_CHECK int vf_bert_read_sizes(
    const struct vf_config_json *config, struct vf_network *network, struct vf_err *err);

/* The entries of struct vf_tensor_names, except for the prefix. */
#define VF_BERT_EMBEDDINGS_NAMES                                                                   \
    .word_embeddings = "embeddings.word_embeddings",                                               \
    .position_embeddings = "embeddings.position_embeddings",                                       \
    .token_type_embeddings = "embeddings.token_type_embeddings",                                   \
    .embeddings_norm = "embeddings.LayerNorm"

#define VF_BERT_FFN_NAMES                                                                          \
    .up = "intermediate.dense", .down = "output.dense", .ffn_sum_norm = "output.LayerNorm"

#define VF_BERT_LAYER_NAMES                                                                        \
    .layer = "encoder.layer.", .query = "attention.self.query", .key = "attention.self.key",       \
    .value = "attention.self.value", .attention_output = "attention.output.dense",                 \
    .attention_sum_norm = "attention.output.LayerNorm", VF_BERT_FFN_NAMES

#endif
