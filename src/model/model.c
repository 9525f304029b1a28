#include "model/model.h"

#include "base/file.h"
#include "model/bert_tensors.h"
#include "model/model_config.h"
#include "model/safetensors.h"
#include "model/st_modules.h"

#include <stdlib.h>

struct vf_model {
    struct vf_model_config config;
    struct vf_safetensors *file; /* NULL without weights */
    struct vf_bert_weights weights;
    uint64_t parameters;
};

static bool has_file(const char *directory, const char *name)
{
    char *path = vf_path_join(directory, name);
    bool found = path && vf_is_file(path);
    free(path);
    return found;
}

/* Says why there is no model.safetensors to read. */
static int fail_no_weights(const char *directory, struct vf_err *err)
{
    static const char index_name[] = "model.safetensors.index.json";
    static const char pickle_name[] = "pytorch_model.bin";
    if (has_file(directory, index_name))
        return vf_fail(err, VF_ERR_DATA,
            "%s: the weights lie in several files (%s), which is not supported", directory,
            index_name);
    if (has_file(directory, pickle_name)) {
        int rc = vf_fail(err, VF_ERR_DATA,
            "%s: the weights are only there as %s, a format that can run code and is not read",
            directory, pickle_name);
        vf_hint(err, "take a revision of the model that has a model.safetensors");
        return rc;
    }
    int rc = vf_fail(err, VF_ERR_NOT_FOUND, "%s: there is no model.safetensors", directory);
    vf_hint(err, "fetch the model anew, or give a directory that holds all of it");
    return rc;
}

static int open_weights(const char *directory, struct vf_model *model, struct vf_err *err)
{
    int rc;
    static const char name[] = "model.safetensors";
    if (!has_file(directory, name))
        return fail_no_weights(directory, err);
    char *path = vf_path_join(directory, name);
    if (!path)
        return vf_fail_memory(err, "a path");
    VF_TRY(vf_safetensors_open(path, &model->file, err));
    VF_TRY(vf_bert_tensors_load(
        model->file, &model->config, &model->weights, &model->parameters, err));
out:
    free(path);
    return rc;
}

int vf_model_open(
    const char *directory, bool with_weights, struct vf_model **ret, struct vf_err *err)
{
    int rc;
    struct vf_model *model = calloc(1, sizeof(*model));
    if (!model) {
        rc = vf_fail_memory(err, "a model");
        goto out;
    }
    VF_TRY(vf_model_config_load(directory, &model->config, err));
    VF_TRY(vf_model_config_load_max_length(directory, &model->config, err));
    VF_TRY(vf_st_modules_load(directory, &model->config, err));
    if (with_weights)
        VF_TRY(open_weights(directory, model, err));
    *ret = model;
    model = NULL;
out:
    vf_model_close(model);
    return rc;
}

void vf_model_close(struct vf_model *model)
{
    if (!model)
        return;
    vf_bert_tensors_release(&model->weights);
    vf_safetensors_close(model->file);
    free(model);
}

const struct vf_model_config *vf_model_config(const struct vf_model *model)
{
    return &model->config;
}

const struct vf_bert_weights *vf_model_weights(const struct vf_model *model)
{
    return model->file ? &model->weights : NULL;
}

uint64_t vf_model_parameters(const struct vf_model *model)
{
    return model->parameters;
}

uint64_t vf_model_file_bytes(const struct vf_model *model)
{
    return model->file ? vf_safetensors_bytes(model->file) : 0;
}
