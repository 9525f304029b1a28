/* XLM-RoBERTa with rotary positions: jina-embeddings-v3. In transformers it is a network alone; in
 * files for Jina's own code, whose "model_type" is XLM-RoBERTa's, with an adapter for each task.
 * Sturua et al., https://arxiv.org/abs/2409.10173 */
#include "base/buf.h"
#include "model/architectures/bert_config.h"
#include "model/attention_config.h"

#include <string.h>

enum { MAX_TASKS = 64, MAX_RANK = 256 };

static const double MAX_ALPHA = 1e4;

static int read_network(const struct vf_config_json *config, const char *theta_key,
    struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_refuse_variants(config, err));
    VF_TRY(vf_bert_read_sizes(config, n, err));
    VF_TRY(vf_config_size_or(
        config, "type_vocab_size", 1, VF_MAX_TYPE_VOCAB_SIZE, &n->type_vocab_size, err));
    VF_TRY(vf_config_rotary(config,
        &(struct vf_rotary_keys){.theta = theta_key, .default_theta = 20000, .is_scaled = true},
        n->head_size, &n->attention[VF_ATTENTION_FULL].rotary, err));
    n->biases = (struct vf_biases){.norm = true,
        .query_key_value = true,
        .attention_output = true,
        .ffn_input = true,
        .ffn_output = true};
out:
    return rc;
}

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_refuse_present(config, "auto_map", err));
    VF_TRY(read_network(config, "rope_theta", n, err));
out:
    return rc;
}

/* Says which tasks there are. */
static int fail_task(const struct vf_config_json *config, const json_t *tasks, struct vf_err *err)
{
    struct vf_buf names = {0};
    size_t i;
    const json_t *task;
    int rc = 0;
    json_array_foreach(tasks, i, task)
        VF_TRY(vf_buf_printf(&names, err, "%s%s", i ? ", " : "", json_string_value(task)));
    rc = config->task ? vf_fail(err, VF_ERR_CONFIG, "%s: there is no adapter to a task \"%s\"",
                            config->path, config->task)
                      : vf_fail(err, VF_ERR_CONFIG,
                            "%s: the model has an adapter to each of some tasks, and none is "
                            "chosen",
                            config->path);
    vf_hint(err, "choose a task: %s", names.data);
out:
    vf_buf_release(&names);
    return rc;
}

static int read_task(
    const struct vf_config_json *config, struct vf_adapter *adapter, struct vf_err *err)
{
    const json_t *tasks = json_object_get(config->json, "lora_adaptations"), *task;
    size_t i, found = SIZE_MAX;
    adapter->count = json_array_size(tasks);
    if (adapter->count == 0 || adapter->count > MAX_TASKS)
        return vf_fail(err, VF_ERR_DATA, "%s: \"lora_adaptations\" is not a list of 1 to %d tasks",
            config->path, MAX_TASKS);
    json_array_foreach(tasks, i, task)
    {
        const char *name = json_string_value(task);
        if (!name)
            return vf_fail(
                err, VF_ERR_DATA, "%s: \"lora_adaptations\" holds what is no string", config->path);
        if (config->task && strcmp(name, config->task) == 0)
            found = i;
    }
    if (found == SIZE_MAX && (config->task || config->with_weights))
        return fail_task(config, tasks, err);
    adapter->index = found == SIZE_MAX ? 0 : found;
    return 0;
}

static int read_with_adapters(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    double alpha;
    VF_TRY(vf_config_expect_own_code(config, "XLMRobertaLoRA", err));
    VF_TRY(read_network(config, "rotary_emb_base", n, err));
    VF_TRY(read_task(config, &n->adapter, err));
    VF_TRY(vf_config_size(config, "lora_rank", MAX_RANK, &n->adapter.rank, err));
    VF_TRY(vf_config_number(config, "lora_alpha", 1, &alpha, err));
    if (!(alpha > 0 && alpha <= MAX_ALPHA))
        return vf_fail(err, VF_ERR_DATA, "%s: \"lora_alpha\" is %g, outside of 0 to %g",
            config->path, alpha, MAX_ALPHA);
    n->adapter.scale = (float)(alpha / (double)n->adapter.rank);
out:
    return rc;
}

#define TENSOR_NAMES                                                                               \
    {                                                                                              \
        .prefix = "roberta.", .word_embeddings = "embeddings.word_embeddings",                     \
        .token_type_embeddings = "embeddings.token_type_embeddings", .embeddings_norm = "emb_ln",  \
        .layer = "encoder.layers.", .query_key_value = "mixer.Wqkv",                               \
        .attention_output = "mixer.out_proj", .attention_sum_norm = "norm1", .up = "mlp.fc1",      \
        .down = "mlp.fc2", .ffn_sum_norm = "norm2",                                                \
    }

const struct vf_architecture vf_jina_embeddings_v3_architecture = {
    .model_type = "jina_embeddings_v3",
    .class_name = "JinaEmbeddingsV3",
    .read = read_config,
    .names = TENSOR_NAMES,
};

const struct vf_architecture vf_jina_adapters_architecture = {
    .model_type = "xlm-roberta",
    .positions = "rotary",
    .class_name = "XLMRobertaLoRA",
    .read = read_with_adapters,
    .names = TENSOR_NAMES,
};
