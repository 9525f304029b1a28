/* Alibaba's general text embeddings, and others of their code: BERT with rotary positions and a
 * gated feed-forward. In transformers it is "gte", in repositories with the code of their own
 * "new"; both have the same files. */
#include "model/architectures/bert_config.h"
#include "model/attention_config.h"

#include <string.h>

static int read_config(
    const struct vf_config_json *config, bool is_new, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_refuse_variants(config, err));
    VF_TRY(vf_config_expect_own_code(config, is_new ? "NewModel" : "GteModel", err));
    VF_TRY(vf_config_expect(config, "position_embedding_type", "rope", err));
    VF_TRY(vf_config_expect(config, "layer_norm_type", "layer_norm", err));
    VF_TRY(vf_config_refuse_true(config, "logn_attention_scale", err));
    VF_TRY(vf_bert_read_sizes(config, n, err));
    VF_TRY(vf_config_size_or(
        config, "type_vocab_size", 1, VF_MAX_TYPE_VOCAB_SIZE, &n->type_vocab_size, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){.theta = "rope_theta",
            .default_theta = is_new ? 10000 : 160000,
            .is_scaled = true,
            .knows_ntk = true},
        n->head_size, &n->attention[VF_ATTENTION_FULL].rotary, err));
    n->gated = true;
    n->biases = (struct vf_biases){
        .norm = true, .query_key_value = true, .attention_output = true, .ffn_output = true};
out:
    return rc;
}

static int read_gte(const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    return read_config(config, false, n, err);
}

static int read_new(const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    return read_config(config, true, n, err);
}

#define TENSOR_NAMES                                                                               \
    {                                                                                              \
        .prefix = "new.", .word_embeddings = "embeddings.word_embeddings",                         \
        .token_type_embeddings = "embeddings.token_type_embeddings",                               \
        .embeddings_norm = "embeddings.LayerNorm", .layer = "encoder.layer.",                      \
        .query_key_value = "attention.qkv_proj", .attention_output = "attention.o_proj",           \
        .attention_sum_norm = "attn_ln", .up_gate = "mlp.up_gate_proj", .down = "mlp.down_proj",   \
        .ffn_sum_norm = "mlp_ln",                                                                  \
    }

const struct vf_architecture vf_gte_architecture = {
    .model_type = "gte", .class_name = "Gte", .read = read_gte, .names = TENSOR_NAMES};

const struct vf_architecture vf_new_architecture = {
    .model_type = "new", .class_name = "New", .read = read_new, .names = TENSOR_NAMES};
