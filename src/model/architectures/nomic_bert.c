/* BERT with rotary positions and a gated feed-forward: nomic-embed-text, and others of its code.
 * Files have the keys of transformers, or those of nomic-ai's own code, which are GPT-2's. */
#include "model/architectures/bert_config.h"
#include "model/attention_config.h"

#include <string.h>

/* What the own code can vary and none of its models does. */
static int refuse_own_variants(const struct vf_config_json *config, struct vf_err *err)
{
    static const char *const flags[] = {"causal", "parallel_block", "prenorm", "use_rms_norm",
        "rotary_emb_interleaved", "qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias"};
    static const char *const keys[] = {
        "rotary_emb_scale_base", "rotary_scaling_factor", "num_experts"};
    int rc = 0;
    double fraction;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        VF_TRY(vf_config_refuse_true(config, flags[i], err));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        VF_TRY(vf_config_refuse_present(config, keys[i], err));
    VF_TRY(vf_config_number(config, "rotary_emb_fraction", 1, &fraction, err));
    if (fraction != 1)
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"rotary_emb_fraction\" is %g; known here: 1",
            config->path, fraction);
out:
    return rc;
}

static int read_own_keys(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_expect_own_code(config, "NomicBertModel", err));
    VF_TRY(refuse_own_variants(config, err));
    VF_TRY(vf_config_expect(config, "activation_function", "swiglu", err));
    n->activation = VF_ACT_SILU;
    VF_TRY(vf_config_size(config, "n_embd", VF_MAX_HIDDEN_SIZE, &n->hidden_size, err));
    VF_TRY(vf_config_size(config, "n_inner", VF_MAX_INTERMEDIATE_SIZE, &n->intermediate_size, err));
    VF_TRY(vf_config_size(config, "n_layer", VF_MAX_LAYERS, &n->layers, err));
    VF_TRY(vf_config_size(config, "n_head", VF_MAX_HEADS, &n->heads, err));
    VF_TRY(vf_config_size(config, "n_positions", VF_MAX_POSITIONS, &n->max_positions, err));
    VF_TRY(vf_config_size(config, "vocab_size", VF_MAX_VOCAB_SIZE, &n->vocab_size, err));
    VF_TRY(vf_config_eps(config, "layer_norm_epsilon", 1e-5, &n->norm_eps, err));
    if (n->hidden_size % n->heads != 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"n_head\" %zu does not divide \"n_embd\" %zu",
            config->path, n->heads, n->hidden_size);
    n->head_size = n->hidden_size / n->heads;
out:
    return rc;
}

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    bool has_own_keys = json_object_get(config->json, "n_embd");
    VF_TRY(vf_config_refuse_variants(config, err));
    if (has_own_keys)
        VF_TRY(read_own_keys(config, n, err));
    else
        VF_TRY(vf_bert_read_sizes(config, n, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){.theta = has_own_keys ? "rotary_emb_base" : "rope_theta",
            .default_theta = has_own_keys ? 10000 : 1000,
            .is_scaled = true},
        n->head_size, &n->attention[VF_ATTENTION_FULL].rotary, err));
    VF_TRY(vf_config_size_or(
        config, "type_vocab_size", 2, VF_MAX_TYPE_VOCAB_SIZE, &n->type_vocab_size, err));
    n->gated = true;
    n->biases = (struct vf_biases){.norm = true};
out:
    return rc;
}

const struct vf_architecture vf_nomic_bert_architecture = {
    .model_type = "nomic_bert",
    .class_name = "NomicBert",
    .read = read_config,
    .names =
        {
            .prefix = "bert.",
            .word_embeddings = "embeddings.word_embeddings",
            .token_type_embeddings = "embeddings.token_type_embeddings",
            .embeddings_norm = "emb_ln",
            .layer = "encoder.layers.",
            .query_key_value = "attn.Wqkv",
            .attention_output = "attn.out_proj",
            .attention_sum_norm = "norm1",
            .gate = "mlp.fc12",
            .up = "mlp.fc11",
            .down = "mlp.fc2",
            .ffn_sum_norm = "norm2",
        },
};
