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
    const struct vf_packed_linear *linear;
};

/* What the packing threads share. */
struct packing {
    const struct vf_bert *bert;
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

static size_t panel_columns(const struct vf_bert *bert)
{
    return bert->precision == VF_PRECISION_BF16 ? bert->kernels.panel_columns_bf16
                                                : bert->kernels.panel_columns;
}

static size_t panel_count(const struct vf_bert *bert, const struct vf_packed_linear *linear)
{
    return (linear->n + panel_columns(bert) - 1) / panel_columns(bert);
}

/* Packs the outputs from `first` on, at most a panel of them. */
static void pack_rows(const struct vf_bert *bert, const struct vf_packed_linear *linear,
    size_t first, size_t count, const float *rows)
{
    const struct vf_kernels *kernels = &bert->kernels;
    size_t k = linear->k;
    switch (bert->precision) {
    case VF_PRECISION_FP32:
        kernels->pack_panel_f32(rows, k, count, k, (float *)linear->panels + first * k);
        break;
    case VF_PRECISION_BF16:
        vf_pack_panel_bf16(
            kernels, rows, k, count, k, (vf_bf16 *)linear->panels + first * (k + k % 2));
        break;
    }
}

static void pack_panel(
    const struct vf_bert *bert, const struct source *source, size_t panel, float *rows)
{
    size_t n = source->linear->n, k = source->linear->k, part_n = n / source->parts;
    size_t columns = panel_columns(bert), first = panel * columns;
    size_t count = n - first < columns ? n - first : columns;
    for (size_t j = 0; j < count; j++) {
        size_t part = (first + j) / part_n;
        read_scaled_row(
            source->weights[part], (first + j) % part_n, part_scale(source, part), rows + j * k);
    }
    pack_rows(bert, source->linear, first, count, rows);
}

static void pack_panels(void *arg, unsigned index)
{
    struct packing *packing = arg;
    float *rows = packing->rows + index * packing->rows_floats;
    size_t panel = atomic_fetch_add(&packing->next, 1), first = 0;
    for (size_t i = 0; i < packing->n_sources; i++) {
        const struct source *source = &packing->sources[i];
        size_t end = first + panel_count(packing->bert, source->linear);
        for (; panel < end; panel = atomic_fetch_add(&packing->next, 1))
            pack_panel(packing->bert, source, panel - first, rows);
        first = end;
    }
}

static int pack(const struct vf_bert *bert, const struct source *sources, size_t n_sources,
    unsigned threads, struct vf_err *err)
{
    int rc = 0;
    struct packing packing = {.bert = bert, .sources = sources, .n_sources = n_sources};
    for (size_t i = 0; i < n_sources; i++) {
        size_t floats = panel_columns(bert) * sources[i].linear->k;
        packing.rows_floats = floats > packing.rows_floats ? floats : packing.rows_floats;
    }
    struct vf_arena arena = {0};
    vf_arena_take(&arena, threads, packing.rows_floats, sizeof(float));
    VF_TRY(vf_arena_allocate(&arena, "packing weights", err));
    packing.rows = vf_arena_take(&arena, threads, packing.rows_floats, sizeof(float));
    VF_TRY(vf_parallel(threads, pack_panels, &packing, err));
out:
    vf_arena_release(&arena);
    return rc;
}

/* The functions below lay out the arena; when it is allocated, they also write what is small. */

static const float *place_vector(struct vf_arena *arena, const struct vf_tensor *tensor)
{
    float *vector = vf_arena_take(arena, 1, tensor->cols, sizeof(float));
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

static void *place_panels(struct vf_bert *bert, size_t n, size_t k)
{
    struct vf_arena *arena = &bert->arena;
    bool is_bf16 = bert->precision == VF_PRECISION_BF16;
    size_t unit = is_bf16 ? bert->kernels.panel_unit_bf16 : bert->kernels.panel_unit, padded = 0;
    if (!vf_size_round_up(n, unit, &padded) || !vf_size_round_up(k, is_bf16 ? 2 : 1, &k))
        arena->impossible = true;
    return vf_arena_take(arena, padded, k, is_bf16 ? sizeof(vf_bf16) : sizeof(float));
}

static void place_linear(
    struct vf_packed_linear *linear, struct source *source, struct vf_bert *bert)
{
    size_t part_n = source->weights[0]->rows;
    linear->n = part_n * source->parts;
    linear->k = source->weights[0]->cols;
    linear->panels = place_panels(bert, linear->n, linear->k);
    linear->bias = vf_arena_take(&bert->arena, 1, linear->n, sizeof(float));
    for (size_t i = 0; linear->bias && i < source->parts; i++)
        read_scaled_row(source->biases[i], 0, part_scale(source, i), linear->bias + i * part_n);
    source->linear = linear;
}

static void place_layer(struct vf_packed_layer *layer, const struct vf_bert_layer *from,
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
    place_linear(&layer->qkv, &sources[0], bert);
    place_linear(&layer->attention_output, &sources[1], bert);
    place_norm(
        &layer->attention_norm, arena, eps, &from->attention_norm, &from->attention_norm_bias);
    place_linear(&layer->intermediate, &sources[2], bert);
    place_linear(&layer->output, &sources[3], bert);
    place_norm(&layer->output_norm, arena, eps, &from->output_norm, &from->output_norm_bias);
}

/* Sums the embeddings of position and of token type 0, the only type that a single text has. */
static const float *place_positions(
    struct vf_arena *arena, const struct vf_bert_weights *weights, size_t max_tokens)
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
    const struct vf_kernels *kernels, const struct vf_encoder_options *options, struct vf_err *err)
{
    int rc = 0;
    const struct vf_model_config *config = vf_model_config(model);
    const struct vf_bert_weights *weights = vf_model_weights(model);
    struct source *sources = NULL;
    *bert = (struct vf_bert){
        .kernels = *kernels,
        .config = config,
        .words = weights->word_embeddings,
        .precision = options->precision,
        .max_tokens = options->max_tokens,
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
    VF_TRY(pack(bert, sources, n_sources, options->threads, err));
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
