#include "model/model_config.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sanity limits: far beyond every encoder, small enough that no product of two overflows. */
enum {
    MAX_HIDDEN_SIZE = 1 << 14,
    MAX_INTERMEDIATE_SIZE = 1 << 17,
    MAX_LAYERS = 256,
    MAX_HEADS = 256,
    MAX_HEAD_SIZE = 256,
    MAX_VOCAB_SIZE = 1 << 22,
    MAX_TYPE_VOCAB_SIZE = 1 << 10,
    MAX_POSITIONS = 1 << 20
};

static const double max_layer_norm_eps = 0.1;

static int fail_value(
    const char *path, const char *key, const char *value, const char *known, struct vf_err *err)
{
    return vf_fail(
        err, VF_ERR_DATA, "%s: \"%s\" is \"%s\"; known here: %s", path, key, value, known);
}

/* A size in [1, max] that must be there. */
static int require_size(const json_t *config, const char *key, const char *path, size_t max,
    size_t *ret, struct vf_err *err)
{
    if (!json_object_get(config, key))
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is missing", path, key);
    size_t value;
    int rc = vf_json_get_size(config, key, path, 0, max, &value, err);
    if (rc)
        return rc;
    if (value == 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is 0 or null", path, key);
    *ret = value;
    return 0;
}

/* Refuses `key` when it is true: it changes the network into one that is not computed here. */
static int refuse_true(const json_t *config, const char *key, const char *path, struct vf_err *err)
{
    bool value;
    int rc = vf_json_get_bool(config, key, path, false, &value, err);
    if (rc)
        return rc;
    return value
               ? vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is true, which is not supported", path, key)
               : 0;
}

static int refuse_present(
    const json_t *config, const char *key, const char *path, struct vf_err *err)
{
    const json_t *value = json_object_get(config, key);
    return value && !json_is_null(value)
               ? vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is there, which is not supported", path, key)
               : 0;
}

static int read_activation(
    const json_t *config, const char *path, enum vf_activation *ret, struct vf_err *err)
{
    static const struct {
        const char *name;
        enum vf_activation activation;
    } known[] = {
        {"gelu", VF_ACT_GELU_ERF},
        {"gelu_python", VF_ACT_GELU_ERF},
        {"gelu_new", VF_ACT_GELU_TANH},
        {"gelu_fast", VF_ACT_GELU_TANH},
        {"gelu_pytorch_tanh", VF_ACT_GELU_TANH},
        {"relu", VF_ACT_RELU},
    };
    const char *name;
    int rc = vf_json_get_string(config, "hidden_act", path, "gelu", &name, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0) {
            *ret = known[i].activation;
            return 0;
        }
    }
    return fail_value(path, "hidden_act", name,
        "gelu, gelu_python, gelu_new, gelu_fast, gelu_pytorch_tanh, relu", err);
}

static int check_kind(const json_t *config, const char *path, struct vf_err *err)
{
    int rc;
    const char *model_type, *positions;
    VF_TRY(vf_json_get_string(config, "model_type", path, "", &model_type, err));
    if (strcmp(model_type, "bert") != 0) {
        rc = fail_value(path, "model_type", model_type, "bert", err);
        goto out;
    }
    VF_TRY(
        vf_json_get_string(config, "position_embedding_type", path, "absolute", &positions, err));
    if (strcmp(positions, "absolute") != 0) {
        rc = fail_value(path, "position_embedding_type", positions, "absolute", err);
        goto out;
    }
    VF_TRY(refuse_true(config, "is_decoder", path, err));
    VF_TRY(refuse_true(config, "add_cross_attention", path, err));
    VF_TRY(refuse_present(config, "auto_map", path, err));
    VF_TRY(refuse_present(config, "quantization_config", path, err));
out:
    return rc;
}

static int read_sizes(
    const json_t *json, const char *path, struct vf_model_config *config, struct vf_err *err)
{
    const struct {
        const char *key;
        size_t max, *ret;
    } sizes[] = {
        {"hidden_size", MAX_HIDDEN_SIZE, &config->hidden_size},
        {"intermediate_size", MAX_INTERMEDIATE_SIZE, &config->intermediate_size},
        {"num_hidden_layers", MAX_LAYERS, &config->layers},
        {"num_attention_heads", MAX_HEADS, &config->heads},
        {"vocab_size", MAX_VOCAB_SIZE, &config->vocab_size},
        {"type_vocab_size", MAX_TYPE_VOCAB_SIZE, &config->type_vocab_size},
        {"max_position_embeddings", MAX_POSITIONS, &config->max_positions},
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int rc = require_size(json, sizes[i].key, path, sizes[i].max, sizes[i].ret, err);
        if (rc)
            return rc;
    }
    if (config->hidden_size % config->heads != 0)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"num_attention_heads\" %zu does not divide \"hidden_size\" %zu", path,
            config->heads, config->hidden_size);
    if (config->hidden_size / config->heads > MAX_HEAD_SIZE)
        return vf_fail(err, VF_ERR_DATA,
            "%s: heads of %zu numbers (\"hidden_size\" / \"num_attention_heads\") are over the "
            "limit "
            "of %d",
            path, config->hidden_size / config->heads, MAX_HEAD_SIZE);
    return 0;
}

static int read_layer_norm_eps(const json_t *json, const char *path, float *ret, struct vf_err *err)
{
    double eps;
    int rc = vf_json_get_number(json, "layer_norm_eps", path, 1e-12, &eps, err);
    if (rc)
        return rc;
    if (!(eps > 0 && eps <= max_layer_norm_eps))
        return vf_fail(err, VF_ERR_DATA, "%s: \"layer_norm_eps\" is %g, outside of 0 to %g", path,
            eps, max_layer_norm_eps);
    *ret = (float)eps;
    return 0;
}

int vf_model_config_load(const char *directory, struct vf_model_config *config, struct vf_err *err)
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
    VF_TRY(check_kind(json, path, err));
    config->architecture = VF_ARCH_BERT;
    VF_TRY(read_activation(json, path, &config->activation, err));
    VF_TRY(read_sizes(json, path, config, err));
    VF_TRY(read_layer_norm_eps(json, path, &config->layer_norm_eps, err));
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
    bool capped = length > (double)config->max_positions;
    config->max_seq_length = capped ? config->max_positions : (size_t)length;
    config->max_seq_length_source = capped ? "config.json" : file;
    return 0;
}
