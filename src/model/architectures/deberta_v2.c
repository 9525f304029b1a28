/* He et al., DeBERTaV3, https://arxiv.org/abs/2111.09543, and its predecessors: BERT with
 * disentangled attention. The convolution of the largest models of version 2 is not computed. */
#include "model/architectures/bert_config.h"

#include <math.h>
#include <string.h>

/* Whether one of the parts of `list`, which '|' separates, is `word`. */
static bool lists_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *part = list; *part; part += strcspn(part, "|"), part += *part == '|') {
        const char *begin = part + strspn(part, " ");
        size_t n = strcspn(begin, "| ");
        if (n == length && strncmp(begin, word, n) == 0)
            return true;
    }
    return false;
}

/* "pos_att_type" is a list of "c2p" and "p2c", as an array or separated by '|'. */
static int read_products(
    const struct vf_config_json *config, struct vf_relative *relative, struct vf_err *err)
{
    static const char key[] = "pos_att_type";
    const json_t *value = json_object_get(config->json, key);
    if (json_is_string(value)) {
        relative->content_to_position = lists_word(json_string_value(value), "c2p");
        relative->position_to_content = lists_word(json_string_value(value), "p2c");
        return 0;
    }
    if (value && !json_is_null(value) && !json_is_array(value))
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is not a list", config->path, key);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *name = json_string_value(json_array_get(value, i));
        if (name && strcmp(name, "c2p") == 0)
            relative->content_to_position = true;
        else if (name && strcmp(name, "p2c") == 0)
            relative->position_to_content = true;
        else
            return vf_config_fail_value(config, key, name ? name : "no string", "c2p, p2c", err);
    }
    return 0;
}

/* An integer up to `max`; 0 where it is missing or negative, which means that there is none. */
static int read_optional_size(const struct vf_config_json *config, const char *key, size_t max,
    size_t *ret, struct vf_err *err)
{
    double value;
    int rc = vf_config_number(config, key, -1, &value, err);
    if (rc)
        return rc;
    if (value != floor(value) || value > (double)max)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is %g, not a whole number up to %zu",
            config->path, key, value, max);
    *ret = value > 0 ? (size_t)value : 0;
    return 0;
}

/* Buckets must have a middle, and the longest distance must lie behind it, for the logarithms
 * between the two to be numbers. */
static int check_buckets(
    const struct vf_config_json *config, const struct vf_relative *relative, struct vf_err *err)
{
    if (relative->buckets == 0 ||
        (relative->buckets >= 2 && relative->max_distance > relative->buckets / 2 + 1))
        return 0;
    return vf_fail(err, VF_ERR_DATA,
        "%s: \"position_buckets\" %zu and \"max_relative_positions\" %zu leave no room for "
        "logarithms",
        config->path, relative->buckets, relative->max_distance);
}

static int read_relative(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    bool is_relative;
    const char *norm;
    struct vf_relative *relative = &n->relative;
    VF_TRY(vf_config_flag(config, "relative_attention", false, &is_relative, err));
    VF_TRY(vf_config_flag(config, "share_att_key", false, &relative->share_projections, err));
    VF_TRY(read_products(config, relative, err));
    VF_TRY(
        read_optional_size(config, "position_buckets", VF_MAX_POSITIONS, &relative->buckets, err));
    VF_TRY(read_optional_size(
        config, "max_relative_positions", VF_MAX_POSITIONS, &relative->max_distance, err));
    VF_TRY(vf_json_get_string(config->json, "norm_rel_ebd", config->path, "none", &norm, err));
    if (relative->max_distance == 0)
        relative->max_distance = n->max_positions;
    VF_TRY(check_buckets(config, relative, err));
    relative->norm_distances = lists_word(norm, "layer_norm");
    /* The scores are sums of as many products. */
    size_t products = 1 + relative->content_to_position + relative->position_to_content;
    n->attention_scale = 1 / sqrt((double)n->hidden_size / (double)n->heads * (double)products);
    relative->scheme = is_relative && products > 1 ? VF_RELATIVE_DISENTANGLED : VF_RELATIVE_NONE;
out:
    return rc;
}

/* Refuses a size under `key` other than `known`. */
static int expect_size(
    const struct vf_config_json *config, const char *key, size_t known, struct vf_err *err)
{
    size_t value;
    int rc = vf_config_size_or(config, key, known, SIZE_MAX, &value, err);
    if (rc == 0 && value != known)
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is %zu; known here: %zu", config->path, key,
            value, known);
    return rc;
}

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    bool has_positions;
    VF_TRY(vf_config_require(config, "layer_norm_eps", err));
    VF_TRY(vf_bert_read(config, n, err));
    VF_TRY(vf_config_size_or(
        config, "type_vocab_size", 0, VF_MAX_TYPE_VOCAB_SIZE, &n->type_vocab_size, err));
    VF_TRY(vf_config_flag(config, "position_biased_input", true, &has_positions, err));
    VF_TRY(expect_size(config, "embedding_size", n->hidden_size, err));
    VF_TRY(expect_size(config, "attention_head_size", n->hidden_size / n->heads, err));
    VF_TRY(expect_size(config, "conv_kernel_size", 0, err));
    VF_TRY(read_relative(config, n, err));
    if (!has_positions)
        n->position_rows = 0;
out:
    return rc;
}

const struct vf_architecture vf_deberta_v2_architecture = {
    .model_type = "deberta-v2",
    .class_name = "DebertaV2",
    .read = read_config,
    .names =
        {
            .prefix = "deberta.",
            VF_BERT_EMBEDDINGS_NAMES,
            .distance_embeddings = "encoder.rel_embeddings",
            .distance_norm = "encoder.LayerNorm",
            .layer = "encoder.layer.",
            .query = "attention.self.query_proj",
            .key = "attention.self.key_proj",
            .value = "attention.self.value_proj",
            .position_query = "attention.self.pos_query_proj",
            .position_key = "attention.self.pos_key_proj",
            .attention_output = "attention.output.dense",
            .attention_sum_norm = "attention.output.LayerNorm",
            VF_BERT_FFN_NAMES,
        },
};
