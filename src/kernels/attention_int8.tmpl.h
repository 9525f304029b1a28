/* attention_int8 for a vector type: keys are bytes, queries signed bytes, four to a word. To be
 * included behind what attention_integers.tmpl.h asks for and
 *
 *   bytes_dot(sum, a, b)         the sums with the products of signed bytes a and bytes b added
 *   bytes_store(p, a, b)         two vectors of floats, rounded to bytes, in the order of
 *                                pairs_round()
 *   bytes_store_signed(p, a, b)  the same for signed bytes
 */
#define KEY_INTEGERS 4
#define WEIGHT_EXP2 vec_exp2_int8
#include "kernels/attention_integers.tmpl.h"

#define TILE_DOT bytes_dot
#define TILE_NAME(name) bytes_##name
#include "kernels/tile_integers.tmpl.h"

enum { LARGEST_KEY = 255, LARGEST_QUERY = 127, STEP_WORDS = STEP / KEY_INTEGERS };

static words_tile_fn *key_tile(size_t rows)
{
    return bytes_tiles[rows - 1];
}

/* Sets the least of each column of the keys, and returns what 1 in them stands for: the widest
 * column takes the whole range. */
static float key_range(const struct vf_attention_f32 *op, float *least)
{
    vec widest = vec_set(LEAST), poison = vec_set(0);
    for (size_t j = 0; j < op->head_size; j += VEC_FLOATS) {
        size_t left = op->head_size - j;
        vec low = load_at_most(op->k + j, left), high = low;
        for (size_t i = 0; i < op->n; i++) {
            vec x = load_at_most(op->k + i * op->ldkv + j, left);
            low = vec_min(low, x);
            high = vec_max(high, x);
            poison = vec_fma(x, vec_set(0), poison);
        }
        vec_store(least + j, low);
        widest = vec_max(widest, vec_sub(high, low));
    }
    return vec_largest(widest) / LARGEST_KEY + vec_sum(poison);
}

static void round_key(const float *k, size_t n, const float *least, float unit, float *words)
{
    vec scale = vec_set(1 / unit), step[2];
    for (size_t j = 0; j < n; j += STEP, words += STEP_WORDS) {
        load_step(k + j, n - j, step);
        bytes_store(words, vec_mul(vec_sub(step[0], vec_load(least + j)), scale),
            vec_mul(vec_sub(step[1], vec_load(least + j + VEC_FLOATS)), scale));
    }
}

/* What is subtracted from the keys changes the scores of a query by the same number for all of
 * them, and so no weight. */
static float pack_keys(const struct vf_attention_f32 *op, const struct own *own)
{
    float *rows = op->scratch + own->queries, *least = op->scratch + own->value_units;
    memset(least, 0, round_up_step(op->head_size) * sizeof(float)); /* neither is in use yet */
    float unit = key_range(op, least);
    for (size_t first = 0; first < op->n; first += PANEL) {
        size_t n = smaller(op->n - first, PANEL);
        for (size_t i = 0; i < n; i++)
            round_key(
                op->k + (first + i) * op->ldkv, op->head_size, least, unit, rows + i * own->words);
        memset(rows + n * own->words, 0, (PANEL - n) * own->words * sizeof(float));
        pack_transposed(
            rows, own->words, PANEL, own->words, op->scratch + own->keys + first * own->words);
    }
    return unit;
}

static void round_queries(const struct vf_attention_f32 *op, const struct own *own,
    float unit_of_keys, size_t row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float *q = op->q + (row + i) * op->ldq;
        float *words = op->scratch + own->queries + i * own->words;
        vec_bits largest = larger_abs(vec_bits_of(vec_set(LEAST)), q, op->head_size);
        float unit = vec_bits_largest_signed(largest) / LARGEST_QUERY;
        vec scale = vec_set(1 / unit), step[2];
        for (size_t j = 0; j < op->head_size; j += STEP, words += STEP_WORDS) {
            load_step(q + j, op->head_size - j, step);
            bytes_store_signed(words, vec_mul(step[0], scale), vec_mul(step[1], scale));
        }
        op->scratch[own->score_units + i] = score_unit_of(unit, unit_of_keys);
    }
}
