/* Qwen3, https://arxiv.org/abs/2505.09388: Llama whose queries and keys are normalised; a token
 * sees those before it, unless "is_causal" is false. */
#include "model/architectures/llama_config.h"

/* Windows: the layers from max_window_layers on see sliding_window tokens, themselves included. */
static int read_windows(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    bool use;
    size_t window, first;
    struct vf_attention_kind *sliding = &n->attention[VF_ATTENTION_SLIDING];
    VF_TRY(vf_config_flag(config, "use_sliding_window", false, &use, err));
    if (!use) {
        VF_TRY(vf_config_layer_types(config, 1, 0, n, err));
        return 0;
    }
    if (sliding->after > 0)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"sliding_window\" with \"is_causal\" false is not supported", config->path);
    VF_TRY(vf_config_size(config, "sliding_window", VF_MAX_POSITIONS, &window, err));
    VF_TRY(vf_config_size_or(config, "max_window_layers", 28, VF_MAX_LAYERS, &first, err));
    VF_TRY(vf_config_layer_types(config, 1, 0, n, err));
    if (!json_is_array(json_object_get(config->json, "layer_types")))
        for (size_t i = first; i < n->layers; i++)
            n->attention_of_layer[i] = VF_ATTENTION_SLIDING;
    sliding->before = window - 1;
out:
    return rc;
}

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    bool is_causal;
    struct vf_attention_kind *full = &n->attention[VF_ATTENTION_FULL];
    struct vf_attention_kind *sliding = &n->attention[VF_ATTENTION_SLIDING];
    VF_TRY(vf_config_refuse_present(config, "auto_map", err));
    VF_TRY(vf_llama_read(config, "hidden_act", n, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){.theta = "rope_theta", .default_theta = 10000, .is_scaled = true},
        n->head_size, &full->rotary, err));
    VF_TRY(vf_config_flag(config, "is_causal", true, &is_causal, err));
    full->after = is_causal ? 0 : SIZE_MAX;
    *sliding = *full;
    VF_TRY(read_windows(config, n, err));
out:
    return rc;
}

const struct vf_architecture vf_qwen3_architecture = {
    .model_type = "qwen3",
    .class_name = "Qwen3",
    .read = read_config,
    .names =
        {
            VF_LLAMA_NAMES,
            .attention_input_norm = "input_layernorm",
            .query_norm = "self_attn.q_norm",
            .key_norm = "self_attn.k_norm",
            .ffn_input_norm = "post_attention_layernorm",
        },
};
