#include "encoder/packed_network.h"

#include "encoder/packed_norm.h"

#include <math.h>
#include <stdlib.h>

static const double log2_e = 1.44269504088896340736;

/* What is laid out twice: at first the arena only measures. */
struct layout {
    struct vf_packed_network *packed;
    const struct vf_network_tensors *tensors;
};

/* The linear maps of a layer, and the one of the embeddings. */
enum { LINEARS_OF_LAYER = 5, OTHER_LINEARS = 1 };

static void place_linear(
    struct layout *layout, struct vf_packed_linear *linear, struct vf_linear_source source)
{
    struct vf_packed_network *packed = layout->packed;
    struct vf_linear_source *kept = &packed->sources[packed->n_linears++];
    *kept = source;
    vf_linear_source_place(kept, linear, packed->precision, &packed->kernels, &packed->arena);
}

/* One map's tensors, or two below each other. */
static struct vf_linear_source one_part(const struct vf_linear_tensors *from, float scale)
{
    return (struct vf_linear_source){.parts = {{&from->weight, &from->bias, scale}}, .n_parts = 1};
}

static struct vf_linear_source two_parts(
    const struct vf_linear_tensors *first, const struct vf_linear_tensors *second)
{
    return (struct vf_linear_source){
        .parts = {{&first->weight, &first->bias, 1}, {&second->weight, &second->bias, 1}},
        .n_parts = 2};
}

static void place_norms(
    struct layout *layout, struct vf_packed_norms *norms, const struct vf_sublayer_norms *from)
{
    const struct vf_network *network = layout->packed->network;
    struct vf_arena *arena = &layout->packed->arena;
    vf_norm_place(&norms->input, arena, network, &from->input, 1);
    vf_norm_place(&norms->output, arena, network, &from->output, 1);
    vf_norm_place(&norms->sum, arena, network, &from->sum, 1);
}

/* The scores' scale, in base 2, is in what gives the queries last: their norm or their map. */
static void place_layer(
    struct layout *layout, struct vf_packed_layer *layer, const struct vf_layer_tensors *from)
{
    struct vf_packed_network *packed = layout->packed;
    const struct vf_network *network = packed->network;
    float scale = (float)(network->attention_scale * log2_e);
    bool has_query_norm = from->query_norm.weight.data != NULL;
    place_linear(layout, &layer->query, one_part(&from->query, has_query_norm ? 1 : scale));
    place_linear(layout, &layer->key_value, two_parts(&from->key, &from->value));
    vf_norm_place(&layer->query_norm, &packed->arena, network, &from->query_norm, scale);
    vf_norm_place(&layer->key_norm, &packed->arena, network, &from->key_norm, 1);
    vf_packed_distances_place(&layer->distances, &packed->arena, network, &packed->kernels);
    place_linear(layout, &layer->attention_output, one_part(&from->attention_output, 1));
    place_norms(layout, &layer->attention_norms, &from->attention_norms);
    place_linear(layout, &layer->ffn_input,
        network->gated ? two_parts(&from->gate, &from->up) : one_part(&from->up, 1));
    place_linear(layout, &layer->ffn_output, one_part(&from->down, 1));
    place_norms(layout, &layer->ffn_norms, &from->ffn_norms);
}

/* The angles are rounded to float before their cosines are taken, as transformers does. */
static const float *place_turns(
    struct vf_arena *arena, const struct vf_rotary *rotary, size_t head_size, size_t max_tokens)
{
    if (rotary->scale == 0)
        return NULL;
    size_t half = head_size / 2;
    float *turns = vf_arena_take(arena, max_tokens, head_size, sizeof(float));
    for (size_t i = 0; turns && i < max_tokens; i++)
        for (size_t j = 0; j < half; j++) {
            double angle = (double)((float)i * rotary->frequencies[j]);
            turns[i * head_size + j] = (float)(cos(angle) * (double)rotary->scale);
            turns[i * head_size + half + j] = (float)(sin(angle) * (double)rotary->scale);
        }
    return turns;
}

static void place_all(struct layout *layout)
{
    struct vf_packed_network *packed = layout->packed;
    const struct vf_network *network = packed->network;
    struct vf_arena *arena = &packed->arena;
    packed->n_linears = 0;
    vf_embeddings_place(&packed->embeddings, arena, network, layout->tensors, packed->max_tokens);
    if (network->projects_embeddings)
        place_linear(layout, &packed->embeddings.projection,
            one_part(&layout->tensors->embeddings_projection, 1));
    for (size_t i = 0; i < VF_ATTENTION_KINDS; i++)
        packed->turns[i] = place_turns(
            arena, &network->attention[i].rotary, network->head_size, packed->max_tokens);
    vf_relative_scores_place(
        &packed->relative, arena, network, layout->tensors, packed->max_tokens);
    for (size_t i = 0; i < network->distinct_layers; i++)
        place_layer(layout, &packed->layers[i], &layout->tensors->layers[i]);
    vf_norm_place(&packed->final_norm, arena, network, &layout->tensors->final_norm, 1);
}

/* The embeddings of distances, normalised where the network does so. */
static void read_distances(const struct vf_packed_network *packed,
    const struct vf_network_tensors *tensors, const struct vf_norm_f32 *norm, float *rows)
{
    size_t hidden = packed->network->hidden_size;
    for (size_t i = 0; i < tensors->distance_embeddings.rows; i++)
        vf_tensor_read_row(&tensors->distance_embeddings, i, rows + i * hidden);
    if (norm->n > 0)
        packed->kernels.add_norm_f32(
            norm, rows, hidden, NULL, 0, tensors->distance_embeddings.rows, rows, hidden);
}

static int pack_distances(
    struct vf_packed_network *packed, const struct vf_network_tensors *tensors, struct vf_err *err)
{
    int rc = 0;
    const struct vf_network *network = packed->network;
    struct vf_arena arena = {0};
    struct vf_norm_f32 norm;
    if (network->relative.scheme != VF_RELATIVE_DISENTANGLED)
        return 0;
    size_t rows = tensors->distance_embeddings.rows;
    vf_norm_place(&norm, &arena, network, &tensors->distance_norm, 1);
    vf_arena_take(&arena, rows, network->hidden_size, sizeof(float));
    VF_TRY(vf_arena_allocate(&arena, "distance embeddings", err));
    vf_norm_place(&norm, &arena, network, &tensors->distance_norm, 1);
    float *embeddings = vf_arena_take(&arena, rows, network->hidden_size, sizeof(float));
    read_distances(packed, tensors, &norm, embeddings);
    for (size_t i = 0; i < network->distinct_layers; i++)
        VF_TRY(vf_packed_distances_pack(&packed->layers[i].distances, network, &tensors->layers[i],
            embeddings, &packed->kernels, err));
out:
    vf_arena_release(&arena);
    return rc;
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

static void choose_attention(struct vf_packed_network *packed)
{
    const struct vf_kernels *kernels = &packed->kernels;
    switch (packed->precision) {
    case VF_PRECISION_FP32:
        packed->attend = kernels->attention_f32;
        packed->attention_scratch = kernels->attention_scratch_f32;
        break;
    case VF_PRECISION_BF16:
        packed->attend = kernels->attention_int16;
        packed->attention_scratch = kernels->attention_scratch_int16;
        break;
    case VF_PRECISION_INT8:
        packed->attend = kernels->attention_int8;
        packed->attention_scratch = kernels->attention_scratch_int8;
        break;
    }
}

int vf_packed_network_init(struct vf_packed_network *packed, const struct vf_model *model,
    const struct vf_kernels *kernels, const struct vf_encoder_options *options, struct vf_err *err)
{
    int rc = 0;
    const struct vf_model_config *config = vf_model_config(model);
    const struct vf_network *network = &config->network;
    struct layout layout = {.packed = packed, .tensors = vf_model_tensors(model)};
    *packed = (struct vf_packed_network){
        .kernels = *kernels,
        .precision = options->precision,
        .network = network,
        .max_tokens = options->max_tokens,
        .head = {&config->head, network->hidden_size,
            options->dimensions ? options->dimensions : config->head.dimensions},
        .activation = epilogue_of(network->activation),
    };
    choose_attention(packed);
    packed->layers = calloc(network->distinct_layers, sizeof(*packed->layers));
    packed->sources = calloc(
        network->distinct_layers * LINEARS_OF_LAYER + OTHER_LINEARS, sizeof(*packed->sources));
    if (!packed->layers || !packed->sources)
        VF_TRY(vf_fail_memory(err, "layers"));
    place_all(&layout);
    VF_TRY(vf_arena_allocate(&packed->arena, "packed weights", err));
    place_all(&layout);
    VF_TRY(vf_pack_linears(packed->sources, packed->n_linears, options->int8, &packed->kernels,
        options->threads, err));
    VF_TRY(pack_distances(packed, layout.tensors, err));
out:
    if (rc)
        vf_packed_network_release(packed);
    return rc;
}

void vf_packed_network_release(struct vf_packed_network *packed)
{
    vf_arena_release(&packed->arena);
    free(packed->layers);
    free(packed->sources);
    *packed = (struct vf_packed_network){0};
}
