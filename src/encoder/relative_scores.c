#include "encoder/relative_scores.h"

#include "base/checked.h"

#include <math.h>
#include <stdlib.h>

static const double log2_e = 1.44269504088896340736;

/* T5's bucket of the distance d. Computed in float like transformers' own, for where the logarithm
 * meets a whole number its rounding decides. */
static size_t bias_bucket(const struct vf_relative *relative, ptrdiff_t d)
{
    size_t half = relative->buckets / 2, exact = half / 2, length = (size_t)(d < 0 ? -d : d);
    size_t first = d > 0 ? half : 0;
    if (length < exact)
        return first + length;
    float range = (float)log((double)relative->max_distance / (double)exact);
    float steps = logf((float)length / (float)exact) / range * (float)(half - exact);
    size_t bucket = exact + (size_t)steps;
    return first + (bucket < half ? bucket : half - 1);
}

/* DeBERTa's row of the distance embeddings, which are ordered by query's position - key's. */
static size_t distance_row(const struct vf_relative *relative, ptrdiff_t d)
{
    ptrdiff_t span = (ptrdiff_t)(vf_distance_rows(relative) / 2), middle = span / 2, bucket = -d;
    ptrdiff_t length = d < 0 ? -d : d;
    if (relative->buckets > 0 && length > middle) {
        float range = logf((float)((double)(relative->max_distance - 1) / (double)middle));
        float steps = logf((float)length / (float)middle) / range * (float)(middle - 1);
        bucket = ((ptrdiff_t)ceilf(steps) + middle) * (d > 0 ? -1 : 1);
    }
    ptrdiff_t row = bucket + span, last = 2 * span - 1;
    return (size_t)(row < 0 ? 0 : row > last ? last : row);
}

static const float *place_bias(struct vf_arena *arena, const struct vf_network *network,
    const struct vf_tensor *table, size_t max_tokens)
{
    size_t distances = 2 * max_tokens - 1;
    float *bias = vf_arena_take(arena, network->heads, distances, sizeof(float));
    float row[VF_MAX_HEADS];
    for (size_t i = 0; bias && i < distances; i++) {
        ptrdiff_t d = (ptrdiff_t)i - (ptrdiff_t)(max_tokens - 1);
        vf_tensor_read_row(table, bias_bucket(&network->relative, d), row);
        for (size_t head = 0; head < network->heads; head++)
            bias[head * distances + i] = (float)((double)row[head] * log2_e);
    }
    return bias;
}

static const uint32_t *place_buckets(
    struct vf_arena *arena, const struct vf_relative *relative, size_t max_tokens)
{
    size_t distances = 2 * max_tokens - 1;
    uint32_t *buckets = vf_arena_take(arena, 1, distances, sizeof(*buckets));
    for (size_t i = 0; buckets && i < distances; i++)
        buckets[i] = (uint32_t)distance_row(relative, (ptrdiff_t)i - (ptrdiff_t)(max_tokens - 1));
    return buckets;
}

void vf_relative_scores_place(struct vf_relative_scores *relative, struct vf_arena *arena,
    const struct vf_network *network, const struct vf_network_tensors *tensors, size_t max_tokens)
{
    *relative = (struct vf_relative_scores){.max_tokens = max_tokens};
    switch (network->relative.scheme) {
    case VF_RELATIVE_NONE:
        break;
    case VF_RELATIVE_BIAS:
        relative->bias = place_bias(arena, network, &tensors->relative_bias, max_tokens);
        break;
    case VF_RELATIVE_DISENTANGLED:
        relative->buckets = place_buckets(arena, &network->relative, max_tokens);
        break;
    }
}

/* A map for each head; NULL while the arena measures. */
static struct vf_packed_linear *place_heads(
    struct vf_arena *arena, const struct vf_network *network, const struct vf_kernels *kernels)
{
    struct vf_packed_linear *maps = vf_arena_take(arena, network->heads, 1, sizeof(*maps)), unused;
    for (size_t head = 0; head < network->heads; head++)
        vf_packed_linear_place(maps ? &maps[head] : &unused, VF_PRECISION_FP32,
            vf_distance_rows(&network->relative), network->head_size, kernels, arena);
    return maps;
}

void vf_packed_distances_place(struct vf_packed_distances *distances, struct vf_arena *arena,
    const struct vf_network *network, const struct vf_kernels *kernels)
{
    const struct vf_relative *relative = &network->relative;
    *distances = (struct vf_packed_distances){0};
    if (relative->scheme != VF_RELATIVE_DISENTANGLED)
        return;
    if (relative->content_to_position)
        distances->keys = place_heads(arena, network, kernels);
    if (relative->position_to_content)
        distances->queries = place_heads(arena, network, kernels);
}

/* Packs `map`: the projections of the distance embeddings by `from`, times `scale`. */
static int pack_head(const struct vf_packed_linear *map, const struct vf_linear_tensors *from,
    float scale, const float *embeddings, const struct vf_kernels *kernels, struct vf_err *err)
{
    int rc;
    struct vf_arena arena = {0};
    struct vf_packed_linear projection;
    struct vf_linear_source source = {.parts = {{&from->weight, &from->bias, scale}}, .n_parts = 1};
    size_t hidden = from->weight.cols;
    vf_linear_source_place(&source, &projection, VF_PRECISION_FP32, kernels, &arena);
    vf_arena_take(&arena, map->n, map->k, sizeof(float));
    VF_TRY(vf_arena_allocate(&arena, "distance embeddings", err));
    vf_linear_source_place(&source, &projection, VF_PRECISION_FP32, kernels, &arena);
    float *projected = vf_arena_take(&arena, map->n, map->k, sizeof(float));
    VF_TRY(vf_pack_linears(&source, 1, NULL, kernels, 1, err));
    vf_packed_linear_apply(&projection, kernels, VF_EPILOGUE_NONE, embeddings, hidden, map->n,
        projected, map->k, NULL);
    const struct vf_tensor rows = {
        .data = projected, .dtype = VF_DTYPE_F32, .rows = map->n, .cols = map->k};
    const struct vf_linear_source packed = {
        .parts = {{.weight = &rows, .scale = 1}}, .n_parts = 1, .linear = map};
    VF_TRY(vf_pack_linears(&packed, 1, NULL, kernels, 1, err));
out:
    vf_arena_release(&arena);
    return rc;
}

static int pack_heads(const struct vf_packed_linear *maps, const struct vf_network *network,
    const struct vf_linear_tensors *from, float scale, const float *embeddings,
    const struct vf_kernels *kernels, struct vf_err *err)
{
    int rc = 0;
    size_t size = network->head_size;
    for (size_t head = 0; maps && head < network->heads; head++) {
        const struct vf_linear_tensors part = {
            .weight = vf_tensor_rows(&from->weight, head * size, size),
            .bias = vf_tensor_rows(&from->bias, head * size, size),
        };
        VF_TRY(pack_head(&maps[head], &part, scale, embeddings, kernels, err));
    }
out:
    return rc;
}

int vf_packed_distances_pack(const struct vf_packed_distances *distances,
    const struct vf_network *network, const struct vf_layer_tensors *layer, const float *embeddings,
    const struct vf_kernels *kernels, struct vf_err *err)
{
    int rc;
    bool shared = network->relative.share_projections;
    float scale = (float)(network->attention_scale * log2_e); /* queries of content have it */
    VF_TRY(pack_heads(distances->keys, network, shared ? &layer->key : &layer->position_key, 1,
        embeddings, kernels, err));
    VF_TRY(pack_heads(distances->queries, network, shared ? &layer->query : &layer->position_query,
        scale, embeddings, kernels, err));
out:
    return rc;
}

size_t vf_distance_bias_scratch(const struct vf_network *network, size_t m, size_t n)
{
    return network->relative.scheme == VF_RELATIVE_DISENTANGLED
               ? m * n + (m + n) * vf_distance_rows(&network->relative)
               : 0;
}

void vf_distance_bias(const struct vf_relative_scores *relative,
    const struct vf_packed_distances *distances, size_t head, const struct vf_kernels *kernels,
    const struct vf_distance_operands *o, float *scratch)
{
    const struct vf_packed_linear *keys = distances->keys ? &distances->keys[head] : NULL;
    const struct vf_packed_linear *queries = distances->queries ? &distances->queries[head] : NULL;
    size_t rows = keys ? keys->n : queries->n;
    float *of_queries = scratch + o->m * o->n, *of_keys = of_queries + o->m * rows;
    if (keys)
        vf_packed_linear_apply(
            keys, kernels, VF_EPILOGUE_NONE, o->q, o->ldq, o->m, of_queries, rows, NULL);
    if (queries)
        vf_packed_linear_apply(
            queries, kernels, VF_EPILOGUE_NONE, o->k, o->ldk, o->n, of_keys, rows, NULL);
    for (size_t i = 0; i < o->m; i++) {
        const uint32_t *row = relative->buckets + relative->max_tokens - 1 - (o->first + i);
        for (size_t j = 0; j < o->n; j++)
            scratch[i * o->n + j] = (keys ? of_queries[i * rows + row[j]] : 0) +
                                    (queries ? of_keys[j * rows + row[j]] : 0);
    }
}
