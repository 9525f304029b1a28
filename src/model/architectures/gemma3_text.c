/* Gemma 3, https://arxiv.org/abs/2503.19786, and EmbeddingGemma: norms before and behind attention
 * and feed-forward, whose weights are stored less 1; most layers within a window. */
#include "model/architectures/llama_config.h"

#include <math.h>

static int read_attention(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    bool sees_all, is_causal;
    size_t window, period;
    double scalar;
    struct vf_attention_kind *full = &n->attention[VF_ATTENTION_FULL];
    struct vf_attention_kind *sliding = &n->attention[VF_ATTENTION_SLIDING];
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){"full_attention", "rope_theta", 1e6, true, false}, n->head_size,
        &full->rotary, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){"sliding_attention", "rope_local_base_freq", 1e4, false, false},
        n->head_size, &sliding->rotary, err));
    VF_TRY(vf_config_flag(config, "use_bidirectional_attention", false, &sees_all, err));
    VF_TRY(vf_config_flag(config, "is_causal", true, &is_causal, err));
    if (!is_causal && !sees_all)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"is_causal\" is false without \"use_bidirectional_attention\", which is not "
            "supported",
            config->path);
    VF_TRY(vf_config_size(config, "sliding_window", VF_MAX_POSITIONS, &window, err));
    full->after = sees_all ? SIZE_MAX : 0;
    sliding->before = sees_all ? window / 2 : window - 1;
    sliding->after = sees_all ? window / 2 : 0;
    VF_TRY(vf_config_size_or(config, "sliding_window_pattern", 6, VF_MAX_LAYERS, &period, err));
    VF_TRY(vf_config_layer_types(config, period ? period : 1, 1, n, err));
    VF_TRY(vf_config_number(config, "query_pre_attn_scalar", 256, &scalar, err));
    if (!(scalar > 0))
        return vf_fail(err, VF_ERR_DATA, "%s: \"query_pre_attn_scalar\" is %g, not above 0",
            config->path, scalar);
    n->attention_scale = 1 / sqrt(scalar);
out:
    return rc;
}

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_refuse_present(config, "auto_map", err));
    VF_TRY(vf_config_refuse_present(config, "attn_logit_softcapping", err));
    VF_TRY(vf_llama_read(config, "hidden_activation", n, err));
    VF_TRY(read_attention(config, n, err));
    n->embedding_scale = (float)sqrt((double)n->hidden_size);
    n->norm_weight_offset = 1;
out:
    return rc;
}

const struct vf_architecture vf_gemma3_text_architecture = {
    .model_type = "gemma3_text",
    .class_name = "Gemma3Text",
    .read = read_config,
    .names =
        {
            VF_LLAMA_NAMES,
            .attention_input_norm = "input_layernorm",
            .query_norm = "self_attn.q_norm",
            .key_norm = "self_attn.k_norm",
            .attention_output_norm = "post_attention_layernorm",
            .ffn_input_norm = "pre_feedforward_layernorm",
            .ffn_output_norm = "post_feedforward_layernorm",
        },
};
