#include "model/model.h"

#include "base/file.h"
#include "model/checkpoint_files.h"
#include "model/model_config.h"
#include "model/network_tensors.h"
#include "model/st_dense.h"
#include "model/st_modules.h"
#include "model/st_settings.h"

#include <stdlib.h>
#include <string.h>

struct vf_model {
    char *directory;
    struct vf_model_config config;
    const struct vf_architecture *architecture;
    struct vf_prompts prompts;
    char *folders[VF_HEAD_MAX_STEPS]; /* of config.head's steps */
    struct vf_checkpoint *checkpoint; /* NULL without weights */
    struct vf_checkpoint *dense[VF_HEAD_MAX_STEPS];
    struct vf_network_tensors tensors;
    uint64_t parameters;
};

/* ---- opening ---- */

static int open_dense(struct vf_model *model, size_t i, struct vf_err *err)
{
    int rc = vf_checkpoint_open(model->folders[i], &model->dense[i], err);
    if (rc)
        return rc;
    return vf_st_dense_load_tensors(
        model->dense[i], &model->config.head.steps[i], &model->parameters, err);
}

static int open_weights(struct vf_model *model, struct vf_err *err)
{
    const struct vf_sentence_head *head = &model->config.head;
    int rc;
    VF_TRY(vf_checkpoint_open(model->directory, &model->checkpoint, err));
    VF_TRY(vf_network_tensors_load(model->checkpoint, &model->config.network,
        &model->architecture->names, &model->tensors, &model->parameters, err));
    for (size_t i = 0; i < head->n_steps; i++)
        if (head->steps[i].kind == VF_HEAD_DENSE)
            VF_TRY(open_dense(model, i, err));
out:
    return rc;
}

/* The files of sentence-transformers; those beside modules.json count only together with it. */
static int load_sentence_files(struct vf_model *model, struct vf_err *err)
{
    struct vf_model_config *config = &model->config;
    struct vf_st_modules modules = {0};
    struct vf_st_settings settings = {0};
    int rc;
    VF_TRY(vf_st_modules_load(model->directory, &config->network,
        config->is_causal_lm ? VF_POOL_LAST : VF_POOL_MEAN, &modules, err));
    if (modules.is_there)
        VF_TRY(vf_st_settings_load(model->directory, &settings, err));
    config->head = modules.head;
    config->has_modules = modules.is_there;
    config->do_lower_case = settings.do_lower_case;
    config->st_max_seq_length = settings.max_seq_length;
    if (settings.truncate_dim < config->head.dimensions)
        config->truncate_dim = settings.truncate_dim;
    memcpy(model->folders, modules.folders, sizeof model->folders);
    model->prompts = settings.prompts;
    return 0;
out:
    vf_st_modules_release(&modules);
    vf_st_settings_release(&settings);
    return rc;
}

/* Transformers adds the adapter that this file describes to the weights, when PEFT is installed. */
static int refuse_adapter_file(const char *directory, struct vf_err *err)
{
    int rc = 0;
    char *path = vf_path_join(directory, "adapter_config.json");
    if (!path)
        return vf_fail_memory(err, "a path");
    if (vf_is_file(path)) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: adapters in a file of their own are not read", path);
        vf_hint(err, "merge the adapter into the weights, or remove that file to run without it");
    }
    free(path);
    return rc;
}

int vf_model_open(const char *directory, const char *task, bool with_weights, struct vf_model **ret,
    struct vf_err *err)
{
    int rc;
    struct vf_model *model = calloc(1, sizeof(*model));
    if (!model || !(model->directory = strdup(directory))) {
        rc = vf_fail_memory(err, "a model");
        goto out;
    }
    VF_TRY(refuse_adapter_file(directory, err));
    VF_TRY(vf_model_config_load(
        directory, task, with_weights, &model->config, &model->architecture, err));
    VF_TRY(vf_model_config_load_max_length(directory, &model->config, err));
    VF_TRY(load_sentence_files(model, err));
    if (with_weights)
        VF_TRY(open_weights(model, err));
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
    for (size_t i = 0; i < VF_HEAD_MAX_STEPS; i++) {
        vf_checkpoint_close(model->dense[i]);
        free(model->folders[i]);
    }
    vf_prompts_release(&model->prompts);
    free(model->directory);
    free(model);
}

/* ---- queries ---- */

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
    uint64_t bytes = model->checkpoint ? vf_checkpoint_bytes(model->checkpoint) : 0;
    for (size_t i = 0; i < VF_HEAD_MAX_STEPS; i++)
        bytes += model->dense[i] ? vf_checkpoint_bytes(model->dense[i]) : 0;
    return bytes;
}

const struct vf_prompts *vf_model_prompts(const struct vf_model *model)
{
    return &model->prompts;
}

static int visit_files(
    const char *directory, vf_path_visitor *visit, void *context, struct vf_err *err)
{
    struct vf_checkpoint_files files = {0};
    int rc = vf_checkpoint_files_list(directory, &files, err);
    for (size_t i = 0; i < files.n && rc == 0; i++)
        rc = visit(context, files.paths[i], err);
    vf_checkpoint_files_release(&files);
    return rc;
}

int vf_model_visit_weights(
    const struct vf_model *model, vf_path_visitor *visit, void *context, struct vf_err *err)
{
    const struct vf_sentence_head *head = &model->config.head;
    int rc = visit_files(model->directory, visit, context, err);
    for (size_t i = 0; i < head->n_steps && rc == 0; i++)
        if (head->steps[i].kind == VF_HEAD_DENSE)
            rc = visit_files(model->folders[i], visit, context, err);
    return rc;
}
