/* XLM-RoBERTa with rotary positions, as transformers has jina-embeddings-v3: the network without
 * its tasks' adapters. */
#include "model/architectures/bert_config.h"
#include "model/attention_config.h"

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_refuse_variants(config, err));
    VF_TRY(vf_config_refuse_present(config, "auto_map", err));
    VF_TRY(vf_bert_read_sizes(config, n, err));
    VF_TRY(vf_config_size_or(
        config, "type_vocab_size", 1, VF_MAX_TYPE_VOCAB_SIZE, &n->type_vocab_size, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){.theta = "rope_theta", .default_theta = 20000, .is_scaled = true},
        n->head_size, &n->attention[VF_ATTENTION_FULL].rotary, err));
    n->biases = (struct vf_biases){.norm = true,
        .query_key_value = true,
        .attention_output = true,
        .ffn_input = true,
        .ffn_output = true};
out:
    return rc;
}

const struct vf_architecture vf_jina_embeddings_v3_architecture = {
    .model_type = "jina_embeddings_v3",
    .class_name = "JinaEmbeddingsV3",
    .read = read_config,
    .names =
        {
            .prefix = "roberta.",
            .word_embeddings = "embeddings.word_embeddings",
            .token_type_embeddings = "embeddings.token_type_embeddings",
            .embeddings_norm = "emb_ln",
            .layer = "encoder.layers.",
            .query_key_value = "mixer.Wqkv",
            .attention_output = "mixer.out_proj",
            .attention_sum_norm = "norm1",
            .up = "mlp.fc1",
            .down = "mlp.fc2",
            .ffn_sum_norm = "norm2",
        },
};
