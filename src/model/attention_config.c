#include "model/attention_config.h"

#include <math.h>
#include <string.h>

static const double MAX_THETA = 1e12, MAX_FACTOR = 1e4;

int vf_config_heads(const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_size(config, "num_attention_heads", VF_MAX_HEADS, &n->heads, err));
    VF_TRY(vf_config_size_or(
        config, "num_key_value_heads", n->heads, VF_MAX_HEADS, &n->kv_heads, err));
    VF_TRY(vf_config_size_or(config, "head_dim", 0, VF_MAX_HEAD_SIZE, &n->head_size, err));
    if (n->head_size > 0)
        return 0;
    if (n->hidden_size % n->heads != 0)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"num_attention_heads\" %zu does not divide \"hidden_size\" %zu", config->path,
            n->heads, n->hidden_size);
    n->head_size = n->hidden_size / n->heads;
out:
    return rc;
}

/* Rotary positions as they are written. */
struct rope {
    const char *type;
    double theta, factor;
};

/* Reads what `json`, "rope_parameters" or "rope_scaling", has; without it nothing changes. */
static int read_rope(const json_t *json, const char *path, struct rope *rope, struct vf_err *err)
{
    int rc = 0;
    double part;
    if (!json || json_is_null(json))
        return 0;
    if (!json_is_object(json))
        return vf_fail(err, VF_ERR_DATA, "%s: the rotary positions are not an object", path);
    VF_TRY(vf_json_get_string(json, "type", path, rope->type, &rope->type, err));
    VF_TRY(vf_json_get_string(json, "rope_type", path, rope->type, &rope->type, err));
    VF_TRY(vf_json_get_number(json, "rope_theta", path, rope->theta, &rope->theta, err));
    VF_TRY(vf_json_get_number(json, "factor", path, rope->factor, &rope->factor, err));
    VF_TRY(vf_json_get_number(json, "partial_rotary_factor", path, 1, &part, err));
    if (part != 1)
        rc = vf_fail(
            err, VF_ERR_DATA, "%s: \"partial_rotary_factor\" is %g; known here: 1", path, part);
    if (rc == 0 && json_object_get(json, "mixed_b") &&
        !json_is_null(json_object_get(json, "mixed_b")))
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"mixed_b\" is there, which is not supported", path);
out:
    return rc;
}

/* The rotary positions of `keys`, whichever way the file has them. */
static int read_keys(const struct vf_config_json *config, const struct vf_rotary_keys *keys,
    struct rope *rope, struct vf_err *err)
{
    int rc;
    const json_t *parameters = json_object_get(config->json, "rope_parameters");
    const json_t *of_type =
        keys->layer_type ? json_object_get(parameters, keys->layer_type) : parameters;
    *rope = (struct rope){"default", keys->default_theta, 1};
    VF_TRY(vf_config_number(config, keys->theta, rope->theta, &rope->theta, err));
    VF_TRY(read_rope(of_type, config->path, rope, err));
    if (keys->is_scaled)
        VF_TRY(read_rope(json_object_get(config->json, "rope_scaling"), config->path, rope, err));
    if (!(rope->theta > 1 && rope->theta <= MAX_THETA))
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is %g, outside of 1 to %g", config->path,
            keys->theta, rope->theta, MAX_THETA);
    else if (!(rope->factor >= 1 && rope->factor <= MAX_FACTOR))
        rc = vf_fail(err, VF_ERR_DATA,
            "%s: \"factor\" of rotary positions is %g, outside of 1 to "
            "%g",
            config->path, rope->factor, MAX_FACTOR);
out:
    return rc;
}

/* In float32 step by step, as the reference computes them: over thousands of positions a last bit
 * of a frequency would be seen. */
static void set_frequencies(double theta, double divisor, size_t head_size, struct vf_rotary *ret)
{
    *ret = (struct vf_rotary){.scale = 1};
    for (size_t j = 0; j < head_size / 2; j++) {
        float exponent = (float)(2 * j) / (float)head_size;
        ret->frequencies[j] = 1 / (float)pow(theta, (double)exponent) / (float)divisor;
    }
}

int vf_config_rotary(const struct vf_config_json *config, const struct vf_rotary_keys *keys,
    size_t head_size, struct vf_rotary *ret, struct vf_err *err)
{
    int rc;
    struct rope rope;
    VF_TRY(read_keys(config, keys, &rope, err));
    if (head_size % 2 != 0 || head_size > VF_MAX_HEAD_SIZE)
        return vf_fail(err, VF_ERR_DATA,
            "%s: heads of %zu numbers cannot be rotated; known here: even sizes up to %d",
            config->path, head_size, VF_MAX_HEAD_SIZE);
    if (strcmp(rope.type, "default") == 0)
        set_frequencies(rope.theta, 1, head_size, ret);
    else if (strcmp(rope.type, "linear") == 0)
        set_frequencies(rope.theta, rope.factor, head_size, ret);
    else if (keys->knows_ntk && strcmp(rope.type, "ntk") == 0)
        set_frequencies(
            rope.theta * rope.factor, pow(rope.factor, 2 / (double)head_size), head_size, ret);
    else
        rc = vf_config_fail_value(config, "rope_type", rope.type,
            keys->knows_ntk ? "default, linear, ntk" : "default, linear", err);
out:
    return rc;
}

static int read_layer_type(
    const struct vf_config_json *config, const json_t *type, uint8_t *ret, struct vf_err *err)
{
    const char *name = json_string_value(type) ? json_string_value(type) : "";
    if (strcmp(name, "full_attention") == 0)
        *ret = VF_ATTENTION_FULL;
    else if (strcmp(name, "sliding_attention") == 0)
        *ret = VF_ATTENTION_SLIDING;
    else
        return vf_config_fail_value(
            config, "layer_types", name, "full_attention, sliding_attention", err);
    return 0;
}

int vf_config_layer_types(const struct vf_config_json *config, size_t period, size_t shift,
    struct vf_network *network, struct vf_err *err)
{
    int rc = 0;
    const json_t *types = json_object_get(config->json, "layer_types");
    bool is_listed = types && !json_is_null(types);
    if (is_listed && json_array_size(types) != network->layers)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"layer_types\" has not one entry for each of %zu "
            "layers",
            config->path, network->layers);
    for (size_t i = 0; i < network->layers; i++) {
        if (is_listed)
            VF_TRY(read_layer_type(
                config, json_array_get(types, i), &network->attention_of_layer[i], err));
        else
            network->attention_of_layer[i] =
                (i + shift) % period == 0 ? VF_ATTENTION_FULL : VF_ATTENTION_SLIDING;
    }
out:
    return rc;
}
