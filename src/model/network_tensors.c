#include "model/network_tensors.h"

#include "base/buf.h"

#include <stdlib.h>

/* Where tensors are taken from. */
struct loader {
    const struct vf_checkpoint *checkpoint;
    const struct vf_network *network;
    const struct vf_tensor_names *names;
    const char *prefix;
    struct vf_buf layer; /* what precedes the names of the layer at hand; empty outside of layers */
    struct vf_buf name;  /* the full name of the tensor at hand */
    uint64_t parameters;
};

static int set_name(struct loader *loader, const char *module, const char *part, struct vf_err *err)
{
    vf_buf_clear(&loader->name);
    return vf_buf_printf(&loader->name, err, "%s%s%s.%s", loader->prefix,
        loader->layer.size ? loader->layer.data : "", module, part);
}

/* What follows a module's name for its weight. */
static const char *weight_part(const struct loader *loader)
{
    return loader->network->adapter.count > 0 ? "parametrizations.weight.original" : "weight";
}

/* The adapter's part `letter` for a module, [rows, cols]. */
static int load_adapter_part(struct loader *loader, const char *module, char letter, size_t rows,
    size_t cols, struct vf_tensor *ret, struct vf_err *err)
{
    int rc;
    const struct vf_adapter *adapter = &loader->network->adapter;
    char part[] = "parametrizations.weight.0.lora_A";
    part[sizeof(part) - 2] = letter;
    VF_TRY(set_name(loader, module, part, err));
    VF_TRY(vf_checkpoint_slice(loader->checkpoint, loader->name.data, adapter->count,
        adapter->index, rows, cols, ret, err));
    loader->parameters += (uint64_t)rows * cols;
out:
    return rc;
}

/* Linear maps have left B and right A, embeddings the reverse. */
static int load_adapter(struct loader *loader, const char *module, char left_letter,
    struct vf_tensor *tensor, struct vf_err *err)
{
    int rc;
    const struct vf_adapter *adapter = &loader->network->adapter;
    struct vf_tensor left, right;
    VF_TRY(load_adapter_part(loader, module, left_letter, tensor->rows, adapter->rank, &left, err));
    VF_TRY(load_adapter_part(
        loader, module, left_letter == 'A' ? 'B' : 'A', adapter->rank, tensor->cols, &right, err));
    tensor->added = (struct vf_low_rank){
        adapter->rank, left.data, right.data, {left.dtype, right.dtype}, adapter->scale};
out:
    return rc;
}

/* The weight of `module`; nothing when the architecture has no such module. */
static int load_adapted(struct loader *loader, const char *module, char left_letter, size_t rows,
    size_t cols, struct vf_tensor *ret, struct vf_err *err)
{
    int rc = 0;
    if (!module)
        return 0;
    VF_TRY(set_name(loader, module, weight_part(loader), err));
    VF_TRY(vf_checkpoint_matrix(loader->checkpoint, loader->name.data, rows, cols, ret, err));
    loader->parameters += (uint64_t)rows * cols;
    if (loader->network->adapter.count > 0)
        VF_TRY(load_adapter(loader, module, left_letter, ret, err));
out:
    return rc;
}

static int load_matrix(struct loader *loader, const char *module, size_t rows, size_t cols,
    struct vf_tensor *ret, struct vf_err *err)
{
    return load_adapted(loader, module, 'B', rows, cols, ret, err);
}

static int load_embedding(struct loader *loader, const char *module, size_t rows, size_t cols,
    struct vf_tensor *ret, struct vf_err *err)
{
    return load_adapted(loader, module, 'A', rows, cols, ret, err);
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
    bool has_bias, struct vf_linear_tensors *ret, struct vf_err *err)
{
    int rc;
    VF_TRY(load_matrix(loader, module, outputs, inputs, &ret->weight, err));
    if (module && has_bias)
        VF_TRY(load_vector(loader, module, "bias", outputs, &ret->bias, err));
out:
    return rc;
}

/* A norm's tensors may have the older names gamma and beta. */
static int load_norm(struct loader *loader, const char *module, size_t size,
    struct vf_norm_tensors *ret, struct vf_err *err)
{
    int rc = 0;
    if (!module)
        return 0;
    VF_TRY(set_name(loader, module, "gamma", err));
    bool older = vf_checkpoint_has(loader->checkpoint, loader->name.data);
    VF_TRY(load_vector(loader, module, older ? "gamma" : "weight", size, &ret->weight, err));
    if (loader->network->biases.norm)
        VF_TRY(load_vector(loader, module, older ? "beta" : "bias", size, &ret->bias, err));
out:
    return rc;
}

/* Cuts maps that lie below each other in one, in this order. */
static void cut_linear(const struct vf_linear_tensors *whole, const size_t *outputs,
    struct vf_linear_tensors *const *parts, size_t n)
{
    size_t first = 0;
    for (size_t i = 0; i < n; first += outputs[i++]) {
        parts[i]->weight = vf_tensor_rows(&whole->weight, first, outputs[i]);
        if (whole->bias.data)
            parts[i]->bias = vf_tensor_rows(&whole->bias, first, outputs[i]);
    }
}

static int load_query_key_value(
    struct loader *loader, struct vf_layer_tensors *ret, struct vf_err *err)
{
    int rc;
    const struct vf_network *network = loader->network;
    const struct vf_tensor_names *names = loader->names;
    size_t hidden = network->hidden_size, head_size = network->head_size;
    size_t queries = network->heads * head_size, keys = network->kv_heads * head_size;
    bool has_bias = network->biases.query_key_value;
    if (names->query_key_value) {
        struct vf_linear_tensors whole = {0};
        VF_TRY(load_linear(
            loader, names->query_key_value, queries + 2 * keys, hidden, has_bias, &whole, err));
        cut_linear(&whole, (size_t[]){queries, keys, keys},
            (struct vf_linear_tensors *[]){&ret->query, &ret->key, &ret->value}, 3);
        return 0;
    }
    VF_TRY(load_linear(loader, names->query, queries, hidden, has_bias, &ret->query, err));
    VF_TRY(load_linear(loader, names->key, keys, hidden, has_bias, &ret->key, err));
    VF_TRY(load_linear(loader, names->value, keys, hidden, has_bias, &ret->value, err));
out:
    return rc;
}

static int load_attention(
    struct loader *loader, bool is_first, struct vf_layer_tensors *ret, struct vf_err *err)
{
    int rc;
    const struct vf_network *network = loader->network;
    const struct vf_tensor_names *names = loader->names;
    const struct vf_relative *relative = &network->relative;
    size_t hidden = network->hidden_size, queries = network->heads * network->head_size;
    bool projects_positions =
        relative->scheme == VF_RELATIVE_DISENTANGLED && !relative->share_projections;
    struct vf_sublayer_norms *norms = &ret->attention_norms;
    if (!(is_first && network->skip_first_norm))
        VF_TRY(load_norm(loader, names->attention_input_norm, hidden, &norms->input, err));
    VF_TRY(load_query_key_value(loader, ret, err));
    VF_TRY(load_norm(loader, names->query_norm, network->head_size, &ret->query_norm, err));
    VF_TRY(load_norm(loader, names->key_norm, network->head_size, &ret->key_norm, err));
    if (projects_positions && relative->position_to_content)
        VF_TRY(load_linear(
            loader, names->position_query, queries, hidden, true, &ret->position_query, err));
    if (projects_positions && relative->content_to_position)
        VF_TRY(load_linear(
            loader, names->position_key, queries, hidden, true, &ret->position_key, err));
    VF_TRY(load_linear(loader, names->attention_output, hidden, queries,
        network->biases.attention_output, &ret->attention_output, err));
    VF_TRY(load_norm(loader, names->attention_output_norm, hidden, &norms->output, err));
    VF_TRY(load_norm(loader, names->attention_sum_norm, hidden, &norms->sum, err));
out:
    return rc;
}

static int load_ffn(struct loader *loader, struct vf_layer_tensors *ret, struct vf_err *err)
{
    int rc;
    const struct vf_network *network = loader->network;
    const struct vf_tensor_names *names = loader->names;
    size_t hidden = network->hidden_size, inner = network->intermediate_size;
    bool has_bias = network->biases.ffn_input;
    const char *stacked = names->gate_up ? names->gate_up : names->up_gate;
    VF_TRY(load_norm(loader, names->ffn_input_norm, hidden, &ret->ffn_norms.input, err));
    if (stacked) {
        struct vf_linear_tensors whole = {0};
        VF_TRY(load_linear(loader, stacked, 2 * inner, hidden, has_bias, &whole, err));
        cut_linear(&whole, (size_t[]){inner, inner},
            names->gate_up ? (struct vf_linear_tensors *[]){&ret->gate, &ret->up}
                           : (struct vf_linear_tensors *[]){&ret->up, &ret->gate},
            2);
    }
    VF_TRY(load_linear(loader, names->gate, inner, hidden, has_bias, &ret->gate, err));
    VF_TRY(load_linear(loader, names->up, inner, hidden, has_bias, &ret->up, err));
    VF_TRY(load_linear(
        loader, names->down, hidden, inner, network->biases.ffn_output, &ret->down, err));
    VF_TRY(load_norm(loader, names->ffn_output_norm, hidden, &ret->ffn_norms.output, err));
    VF_TRY(load_norm(loader, names->ffn_sum_norm, hidden, &ret->ffn_norms.sum, err));
out:
    return rc;
}

static int set_layer(struct loader *loader, size_t index, struct vf_err *err)
{
    const struct vf_tensor_names *names = loader->names;
    size_t group_size = loader->network->group_size;
    vf_buf_clear(&loader->layer);
    if (names->inner_layer)
        return vf_buf_printf(&loader->layer, err, "%s%zu%s%zu.", names->layer, index / group_size,
            names->inner_layer, index % group_size);
    return vf_buf_printf(&loader->layer, err, "%s%zu.", names->layer, index);
}

static int load_layers(struct loader *loader, struct vf_layer_tensors *layers, struct vf_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < loader->network->distinct_layers; i++) {
        VF_TRY(set_layer(loader, i, err));
        VF_TRY(load_attention(loader, i == 0, &layers[i], err));
        VF_TRY(load_ffn(loader, &layers[i], err));
    }
out:
    vf_buf_clear(&loader->layer);
    return rc;
}

static int load_embeddings(
    struct loader *loader, struct vf_network_tensors *ret, struct vf_err *err)
{
    int rc;
    const struct vf_network *network = loader->network;
    const struct vf_tensor_names *names = loader->names;
    size_t size = network->embedding_size, hidden = network->hidden_size;
    VF_TRY(load_embedding(
        loader, names->word_embeddings, network->vocab_size, size, &ret->word_embeddings, err));
    if (network->position_rows > 0)
        VF_TRY(load_embedding(loader, names->position_embeddings, network->position_rows, size,
            &ret->position_embeddings, err));
    if (network->type_vocab_size > 0)
        VF_TRY(load_embedding(loader, names->token_type_embeddings, network->type_vocab_size, size,
            &ret->token_type_embeddings, err));
    VF_TRY(load_norm(loader, names->embeddings_norm, size, &ret->embeddings_norm, err));
    if (network->projects_embeddings)
        VF_TRY(load_linear(loader, names->embeddings_projection, hidden, size,
            network->biases.embeddings_projection, &ret->embeddings_projection, err));
out:
    return rc;
}

/* What all layers share of relative positions. */
static int load_relative(struct loader *loader, struct vf_network_tensors *ret, struct vf_err *err)
{
    int rc = 0;
    const struct vf_network *network = loader->network;
    const struct vf_relative *relative = &network->relative;
    const struct vf_tensor_names *names = loader->names;
    switch (relative->scheme) {
    case VF_RELATIVE_NONE:
        break;
    case VF_RELATIVE_BIAS:
        VF_TRY(load_matrix(loader, names->relative_bias, relative->buckets, network->heads,
            &ret->relative_bias, err));
        break;
    case VF_RELATIVE_DISENTANGLED:
        VF_TRY(load_matrix(loader, names->distance_embeddings, vf_distance_rows(relative),
            network->hidden_size, &ret->distance_embeddings, err));
        if (relative->norm_distances)
            VF_TRY(load_norm(
                loader, names->distance_norm, network->hidden_size, &ret->distance_norm, err));
        break;
    }
out:
    return rc;
}

/* The names' prefix when the file has it, else none. */
static int choose_prefix(struct loader *loader, struct vf_err *err)
{
    loader->prefix = loader->names->prefix;
    int rc = set_name(loader, loader->names->word_embeddings, weight_part(loader), err);
    if (rc == 0 && !vf_checkpoint_has(loader->checkpoint, loader->name.data))
        loader->prefix = "";
    return rc;
}

int vf_network_tensors_load(const struct vf_checkpoint *checkpoint,
    const struct vf_network *network, const struct vf_tensor_names *names,
    struct vf_network_tensors *ret, uint64_t *ret_parameters, struct vf_err *err)
{
    int rc;
    struct loader loader = {.checkpoint = checkpoint, .network = network, .names = names};
    struct vf_network_tensors tensors = {0};
    tensors.layers = calloc(network->distinct_layers, sizeof(*tensors.layers));
    if (!tensors.layers) {
        rc = vf_fail_memory(err, "the layers of a model");
        goto out;
    }
    VF_TRY(choose_prefix(&loader, err));
    VF_TRY(load_embeddings(&loader, &tensors, err));
    VF_TRY(load_relative(&loader, &tensors, err));
    VF_TRY(load_layers(&loader, tensors.layers, err));
    VF_TRY(load_norm(&loader, names->final_norm, network->hidden_size, &tensors.final_norm, err));
    *ret = tensors;
    *ret_parameters = loader.parameters;
    tensors = (struct vf_network_tensors){0};
out:
    vf_network_tensors_release(&tensors);
    vf_buf_release(&loader.layer);
    vf_buf_release(&loader.name);
    return rc;
}

void vf_network_tensors_release(struct vf_network_tensors *tensors)
{
    free(tensors->layers);
    *tensors = (struct vf_network_tensors){0};
}
