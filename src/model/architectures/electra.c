/* Clark et al., ELECTRA, https://arxiv.org/abs/2003.10555: BERT whose embeddings may be narrower
 * than its states. */
#include "model/architectures/bert_config.h"

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_bert_read(config, n, err));
    VF_TRY(vf_config_size(
        config, "type_vocab_size", VF_MAX_TYPE_VOCAB_SIZE, &n->type_vocab_size, err));
    VF_TRY(vf_config_size(config, "embedding_size", VF_MAX_HIDDEN_SIZE, &n->embedding_size, err));
    n->projects_embeddings = n->embedding_size != n->hidden_size;
out:
    return rc;
}

const struct vf_architecture vf_electra_architecture = {
    .model_type = "electra",
    .class_name = "Electra",
    .read = read_config,
    .names =
        {
            .prefix = "electra.",
            VF_BERT_EMBEDDINGS_NAMES,
            .embeddings_projection = "embeddings_project",
            VF_BERT_LAYER_NAMES,
        },
};
