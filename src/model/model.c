#include "model/model.h"

#include "model/model_config.h"
#include "model/network_tensors.h"
#include "model/st_modules.h"

#include <stdlib.h>

struct vf_model {
    struct vf_model_config config;
    struct vf_checkpoint *checkpoint; /* NULL without weights */
    const struct vf_architecture *architecture;
    struct vf_network_tensors tensors;
    uint64_t parameters;
};

static int open_weights(const char *directory, struct vf_model *model, struct vf_err *err)
{
    int rc = vf_checkpoint_open(directory, &model->checkpoint, err);
    if (rc)
        return rc;
    return vf_network_tensors_load(model->checkpoint, &model->config.network,
        &model->architecture->names, &model->tensors, &model->parameters, err);
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
    VF_TRY(vf_model_config_load(directory, &model->config, &model->architecture, err));
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
    vf_network_tensors_release(&model->tensors);
    vf_checkpoint_close(model->checkpoint);
    free(model);
}

const struct vf_model_config *vf_model_config(const struct vf_model *model)
{
    return &model->config;
}

const struct vf_network_tensors *vf_model_tensors(const struct vf_model *model)
{
    return model->checkpoint ? &model->tensors : NULL;
}

uint64_t vf_model_parameters(const struct vf_model *model)
{
    return model->parameters;
}

uint64_t vf_model_file_bytes(const struct vf_model *model)
{
    return model->checkpoint ? vf_checkpoint_bytes(model->checkpoint) : 0;
}
