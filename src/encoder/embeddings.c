#include "encoder/embeddings.h"

#include "encoder/packed_norm.h"

#include <string.h>

/* Rows of position embeddings that texts of up to max_tokens reach. */
static size_t position_rows(const struct vf_network *network, size_t max_tokens)
{
    return (size_t)(network->padding_id + 1) + max_tokens;
}

/* Position and token type 0, summed. */
static const float *place_positions(
    struct vf_arena *arena, const struct vf_network_tensors *tensors, size_t rows, size_t size)
{
    float *all = vf_arena_take(arena, rows, size, sizeof(float));
    const struct vf_tensor *types = &tensors->token_type_embeddings;
    const float *type = types->data ? vf_vector_place(arena, types) : NULL;
    for (size_t i = 0; all && i < rows; i++) {
        float *row = all + i * size;
        vf_tensor_read_row(&tensors->position_embeddings, i, row);
        for (size_t j = 0; type && j < size; j++)
            row[j] += type[j];
    }
    return all;
}

void vf_embeddings_place(struct vf_embeddings *embeddings, struct vf_arena *arena,
    const struct vf_network *network, const struct vf_network_tensors *tensors, size_t max_tokens)
{
    size_t size = network->embedding_size;
    embeddings->words = tensors->word_embeddings;
    embeddings->size = size;
    embeddings->scale = network->embedding_scale;
    embeddings->padding_id = network->padding_id;
    if (tensors->position_embeddings.data) {
        embeddings->ld_additions = size;
        embeddings->additions =
            place_positions(arena, tensors, position_rows(network, max_tokens), size);
    } else if (tensors->token_type_embeddings.data) {
        embeddings->additions = vf_vector_place(arena, &tensors->token_type_embeddings);
    }
    vf_norm_place(&embeddings->norm, arena, network, &tensors->embeddings_norm, 1);
}

static void read_words(
    const struct vf_embeddings *embeddings, const int32_t *ids, size_t n, float *out, size_t ldo)
{
    for (size_t i = 0; i < n; i++, out += ldo) {
        vf_tensor_read_row(&embeddings->words, (size_t)ids[i], out);
        for (size_t j = 0; embeddings->scale != 1.0f && j < embeddings->size; j++)
            out[j] *= embeddings->scale;
    }
}

/* Finishes `n` rows whose positions follow each other. */
static void finish_run(const struct vf_embeddings *embeddings, const struct vf_kernels *kernels,
    size_t position, size_t n, float *out, size_t ldo)
{
    size_t ld = embeddings->ld_additions;
    const float *additions = embeddings->additions ? embeddings->additions + position * ld : NULL;
    if (embeddings->norm.n > 0)
        kernels->add_norm_f32(&embeddings->norm, out, ldo, additions, ld, n, out, ldo);
    else if (additions)
        kernels->add_f32(out, ldo, additions, ld, n, embeddings->size);
}

/* The number of tokens, at least 1, that follow each other in position. */
static size_t run_length(const struct vf_embeddings *embeddings, const int32_t *ids, size_t n)
{
    size_t length = 0;
    if (embeddings->padding_id < 0)
        return n;
    while (length < n && ids[length] != embeddings->padding_id)
        length++;
    return length > 0 ? length : 1;
}

void vf_embed_tokens(const struct vf_embeddings *embeddings, const struct vf_kernels *kernels,
    const int32_t *ids, size_t n, size_t *position, float *out, size_t ldo)
{
    read_words(embeddings, ids, n, out, ldo);
    for (size_t i = 0, length; i < n; i += length) {
        length = run_length(embeddings, ids + i, n - i);
        bool is_padding = ids[i] == embeddings->padding_id;
        size_t first = is_padding ? (size_t)embeddings->padding_id : *position;
        finish_run(embeddings, kernels, first, length, out + i * ldo, ldo);
        *position += is_padding ? 0 : length;
    }
}

size_t vf_embeddings_first_position(const struct vf_embeddings *embeddings)
{
    return (size_t)(embeddings->padding_id + 1);
}
