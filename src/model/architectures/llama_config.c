#include "model/architectures/llama_config.h"

int vf_llama_read(const struct vf_config_json *config, const char *activation_key,
    struct vf_network *n, struct vf_err *err)
{
    int rc;
    bool attention_bias, ffn_bias;
    VF_TRY(vf_config_refuse_variants(config, err));
    VF_TRY(vf_config_require(config, activation_key, err));
    VF_TRY(vf_config_activation(config, activation_key, &n->activation, err));
    VF_TRY(vf_config_size(config, "hidden_size", VF_MAX_HIDDEN_SIZE, &n->hidden_size, err));
    VF_TRY(vf_config_size(
        config, "intermediate_size", VF_MAX_INTERMEDIATE_SIZE, &n->intermediate_size, err));
    VF_TRY(vf_config_size(config, "num_hidden_layers", VF_MAX_LAYERS, &n->layers, err));
    VF_TRY(vf_config_heads(config, n, err));
    VF_TRY(vf_config_size(config, "vocab_size", VF_MAX_VOCAB_SIZE, &n->vocab_size, err));
    VF_TRY(vf_config_size(
        config, "max_position_embeddings", VF_MAX_POSITIONS, &n->max_positions, err));
    VF_TRY(vf_config_eps(config, "rms_norm_eps", 1e-6, &n->norm_eps, err));
    VF_TRY(vf_config_flag(config, "attention_bias", false, &attention_bias, err));
    VF_TRY(vf_config_flag(config, "mlp_bias", false, &ffn_bias, err));
    n->norm = VF_NORM_RMS;
    n->gated = true;
    n->biases.query_key_value = n->biases.attention_output = attention_bias;
    n->biases.ffn_input = n->biases.ffn_output = ffn_bias;
out:
    return rc;
}
