/* Lan et al., ALBERT, https://arxiv.org/abs/1909.11942: BERT whose layers share their weights in
 * groups, and whose embeddings are narrower than its states. */
#include "model/architectures/bert_config.h"

/* The layers are spread over the groups of weights, and run all layers of their group. */
static int share_layers(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    size_t groups, inner, layers = n->layers;
    VF_TRY(vf_config_size_or(config, "num_hidden_groups", 1, layers, &groups, err));
    VF_TRY(vf_config_size_or(config, "inner_group_num", 1, VF_MAX_LAYERS, &inner, err));
    if (groups == 0 || inner == 0 || layers * inner > VF_MAX_LAYERS) {
        rc = vf_fail(err, VF_ERR_DATA,
            "%s: %zu layers in %zu groups (\"num_hidden_groups\") of %zu (\"inner_group_num\"): at "
            "least one of each and at most %d layers in all are supported",
            config->path, layers, groups, inner, VF_MAX_LAYERS);
        goto out;
    }
    n->layers = layers * inner;
    n->group_size = inner;
    n->distinct_layers = groups * inner;
    double layers_of_group = (double)layers / (double)groups;
    for (size_t i = 0; i < n->layers; i++) {
        size_t group = (size_t)((double)(i / inner) / layers_of_group);
        n->layer_weights[i] = (uint16_t)(group * inner + i % inner);
    }
out:
    return rc;
}

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_require(config, "hidden_act", err));
    VF_TRY(vf_bert_read(config, n, err));
    VF_TRY(vf_config_size(
        config, "type_vocab_size", VF_MAX_TYPE_VOCAB_SIZE, &n->type_vocab_size, err));
    VF_TRY(vf_config_size(config, "embedding_size", VF_MAX_HIDDEN_SIZE, &n->embedding_size, err));
    VF_TRY(share_layers(config, n, err));
    n->projects_embeddings = true;
out:
    return rc;
}

const struct vf_architecture vf_albert_architecture = {
    .model_type = "albert",
    .class_name = "Albert",
    .read = read_config,
    .names =
        {
            .prefix = "albert.",
            VF_BERT_EMBEDDINGS_NAMES,
            .embeddings_projection = "encoder.embedding_hidden_mapping_in",
            .layer = "encoder.albert_layer_groups.",
            .inner_layer = ".albert_layers.",
            .query = "attention.query",
            .key = "attention.key",
            .value = "attention.value",
            .attention_output = "attention.dense",
            .attention_sum_norm = "attention.LayerNorm",
            .up = "ffn",
            .down = "ffn_output",
            .ffn_sum_norm = "full_layer_layer_norm",
        },
};
