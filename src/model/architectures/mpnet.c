/* Song et al., MPNet, https://arxiv.org/abs/2004.09297: BERT without token types, with T5's biases
 * for distances. */
#include "model/architectures/bert_config.h"

/* Of the biases, whatever the number of buckets. */
enum { BUCKETS = 32, MAX_DISTANCE = 128 };

static int read_config(
    const struct vf_config_json *config, struct vf_network *network, struct vf_err *err)
{
    int rc;
    size_t buckets;
    VF_TRY(vf_bert_read(config, network, err));
    VF_TRY(vf_config_size_or(
        config, "relative_attention_num_buckets", BUCKETS, SIZE_MAX, &buckets, err));
    if (buckets != BUCKETS) {
        rc = vf_fail(err, VF_ERR_DATA,
            "%s: \"relative_attention_num_buckets\" is %zu; known here: %d", config->path, buckets,
            BUCKETS);
        goto out;
    }
    network->relative = (struct vf_relative){
        .scheme = VF_RELATIVE_BIAS, .buckets = BUCKETS, .max_distance = MAX_DISTANCE};
    VF_TRY(vf_config_padding(config, NULL, 1, network, err));
out:
    return rc;
}

const struct vf_architecture vf_mpnet_architecture = {
    .model_type = "mpnet",
    .class_name = "MPNet",
    .read = read_config,
    .names =
        {
            .prefix = "mpnet.",
            VF_BERT_EMBEDDINGS_NAMES,
            .relative_bias = "encoder.relative_attention_bias",
            .layer = "encoder.layer.",
            .query = "attention.attn.q",
            .key = "attention.attn.k",
            .value = "attention.attn.v",
            .attention_output = "attention.attn.o",
            .attention_sum_norm = "attention.LayerNorm",
            VF_BERT_FFN_NAMES,
        },
};
