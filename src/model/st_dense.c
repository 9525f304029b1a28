#include "model/st_dense.h"

#include "base/file.h"
#include "model/config_json.h"
#include "model/st_json.h"

#include <stdlib.h>
#include <string.h>

/* By the class in torch.nn; both of its dotted names are used. */
static const char *const activations[] = {
    [VF_DENSE_IDENTITY] = "Identity",
    [VF_DENSE_TANH] = "Tanh",
    [VF_DENSE_GELU] = "GELU",
    [VF_DENSE_RELU] = "ReLU",
    [VF_DENSE_SILU] = "SiLU",
    [VF_DENSE_SIGMOID] = "Sigmoid",
};

const char *vf_dense_activation_name(enum vf_dense_activation activation)
{
    return activations[activation];
}

static int read_activation(
    const json_t *json, const char *path, enum vf_dense_activation *ret, struct vf_err *err)
{
    static const char key[] = "activation_function", prefix[] = "torch.nn.";
    const char *name;
    int rc = vf_json_get_string(json, key, path, "torch.nn.Tanh", &name, err);
    if (rc)
        return rc;
    const char *last = strrchr(name, '.');
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
        if (strncmp(name, prefix, strlen(prefix)) == 0 && strcmp(last + 1, activations[i]) == 0) {
            *ret = (enum vf_dense_activation)i;
            return 0;
        }
    }
    return vf_fail(err, VF_ERR_DATA,
        "%s: \"%s\" is \"%s\"; known here, of torch.nn: Identity, Tanh, GELU, ReLU, SiLU, Sigmoid",
        path, key, name);
}

/* A size in [1, VF_MAX_HIDDEN_SIZE]. */
static int read_size(
    const json_t *json, const char *key, const char *path, size_t *ret, struct vf_err *err)
{
    const struct vf_config_json config = {.json = json, .path = path};
    return vf_config_size(&config, key, VF_MAX_HIDDEN_SIZE, ret, err);
}

static int read_config(
    const json_t *json, const char *path, struct vf_head_step *step, struct vf_err *err)
{
    static const char vector[] = "sentence_embedding";
    int rc;
    VF_TRY(read_size(json, "in_features", path, &step->inputs, err));
    VF_TRY(read_size(json, "out_features", path, &step->outputs, err));
    VF_TRY(vf_json_get_bool(json, "bias", path, true, &step->has_bias, err));
    VF_TRY(vf_json_get_bool(json, "use_residual", path, false, &step->adds_input, err));
    VF_TRY(read_activation(json, path, &step->activation, err));
    VF_TRY(vf_st_expect(json, "module_input_name", path, vector, err));
    VF_TRY(vf_st_expect(json, "module_output_name", path, vector, err));
out:
    return rc;
}

int vf_st_dense_load(
    const char *directory, size_t inputs, struct vf_head_step *ret, struct vf_err *err)
{
    int rc;
    json_t *json = NULL;
    struct vf_head_step step = {.kind = VF_HEAD_DENSE};
    char *path = vf_path_join(directory, "config.json");
    if (!path) {
        rc = vf_fail_memory(err, "a path");
        goto out;
    }
    VF_TRY(vf_st_load(path, JSON_OBJECT, &json, err));
    VF_TRY(read_config(json, path, &step, err));
    if (step.inputs != inputs) {
        rc = vf_fail(err, VF_ERR_DATA,
            "%s: \"in_features\" is %zu, but the module before it gives %zu numbers", path,
            step.inputs, inputs);
        goto out;
    }
    *ret = step;
out:
    json_decref(json);
    free(path);
    return rc;
}

int vf_st_dense_load_tensors(const struct vf_checkpoint *checkpoint, struct vf_head_step *step,
    uint64_t *parameters, struct vf_err *err)
{
    int rc;
    uint64_t matrix = (uint64_t)step->inputs * step->outputs;
    VF_TRY(vf_checkpoint_matrix(
        checkpoint, "linear.weight", step->outputs, step->inputs, &step->linear.weight, err));
    *parameters += matrix;
    if (step->has_bias) {
        VF_TRY(vf_checkpoint_vector(
            checkpoint, "linear.bias", step->outputs, &step->linear.bias, err));
        *parameters += step->outputs;
    }
    if (step->adds_input && step->inputs != step->outputs) {
        VF_TRY(vf_checkpoint_matrix(
            checkpoint, "residual.weight", step->outputs, step->inputs, &step->residual, err));
        *parameters += matrix;
    }
out:
    return rc;
}
