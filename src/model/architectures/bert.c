#include "model/architectures/bert_config.h"
#include "model/attention_config.h"

int vf_bert_read_sizes(
    const struct vf_config_json *config, struct vf_network *network, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_activation(config, "hidden_act", &network->activation, err));
    VF_TRY(vf_config_size(config, "hidden_size", VF_MAX_HIDDEN_SIZE, &network->hidden_size, err));
    VF_TRY(vf_config_size(
        config, "intermediate_size", VF_MAX_INTERMEDIATE_SIZE, &network->intermediate_size, err));
    VF_TRY(vf_config_size(config, "num_hidden_layers", VF_MAX_LAYERS, &network->layers, err));
    VF_TRY(vf_config_heads(config, network, err));
    VF_TRY(vf_config_size(config, "vocab_size", VF_MAX_VOCAB_SIZE, &network->vocab_size, err));
    VF_TRY(vf_config_size(
        config, "max_position_embeddings", VF_MAX_POSITIONS, &network->max_positions, err));
    VF_TRY(vf_config_eps(config, "layer_norm_eps", 1e-12, &network->norm_eps, err));
out:
    return rc;
}

int vf_bert_read(
    const struct vf_config_json *config, struct vf_network *network, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_refuse_variants(config, err));
    VF_TRY(vf_config_refuse_present(config, "auto_map", err));
    VF_TRY(vf_config_expect(config, "position_embedding_type", "absolute", err));
    VF_TRY(vf_bert_read_sizes(config, network, err));
    network->position_rows = network->max_positions;
    network->biases = (struct vf_biases){true, true, true, true, true, true};
out:
    return rc;
}

static int read_config(
    const struct vf_config_json *config, struct vf_network *network, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_bert_read(config, network, err));
    VF_TRY(vf_config_size(
        config, "type_vocab_size", VF_MAX_TYPE_VOCAB_SIZE, &network->type_vocab_size, err));
out:
    return rc;
}

const struct vf_architecture vf_bert_architecture = {
    .model_type = "bert",
    .class_name = "Bert",
    .read = read_config,
    .names = {.prefix = "bert.", VF_BERT_EMBEDDINGS_NAMES, VF_BERT_LAYER_NAMES},
};
