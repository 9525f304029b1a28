/* Boizard et al., EuroBERT, https://arxiv.org/abs/2503.05500: Llama that sees the whole text. */
#include "model/architectures/llama_config.h"

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_expect_own_code(config, "EuroBertModel", err));
    VF_TRY(vf_llama_read(config, "hidden_act", n, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){.theta = "rope_theta", .default_theta = 10000, .is_scaled = true},
        n->head_size, &n->attention[VF_ATTENTION_FULL].rotary, err));
out:
    return rc;
}

const struct vf_architecture vf_eurobert_architecture = {
    .model_type = "eurobert",
    .class_name = "EuroBert",
    .read = read_config,
    .names =
        {
            VF_LLAMA_NAMES,
            .attention_input_norm = "input_layernorm",
            .ffn_input_norm = "post_attention_layernorm",
        },
};
