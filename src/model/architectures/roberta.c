/* Liu et al., RoBERTa, https://arxiv.org/abs/1907.11692, and those that differ from it in weights
 * and tokenizer alone: BERT whose positions count from behind the padding token's id. */
#include "model/architectures/bert_config.h"

static int read_config(
    const struct vf_config_json *config, struct vf_network *network, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_bert_read(config, network, err));
    VF_TRY(vf_config_size(
        config, "type_vocab_size", VF_MAX_TYPE_VOCAB_SIZE, &network->type_vocab_size, err));
    VF_TRY(vf_config_padding(config, "pad_token_id", 1, network, err));
out:
    return rc;
}

#define ROBERTA_NAMES                                                                              \
    {                                                                                              \
        .prefix = "roberta.", VF_BERT_EMBEDDINGS_NAMES, VF_BERT_LAYER_NAMES                        \
    }

const struct vf_architecture vf_roberta_architecture = {
    .model_type = "roberta", .class_name = "Roberta", .read = read_config, .names = ROBERTA_NAMES};

const struct vf_architecture vf_xlm_roberta_architecture = {.model_type = "xlm-roberta",
    .class_name = "XLMRoberta",
    .read = read_config,
    .names = ROBERTA_NAMES};

const struct vf_architecture vf_camembert_architecture = {.model_type = "camembert",
    .class_name = "Camembert",
    .read = read_config,
    .names = ROBERTA_NAMES};
