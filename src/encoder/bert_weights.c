#include "encoder/bert.h"

#include "base/checked.h"
#include "encoder/parallel.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { STACKED = 3, LINEARS = 4 }; /* query, key, value; linear maps of a layer */

/* Where a packed matrix comes from: tensors of the same shape, stacked by outputs, the first of
 * them scaled. */
struct source {
    const struct vf_tensor *weights[STACKED], *biases[STACKED];
    size_t parts;
    float scale;
    const struct vf_linear_f32 *linear;
    float *panels; /* linear->panels, to be written */
};

/* What the packing threads share. */
struct packing {
    const struct vf_kernels *kernels;
    const struct source *sources;
    size_t n_sources;
    float *rows; /* per thread: room for the rows of a panel */
    size_t rows_floats;
    atomic_size_t next; /* panel, counted through all sources */
};

static void read_scaled_row(const struct vf_tensor *tensor, size_t row, float scale, float *out)
{
    vf_tensor_read_row(tensor, row, out);
    for (size_t j = 0; scale != 1.0f && j < tensor->cols; j++)
        out[j] *= scale;
}

static float part_scale(const struct source *source, size_t part)
{
    return part == 0 ? source->scale : 1.0f;
}

static size_t panel_count(const struct vf_kernels *kernels, const struct vf_linear_f32 *linear)
{
    return (linear->n + kernels->panel_columns - 1) / kernels->panel_columns;
}

static void pack_panel(
    const struct vf_kernels *kernels, const struct source *source, size_t panel, float *rows)
{
    size_t n = source->linear->n, k = source->linear->k, part_n = n / source->parts;
    size_t first = panel * kernels->panel_columns;
    size_t count = n - first < kernels->panel_columns ? n - first : kernels->panel_columns;
    for (size_t j = 0; j < count; j++) {
        size_t part = (first + j) / part_n;
        read_scaled_row(
            source->weights[part], (first + j) % part_n, part_scale(source, part), rows + j * k);
    }
    kernels->pack_panel_f32(rows, k, count, k, source->panels + first * k);
}

static void pack_panels(void *arg, unsigned index)
{
    struct packing *packing = arg;
    float *rows = packing->rows + index * packing->rows_floats;
    size_t panel = atomic_fetch_add(&packing->next, 1), first = 0;
    for (size_t i = 0; i < packing->n_sources; i++) {
        const struct source *source = &packing->sources[i];
        size_t end = first + panel_count(packing->kernels, source->linear);
        for (; panel < end; panel = atomic_fetch_add(&packing->next, 1))
            pack_panel(packing->kernels, source, panel - first, rows);
        first = end;
    }
}

static int pack(const struct vf_kernels *kernels, const struct source *sources, size_t n_sources,
    unsigned threads, struct vf_err *err)
{
    int rc = 0;
    struct packing packing = {.kernels = kernels, .sources = sources, .n_sources = n_sources};
    for (size_t i = 0; i < n_sources; i++) {
        size_t floats = kernels->panel_columns * sources[i].linear->k;
        packing.rows_floats = floats > packing.rows_floats ? floats : packing.rows_floats;
    }
    struct vf_arena arena = {0};
    vf_arena_take(&arena, threads, packing.rows_floats);
    VF_TRY(vf_arena_allocate(&arena, "packing weights", err));
    packing.rows = vf_arena_take(&arena, threads, packing.rows_floats);
    VF_TRY(vf_parallel(threads, pack_panels, &packing, err));
out:
    vf_arena_release(&arena);
    return rc;
}

/* The functions below lay out the arena; when it is allocated, they also write what is small. */

static const float *place_vector(struct vf_arena *arena, const struct vf_tensor *tensor)
{
    float *vector = vf_arena_take(arena, 1, tensor->cols);
    if (vector)
        vf_tensor_read_row(tensor, 0, vector);
    return vector;
}

static void place_norm(struct vf_norm_f32 *norm, struct vf_arena *arena, float eps,
    const struct vf_tensor *gamma, const struct vf_tensor *beta)
{
    norm->n = gamma->cols;
    norm->eps = eps;
    norm->gamma = place_vector(arena, gamma);
    norm->beta = place_vector(arena, beta);
}

static void place_linear(struct vf_linear_f32 *linear, struct source *source,
    struct vf_arena *arena, const struct vf_kernels *kernels)
{
    size_t part_n = source->weights[0]->rows, padded = 0;
    linear->n = part_n * source->parts;
    linear->k = source->weights[0]->cols;
    if (!vf_size_add(linear->n, kernels->panel_unit, &padded))
        arena->impossible = true;
    padded = vf_panel_floats(kernels, linear->n, 1);
    source->linear = linear;
    source->panels = vf_arena_take(arena, padded, linear->k);
    linear->panels = source->panels;
    float *bias = vf_arena_take(arena, 1, linear->n);
    linear->bias = bias;
    for (size_t i = 0; bias && i < source->parts; i++)
        read_scaled_row(source->biases[i], 0, part_scale(source, i), bias + i * part_n);
}

static void place_layer(struct vf_bert_layer_f32 *layer, const struct vf_bert_layer *from,
    struct source sources[LINEARS], struct vf_bert *bert)
{
    struct vf_arena *arena = &bert->arena;
    float eps = bert->config->layer_norm_eps;
    double head_size = (double)(bert->config->hidden_size / bert->config->heads);
    sources[0] = (struct source){
        .weights = {&from->query, &from->key, &from->value},
        .biases = {&from->query_bias, &from->key_bias, &from->value_bias},
        .parts = STACKED,
        .scale = (float)(1.44269504088896340736 / sqrt(head_size)), /* log2(e) / sqrt(head) */
    };
    sources[1] = (struct source){
        .weights = {&from->attention_output},
        .biases = {&from->attention_output_bias},
        .parts = 1,
        .scale = 1,
    };
    sources[2] = (struct source){
        .weights = {&from->intermediate},
        .biases = {&from->intermediate_bias},
        .parts = 1,
        .scale = 1,
    };
    sources[3] = (struct source){
        .weights = {&from->output}, .biases = {&from->output_bias}, .parts = 1, .scale = 1};
    place_linear(&layer->qkv, &sources[0], arena, &bert->kernels);
    place_linear(&layer->attention_output, &sources[1], arena, &bert->kernels);
    place_norm(
        &layer->attention_norm, arena, eps, &from->attention_norm, &from->attention_norm_bias);
    place_linear(&layer->intermediate, &sources[2], arena, &bert->kernels);
    place_linear(&layer->output, &sources[3], arena, &bert->kernels);
    place_norm(&layer->output_norm, arena, eps, &from->output_norm, &from->output_norm_bias);
}

/* Sums the embeddings of position and of token type 0, the only type that a single text has. */
static const float *place_positions(
    struct vf_arena *arena, const struct vf_bert_weights *weights, size_t max_tokens)
{
    size_t hidden = weights->position_embeddings.cols;
    float *positions = vf_arena_take(arena, max_tokens, hidden);
    const float *type = place_vector(arena, &weights->token_type_embeddings);
    for (size_t i = 0; positions && i < max_tokens; i++) {
        float *row = positions + i * hidden;
        vf_tensor_read_row(&weights->position_embeddings, i, row);
        for (size_t j = 0; j < hidden; j++)
            row[j] += type[j];
    }
    return positions;
}

static void place_all(
    struct vf_bert *bert, const struct vf_bert_weights *weights, struct source *sources)
{
    bert->positions = place_positions(&bert->arena, weights, bert->max_tokens);
    place_norm(&bert->embeddings_norm, &bert->arena, bert->config->layer_norm_eps,
        &weights->embeddings_norm, &weights->embeddings_norm_bias);
    for (size_t i = 0; i < bert->config->layers; i++)
        place_layer(&bert->layers[i], &weights->layers[i], sources + LINEARS * i, bert);
}

static enum vf_epilogue epilogue_of(enum vf_activation activation)
{
    switch (activation) {
    case VF_ACT_GELU_TANH:
        return VF_EPILOGUE_GELU_TANH;
    case VF_ACT_RELU:
        return VF_EPILOGUE_RELU;
    case VF_ACT_GELU_ERF:
        break;
    }
    return VF_EPILOGUE_GELU_ERF;
}

int vf_bert_init(struct vf_bert *bert, const struct vf_model *model,
    const struct vf_kernels *kernels, size_t max_tokens, unsigned threads, struct vf_err *err)
{
    int rc = 0;
    const struct vf_model_config *config = vf_model_config(model);
    const struct vf_bert_weights *weights = vf_model_weights(model);
    struct source *sources = NULL;
    *bert = (struct vf_bert){
        .kernels = *kernels,
        .config = config,
        .words = weights->word_embeddings,
        .max_tokens = max_tokens,
        .activation = epilogue_of(config->activation),
    };
    size_t n_sources = 0;
    bert->layers = calloc(config->layers, sizeof(*bert->layers));
    if (!bert->layers || !vf_size_mul(config->layers, LINEARS, &n_sources) ||
        !(sources = calloc(n_sources, sizeof(*sources))))
        VF_TRY(vf_fail_memory(err, "layers"));
    place_all(bert, weights, sources);
    VF_TRY(vf_arena_allocate(&bert->arena, "packed weights", err));
    place_all(bert, weights, sources);
    VF_TRY(pack(&bert->kernels, sources, n_sources, threads, err));
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
