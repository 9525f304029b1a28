#include "model/bert_tensors.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

/* Where tensors are taken from; `name` is the full name of the one at hand. */
struct loader {
    const struct vf_checkpoint *checkpoint;
    const char *prefix;
    struct vf_buf name;
    uint64_t parameters;
};

static int set_name(struct loader *loader, const char *module, const char *part, struct vf_err *err)
{
    vf_buf_clear(&loader->name);
    return vf_buf_printf(&loader->name, err, "%s%s.%s", loader->prefix, module, part);
}

static int load_matrix(struct loader *loader, const char *module, size_t rows, size_t cols,
    struct vf_tensor *ret, struct vf_err *err)
{
    int rc;
    VF_TRY(set_name(loader, module, "weight", err));
    VF_TRY(vf_checkpoint_matrix(loader->checkpoint, loader->name.data, rows, cols, ret, err));
    loader->parameters += (uint64_t)rows * cols;
out:
    return rc;
}

static int load_vector(struct loader *loader, const char *module, const char *part, size_t size,
    struct vf_tensor *ret, struct vf_err *err)
{
    int rc;
    VF_TRY(set_name(loader, module, part, err));
    VF_TRY(vf_checkpoint_vector(loader->checkpoint, loader->name.data, size, ret, err));
    loader->parameters += size;
out:
    return rc;
}

static int load_linear(struct loader *loader, const char *module, size_t outputs, size_t inputs,
    struct vf_tensor *ret_weight, struct vf_tensor *ret_bias, struct vf_err *err)
{
    int rc;
    VF_TRY(load_matrix(loader, module, outputs, inputs, ret_weight, err));
    VF_TRY(load_vector(loader, module, "bias", outputs, ret_bias, err));
out:
    return rc;
}

static int load_norm(struct loader *loader, const char *module, size_t size,
    struct vf_tensor *ret_gamma, struct vf_tensor *ret_beta, struct vf_err *err)
{
    int rc;
    VF_TRY(set_name(loader, module, "gamma", err));
    bool older = vf_checkpoint_has(loader->checkpoint, loader->name.data);
    VF_TRY(load_vector(loader, module, older ? "gamma" : "weight", size, ret_gamma, err));
    VF_TRY(load_vector(loader, module, older ? "beta" : "bias", size, ret_beta, err));
out:
    return rc;
}

static int load_embeddings(struct loader *loader, const struct vf_model_config *config,
    struct vf_bert_weights *ret, struct vf_err *err)
{
    int rc;
    size_t hidden = config->hidden_size;
    VF_TRY(load_matrix(loader, "embeddings.word_embeddings", config->vocab_size, hidden,
        &ret->word_embeddings, err));
    VF_TRY(load_matrix(loader, "embeddings.position_embeddings", config->max_positions, hidden,
        &ret->position_embeddings, err));
    VF_TRY(load_matrix(loader, "embeddings.token_type_embeddings", config->type_vocab_size, hidden,
        &ret->token_type_embeddings, err));
    VF_TRY(load_norm(loader, "embeddings.LayerNorm", hidden, &ret->embeddings_norm,
        &ret->embeddings_norm_bias, err));
out:
    return rc;
}

static int load_layer(struct loader *loader, const struct vf_model_config *config, size_t index,
    struct vf_bert_layer *ret, struct vf_err *err)
{
    size_t hidden = config->hidden_size, inner = config->intermediate_size;
    const struct {
        const char *module;
        size_t outputs, inputs;
        struct vf_tensor *weight, *bias;
    } linears[] = {
        {"attention.self.query", hidden, hidden, &ret->query, &ret->query_bias},
        {"attention.self.key", hidden, hidden, &ret->key, &ret->key_bias},
        {"attention.self.value", hidden, hidden, &ret->value, &ret->value_bias},
        {"attention.output.dense", hidden, hidden, &ret->attention_output,
            &ret->attention_output_bias},
        {"intermediate.dense", inner, hidden, &ret->intermediate, &ret->intermediate_bias},
        {"output.dense", hidden, inner, &ret->output, &ret->output_bias},
    };
    int rc = 0;
    struct vf_buf module = {0};
    for (size_t i = 0; i < sizeof(linears) / sizeof(linears[0]); i++) {
        vf_buf_clear(&module);
        VF_TRY(vf_buf_printf(&module, err, "encoder.layer.%zu.%s", index, linears[i].module));
        VF_TRY(load_linear(loader, module.data, linears[i].outputs, linears[i].inputs,
            linears[i].weight, linears[i].bias, err));
    }
    vf_buf_clear(&module);
    VF_TRY(vf_buf_printf(&module, err, "encoder.layer.%zu.attention.output.LayerNorm", index));
    VF_TRY(load_norm(
        loader, module.data, hidden, &ret->attention_norm, &ret->attention_norm_bias, err));
    vf_buf_clear(&module);
    VF_TRY(vf_buf_printf(&module, err, "encoder.layer.%zu.output.LayerNorm", index));
    VF_TRY(load_norm(loader, module.data, hidden, &ret->output_norm, &ret->output_norm_bias, err));
out:
    vf_buf_release(&module);
    return rc;
}

int vf_bert_tensors_load(const struct vf_checkpoint *checkpoint,
    const struct vf_model_config *config, struct vf_bert_weights *ret, uint64_t *ret_parameters,
    struct vf_err *err)
{
    int rc;
    bool prefixed = vf_checkpoint_has(checkpoint, "bert.embeddings.word_embeddings.weight");
    struct loader loader = {.checkpoint = checkpoint, .prefix = prefixed ? "bert." : ""};
    struct vf_bert_weights weights = {0};
    weights.layers = calloc(config->layers, sizeof(*weights.layers));
    if (!weights.layers) {
        rc = vf_fail_memory(err, "the layers of a model");
        goto out;
    }
    VF_TRY(load_embeddings(&loader, config, &weights, err));
    for (size_t i = 0; i < config->layers; i++)
        VF_TRY(load_layer(&loader, config, i, &weights.layers[i], err));
    *ret = weights;
    *ret_parameters = loader.parameters;
    weights = (struct vf_bert_weights){0};
out:
    vf_bert_tensors_release(&weights);
    vf_buf_release(&loader.name);
    return rc;
}

void vf_bert_tensors_release(struct vf_bert_weights *weights)
{
    free(weights->layers);
    *weights = (struct vf_bert_weights){0};
}
