#include "model/model_config.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct vf_network defaults = {
    .embedding_scale = 1,
    .padding_id = -1,
    .group_size = 1,
    .attention = {{.before = SIZE_MAX, .after = SIZE_MAX}, {.before = SIZE_MAX, .after = SIZE_MAX}},
};

/* Fills what follows from what the reader of the architecture has filled. */
static int complete(const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    if (n->head_size == 0) {
        if (n->hidden_size % n->heads != 0)
            return vf_fail(err, VF_ERR_DATA, "%s: %zu attention heads do not divide %zu numbers",
                config->path, n->heads, n->hidden_size);
        n->head_size = n->hidden_size / n->heads;
    }
    if (n->head_size > VF_MAX_HEAD_SIZE)
        return vf_fail(err, VF_ERR_DATA,
            "%s: attention heads of %zu numbers are over the limit of %d", config->path,
            n->head_size, VF_MAX_HEAD_SIZE);
    if (n->kv_heads == 0)
        n->kv_heads = n->heads;
    if (n->heads % n->kv_heads != 0)
        return vf_fail(err, VF_ERR_DATA, "%s: %zu heads of keys do not divide %zu of queries",
            config->path, n->kv_heads, n->heads);
    if (n->attention_scale == 0)
        n->attention_scale = 1 / sqrt((double)n->head_size);
    if (n->embedding_size == 0)
        n->embedding_size = n->hidden_size;
    if (n->distinct_layers == 0) {
        n->distinct_layers = n->layers;
        for (size_t i = 0; i < n->layers; i++)
            n->layer_weights[i] = (uint16_t)i;
    }
    return 0;
}

static int read_network(const struct vf_config_json *json, struct vf_model_config *config,
    const struct vf_architecture **ret, struct vf_err *err)
{
    int rc;
    const struct vf_architecture *architecture;
    struct vf_network network = defaults;
    VF_TRY(vf_architecture_find(json, &architecture, err));
    network.architecture = architecture->model_type;
    VF_TRY(architecture->read(json, &network, err));
    VF_TRY(complete(json, &network, err));
    if (json->task && network.adapter.count == 0) {
        rc = vf_fail(err, VF_ERR_CONFIG, "%s: the model has no adapters to tasks", json->path);
        vf_hint(err, "leave out the task \"%s\"", json->task);
        goto out;
    }
    config->network = network;
    *ret = architecture;
out:
    return rc;
}

/* By the name of the class that the network was made with. */
static int read_causal_lm(const struct vf_config_json *json, bool *ret, struct vf_err *err)
{
    static const char ending[] = "ForCausalLM";
    const char *name =
        json_string_value(json_array_get(json_object_get(json->json, "architectures"), 0));
    size_t n = name ? strlen(name) : 0, n_ending = sizeof ending - 1;
    bool is_causal;
    int rc = vf_config_flag(json, "is_causal", true, &is_causal, err);
    if (rc == 0)
        *ret = is_causal && n >= n_ending && strcmp(name + n - n_ending, ending) == 0;
    return rc;
}

int vf_model_config_load(const char *directory, const char *task, bool with_weights,
    struct vf_model_config *config, const struct vf_architecture **ret, struct vf_err *err)
{
    int rc;
    json_t *json = NULL;
    char *path = vf_path_join(directory, "config.json");
    if (!path) {
        rc = vf_fail_memory(err, "a path");
        goto out;
    }
    rc = vf_json_load(path, VF_MODEL_JSON_MAX_BYTES, &json, err);
    if (rc == VF_ERR_NOT_FOUND)
        vf_hint(err, "give a directory that holds a model: config.json, tokenizer.json, "
                     "model.safetensors");
    VF_TRY(rc);
    const struct vf_config_json read = {json, path, task, with_weights};
    VF_TRY(read_network(&read, config, ret, err));
    VF_TRY(read_causal_lm(&read, &config->is_causal_lm, err));
out:
    json_decref(json);
    free(path);
    return rc;
}

/* The limit that the tokenizer has by its own file; INFINITY when it has none, for then the file
 * holds a number that no text reaches. */
static int read_model_max_length(const char *path, double *ret, struct vf_err *err)
{
    int rc;
    json_t *json = NULL;
    double length;
    VF_TRY(vf_json_load_reals(path, VF_MODEL_JSON_MAX_BYTES, &json, err));
    VF_TRY(vf_json_get_number(json, "max_len", path, (double)INFINITY, &length, err));
    VF_TRY(vf_json_get_number(json, "model_max_length", path, length, &length, err));
    if (!(length >= 1) || length != floor(length)) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"model_max_length\" is %g, which is not a length",
            path, length);
        goto out;
    }
    *ret = length;
out:
    json_decref(json);
    return rc;
}

int vf_model_config_load_max_length(
    const char *directory, struct vf_model_config *config, struct vf_err *err)
{
    static const char file[] = "tokenizer_config.json";
    double length = (double)INFINITY;
    char *path = vf_path_join(directory, file);
    if (!path)
        return vf_fail_memory(err, "a path");
    int rc = vf_is_file(path) ? read_model_max_length(path, &length, err) : 0;
    free(path);
    if (rc)
        return rc;
    bool capped = length > (double)config->network.max_positions;
    config->max_seq_length = capped ? config->network.max_positions : (size_t)length;
    config->max_seq_length_source = capped ? "config.json" : file;
    return 0;
}
