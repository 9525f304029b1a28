/* What the descendants of Llama share: keys of config.json, and names of tensors. */
#ifndef VF_MODEL_ARCHITECTURES_LLAMA_CONFIG_H
#define VF_MODEL_ARCHITECTURES_LLAMA_CONFIG_H

#include "model/architectures/architecture.h"
#include "model/attention_config.h"

/* For readers: sizes, heads, the activation under `activation_key`, rms_norm_eps, biases, gate, no
 * learned positions; and what they all refuse, except for code of the model's own. */
VF_MUST_CHECK int vf_llama_read(const struct vf_config_json *config, const char *activation_key,
    struct vf_network *network, struct vf_err *err);

/* The entries of struct vf_tensor_names, except for norms of the layers. */
#define VF_LLAMA_NAMES                                                                             \
    .prefix = "model.", .word_embeddings = "embed_tokens", .final_norm = "norm",                   \
    .layer = "layers.", .query = "self_attn.q_proj", .key = "self_attn.k_proj",                    \
    .value = "self_attn.v_proj", .attention_output = "self_attn.o_proj", .gate = "mlp.gate_proj",  \
    .up = "mlp.up_proj", .down = "mlp.down_proj"

#endif
