/* Warner et al., ModernBERT, https://arxiv.org/abs/2412.13663: norms before attention and
 * feed-forward, most layers within a window. */
#include "model/architectures/architecture.h"
#include "model/attention_config.h"

static int read_attention(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    size_t window, period;
    struct vf_attention_kind *full = &n->attention[VF_ATTENTION_FULL];
    struct vf_attention_kind *sliding = &n->attention[VF_ATTENTION_SLIDING];
    VF_TRY(vf_config_heads(config, n, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){"full_attention", "global_rope_theta", 160000, true, false},
        n->head_size, &full->rotary, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){"sliding_attention", "local_rope_theta", 10000, true, false},
        n->head_size, &sliding->rotary, err));
    VF_TRY(vf_config_size_or(config, "local_attention", 128, VF_MAX_POSITIONS, &window, err));
    sliding->before = sliding->after = window / 2;
    VF_TRY(vf_config_size_or(config, "global_attn_every_n_layers", 3, VF_MAX_LAYERS, &period, err));
    VF_TRY(vf_config_layer_types(config, period ? period : 1, 0, n, err));
out:
    return rc;
}

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    bool attention_bias, ffn_bias;
    VF_TRY(vf_config_refuse_variants(config, err));
    VF_TRY(vf_config_refuse_present(config, "auto_map", err));
    VF_TRY(vf_config_activation(config, "hidden_activation", &n->activation, err));
    VF_TRY(vf_config_size(config, "hidden_size", VF_MAX_HIDDEN_SIZE, &n->hidden_size, err));
    VF_TRY(vf_config_size(
        config, "intermediate_size", VF_MAX_INTERMEDIATE_SIZE, &n->intermediate_size, err));
    VF_TRY(vf_config_size(config, "num_hidden_layers", VF_MAX_LAYERS, &n->layers, err));
    VF_TRY(vf_config_size(config, "vocab_size", VF_MAX_VOCAB_SIZE, &n->vocab_size, err));
    VF_TRY(vf_config_size(
        config, "max_position_embeddings", VF_MAX_POSITIONS, &n->max_positions, err));
    VF_TRY(vf_config_eps(config, "norm_eps", 1e-5, &n->norm_eps, err));
    VF_TRY(vf_config_flag(config, "norm_bias", false, &n->biases.norm, err));
    VF_TRY(vf_config_flag(config, "attention_bias", false, &attention_bias, err));
    VF_TRY(vf_config_flag(config, "mlp_bias", false, &ffn_bias, err));
    n->biases.query_key_value = n->biases.attention_output = attention_bias;
    n->biases.ffn_input = n->biases.ffn_output = ffn_bias;
    VF_TRY(read_attention(config, n, err));
    n->gated = true;
    n->skip_first_norm = true;
out:
    return rc;
}

const struct vf_architecture vf_modernbert_architecture = {
    .model_type = "modernbert",
    .class_name = "ModernBert",
    .read = read_config,
    .names =
        {
            .prefix = "model.",
            .word_embeddings = "embeddings.tok_embeddings",
            .embeddings_norm = "embeddings.norm",
            .layer = "layers.",
            .attention_input_norm = "attn_norm",
            .query_key_value = "attn.Wqkv",
            .attention_output = "attn.Wo",
            .ffn_input_norm = "mlp_norm",
            .gate_up = "mlp.Wi",
            .down = "mlp.Wo",
            .final_norm = "final_norm",
        },
};
