#include "encoder/activations.h"

#include "base/checked.h"

/* The distance of rows of n floats: an odd number of cache lines, so that rows beneath each other
 * do not compete for the same cache sets. */
static size_t row_stride(size_t n, struct vf_arena *arena)
{
    const size_t line = VF_ARENA_ALIGNMENT / sizeof(float);
    size_t padded = 0;
    if (!vf_size_round_up(n, line, &padded))
        arena->impossible = true;
    return padded | line;
}

static float *take_floats(struct vf_arena *arena, size_t rows, size_t columns)
{
    return vf_arena_take(arena, rows, columns, sizeof(float));
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Floats of scratch for any linear map of the network. */
static size_t linear_scratch(const struct vf_packed_network *packed)
{
    const struct vf_kernels *kernels = &packed->kernels;
    const struct vf_packed_layer *layer = &packed->layers[0];
    size_t most = larger(vf_packed_linear_scratch(&layer->query, kernels),
        vf_packed_linear_scratch(&layer->attention_output, kernels));
    most = larger(most, vf_packed_linear_scratch(&layer->ffn_output, kernels));
    return larger(most, vf_packed_linear_scratch(&packed->embeddings.projection, kernels));
}

/* Whether something enters attention or feed-forward behind a norm. */
static bool norms_inputs(const struct vf_packed_network *packed)
{
    for (size_t i = 0; i < packed->network->distinct_layers; i++) {
        const struct vf_packed_layer *layer = &packed->layers[i];
        if (layer->attention_norms.input.n > 0 || layer->ffn_norms.input.n > 0)
            return true;
    }
    return false;
}

static void place(struct vf_activations *a, const struct vf_packed_network *packed)
{
    const struct vf_network *network = packed->network;
    struct vf_arena *arena = &a->arena;
    size_t span = VF_GROUP_TOKENS, rows = larger(packed->max_tokens, span);
    size_t inner = network->intermediate_size * (network->gated ? 2 : 1);
    a->ld_hidden = row_stride(network->hidden_size, arena);
    a->ld_key_value = row_stride(2 * network->kv_heads * network->head_size, arena);
    a->ld_query = row_stride(network->heads * network->head_size, arena);
    a->ld_inner = row_stride(inner, arena);

    a->x = take_floats(arena, rows, a->ld_hidden);
    a->key_value = take_floats(arena, rows, a->ld_key_value);
    a->runs = vf_arena_take(arena, VF_GROUP_TOKENS, 1, sizeof(*a->runs));
    a->linear_scratch = take_floats(arena, 1, linear_scratch(packed));
    if (network->projects_embeddings) {
        a->ld_embedded = row_stride(network->embedding_size, arena);
        a->embedded = take_floats(arena, span, a->ld_embedded);
    }
    if (norms_inputs(packed))
        a->normed = take_floats(arena, span, a->ld_hidden);
    a->context = take_floats(arena, span, a->ld_query);
    size_t phase = arena->end;
    a->query = take_floats(arena, span, a->ld_query);
    a->attention_scratch =
        take_floats(arena, 1, packed->attention_scratch(packed->max_tokens, network->head_size));
    a->bias_scratch =
        take_floats(arena, 1, vf_distance_bias_scratch(network, span, packed->max_tokens));
    arena->end = phase;
    a->head_scratch = take_floats(arena, 1, vf_head_scratch(&packed->head));
    arena->end = phase;
    a->update = take_floats(arena, VF_BLOCK_ROWS, a->ld_hidden);
    a->inner = take_floats(arena, VF_BLOCK_ROWS, a->ld_inner);
}

int vf_activations_init(
    struct vf_activations *activations, const struct vf_packed_network *packed, struct vf_err *err)
{
    *activations = (struct vf_activations){.packed = packed};
    place(activations, packed);
    int rc = vf_arena_allocate(&activations->arena, "activations", err);
    if (rc)
        *activations = (struct vf_activations){0};
    else
        place(activations, packed);
    return rc;
}

void vf_activations_release(struct vf_activations *activations)
{
    vf_arena_release(&activations->arena);
    *activations = (struct vf_activations){0};
}
