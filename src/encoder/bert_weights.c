#include "encoder/bert.h"

#include "base/checked.h"
#include "encoder/weight_packing.h"

#include <math.h>
#include <stdlib.h>

enum { LINEARS = 4 }; /* linear maps of a layer */

/* The functions below lay out the arena; when it is allocated, they also write what is small. */

static const float *place_vector(struct vf_arena *arena, const struct vf_tensor *tensor)
{
    float *vector = vf_arena_take(arena, 1, tensor->cols, sizeof(float));
    if (vector)
        vf_tensor_read_row(tensor, 0, vector);
    return vector;
}

static void place_norm(
    struct vf_norm_f32 *norm, struct vf_arena *arena, float eps, const struct vf_norm_tensors *from)
{
    norm->n = from->weight.cols;
    norm->eps = eps;
    norm->gamma = place_vector(arena, &from->weight);
    norm->beta = place_vector(arena, &from->bias);
}

static void place_linear(struct vf_packed_linear *linear, struct vf_linear_source *source,
    struct vf_bert *bert, const struct vf_linear_tensors *from)
{
    *source = (struct vf_linear_source){.parts = {{&from->weight, &from->bias, 1}}, .n_parts = 1};
    vf_linear_source_place(source, linear, bert->precision, &bert->kernels, &bert->arena);
}

static void place_layer(struct vf_packed_layer *layer, const struct vf_layer_tensors *from,
    struct vf_linear_source sources[LINEARS], struct vf_bert *bert)
{
    struct vf_arena *arena = &bert->arena;
    float eps = bert->config->network.norm_eps;
    double head_size = (double)(bert->config->network.hidden_size / bert->config->network.heads);
    float scale = (float)(1.44269504088896340736 / sqrt(head_size)); /* log2(e) / sqrt(head) */
    sources[0] = (struct vf_linear_source){
        .parts = {{&from->query.weight, &from->query.bias, scale},
            {&from->key.weight, &from->key.bias, 1}, {&from->value.weight, &from->value.bias, 1}},
        .n_parts = 3,
    };
    vf_linear_source_place(&sources[0], &layer->qkv, bert->precision, &bert->kernels, arena);
    place_linear(&layer->attention_output, &sources[1], bert, &from->attention_output);
    place_norm(&layer->attention_norm, arena, eps, &from->attention_norms.sum);
    place_linear(&layer->intermediate, &sources[2], bert, &from->up);
    place_linear(&layer->output, &sources[3], bert, &from->down);
    place_norm(&layer->output_norm, arena, eps, &from->ffn_norms.sum);
}

/* Sums the embeddings of position and of token type 0, the only type that a single text has. */
static const float *place_positions(
    struct vf_arena *arena, const struct vf_network_tensors *weights, size_t max_tokens)
{
    size_t hidden = weights->position_embeddings.cols;
    float *positions = vf_arena_take(arena, max_tokens, hidden, sizeof(float));
    const float *type = place_vector(arena, &weights->token_type_embeddings);
    for (size_t i = 0; positions && i < max_tokens; i++) {
        float *row = positions + i * hidden;
        vf_tensor_read_row(&weights->position_embeddings, i, row);
        for (size_t j = 0; j < hidden; j++)
            row[j] += type[j];
    }
    return positions;
}

static void place_all(struct vf_bert *bert, const struct vf_network_tensors *weights,
    struct vf_linear_source *sources)
{
    bert->positions = place_positions(&bert->arena, weights, bert->max_tokens);
    place_norm(&bert->embeddings_norm, &bert->arena, bert->config->network.norm_eps,
        &weights->embeddings_norm);
    for (size_t i = 0; i < bert->config->network.layers; i++)
        place_layer(&bert->layers[i], &weights->layers[i], sources + LINEARS * i, bert);
}

static enum vf_epilogue epilogue_of(enum vf_activation activation)
{
    switch (activation) {
    case VF_ACT_GELU_TANH:
        return VF_EPILOGUE_GELU_TANH;
    case VF_ACT_RELU:
        return VF_EPILOGUE_RELU;
    case VF_ACT_SILU:
        return VF_EPILOGUE_SILU;
    case VF_ACT_GELU_ERF:
        break;
    }
    return VF_EPILOGUE_GELU_ERF;
}

int vf_bert_init(struct vf_bert *bert, const struct vf_model *model,
    const struct vf_kernels *kernels, const struct vf_encoder_options *options, struct vf_err *err)
{
    int rc = 0;
    const struct vf_model_config *config = vf_model_config(model);
    const struct vf_network_tensors *weights = vf_model_tensors(model);
    struct vf_linear_source *sources = NULL;
    *bert = (struct vf_bert){
        .kernels = *kernels,
        .config = config,
        .words = weights->word_embeddings,
        .precision = options->precision,
        .head = {&config->head, config->network.hidden_size,
            options->dimensions ? options->dimensions : config->head.dimensions},
        .max_tokens = options->max_tokens,
        .activation = epilogue_of(config->network.activation),
    };
    size_t n_sources = 0;
    bert->layers = calloc(config->network.layers, sizeof(*bert->layers));
    if (!bert->layers || !vf_size_mul(config->network.layers, LINEARS, &n_sources) ||
        !(sources = calloc(n_sources, sizeof(*sources))))
        VF_TRY(vf_fail_memory(err, "layers"));
    place_all(bert, weights, sources);
    VF_TRY(vf_arena_allocate(&bert->arena, "packed weights", err));
    place_all(bert, weights, sources);
    VF_TRY(vf_pack_linears(sources, n_sources, &bert->kernels, options->threads, err));
out:
    free(sources);
    if (rc)
        vf_bert_release(bert);
    return rc;
}

void vf_bert_release(struct vf_bert *bert)
{
    vf_arena_release(&bert->arena);
    free(bert->layers);
    *bert = (struct vf_bert){0};
}
