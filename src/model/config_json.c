#include "model/config_json.h"

#include <string.h>

static const double max_norm_eps = 0.1;

int vf_config_fail_value(const struct vf_config_json *config, const char *key, const char *value,
    const char *known, struct vf_err *err)
{
    return vf_fail(
        err, VF_ERR_DATA, "%s: \"%s\" is \"%s\"; known here: %s", config->path, key, value, known);
}

int vf_config_require(const struct vf_config_json *config, const char *key, struct vf_err *err)
{
    const json_t *value = json_object_get(config->json, key);
    return value && !json_is_null(value)
               ? 0
               : vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is missing", config->path, key);
}

int vf_config_size(const struct vf_config_json *config, const char *key, size_t max, size_t *ret,
    struct vf_err *err)
{
    size_t value;
    int rc = vf_config_require(config, key, err);
    if (rc)
        return rc;
    rc = vf_json_get_size(config->json, key, config->path, 0, max, &value, err);
    if (rc)
        return rc;
    if (value == 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is 0", config->path, key);
    *ret = value;
    return 0;
}

int vf_config_size_or(const struct vf_config_json *config, const char *key, size_t fallback,
    size_t max, size_t *ret, struct vf_err *err)
{
    return vf_json_get_size(config->json, key, config->path, fallback, max, ret, err);
}

int vf_config_flag(const struct vf_config_json *config, const char *key, bool fallback, bool *ret,
    struct vf_err *err)
{
    return vf_json_get_bool(config->json, key, config->path, fallback, ret, err);
}

int vf_config_number(const struct vf_config_json *config, const char *key, double fallback,
    double *ret, struct vf_err *err)
{
    return vf_json_get_number(config->json, key, config->path, fallback, ret, err);
}

int vf_config_eps(const struct vf_config_json *config, const char *key, double fallback, float *ret,
    struct vf_err *err)
{
    double eps;
    int rc = vf_config_number(config, key, fallback, &eps, err);
    if (rc)
        return rc;
    if (!(eps > 0 && eps <= max_norm_eps))
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is %g, outside of 0 to %g", config->path, key,
            eps, max_norm_eps);
    *ret = (float)eps;
    return 0;
}

int vf_config_activation(const struct vf_config_json *config, const char *key,
    enum vf_activation *ret, struct vf_err *err)
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
        {"silu", VF_ACT_SILU},
        {"swish", VF_ACT_SILU},
    };
    const char *name;
    int rc = vf_json_get_string(config->json, key, config->path, "gelu", &name, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0) {
            *ret = known[i].activation;
            return 0;
        }
    }
    return vf_config_fail_value(config, key, name,
        "gelu, gelu_python, gelu_new, gelu_fast, gelu_pytorch_tanh, relu, silu, swish", err);
}

int vf_config_padding(const struct vf_config_json *config, const char *key, size_t fallback,
    struct vf_network *network, struct vf_err *err)
{
    size_t id = fallback;
    int rc = key ? vf_config_size_or(config, key, fallback, network->vocab_size - 1, &id, err) : 0;
    if (rc)
        return rc;
    if (network->position_rows <= id + 1)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"max_position_embeddings\" is %zu: none is left behind the padding's, %zu",
            config->path, network->position_rows, id);
    network->padding_id = (int32_t)id;
    network->max_positions = network->position_rows - (id + 1);
    return 0;
}

int vf_config_expect(
    const struct vf_config_json *config, const char *key, const char *known, struct vf_err *err)
{
    const char *value;
    int rc = vf_json_get_string(config->json, key, config->path, known, &value, err);
    if (rc)
        return rc;
    return strcmp(value, known) == 0 ? 0 : vf_config_fail_value(config, key, value, known, err);
}

int vf_config_refuse_true(const struct vf_config_json *config, const char *key, struct vf_err *err)
{
    bool value;
    int rc = vf_config_flag(config, key, false, &value, err);
    if (rc)
        return rc;
    return value ? vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is true, which is not supported",
                       config->path, key)
                 : 0;
}

int vf_config_refuse_present(
    const struct vf_config_json *config, const char *key, struct vf_err *err)
{
    const json_t *value = json_object_get(config->json, key);
    return value && !json_is_null(value)
               ? vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is there, which is not supported",
                     config->path, key)
               : 0;
}
