/* attention_int16 for a vector type: queries and keys are pairs of 16-bit integers. To be included
 * behind what attention_integers.tmpl.h asks for. */
#define KEY_INTEGERS 2
#define WEIGHT_EXP2 vec_exp2_int16
#include "kernels/attention_integers.tmpl.h"

/* Keys are at most LARGEST_KEY, and the absolute values of a query sum to at most QUERY_SUM, so
 * that a score is below 2^31. */
enum { LARGEST_KEY = 32767, QUERY_SUM = 32767 };

static words_tile_fn *key_tile(size_t rows)
{
    return pairs_tiles[rows - 1];
}

/* Rounds n floats times `scale`, and zeros behind them, to pairs. Their order within a step is that
 * of pairs_round(), in queries as in keys. */
static inline void round_row(const float *x, size_t n, float scale, float *pairs)
{
    vec factor = vec_set(scale), step[2];
    for (size_t j = 0; j < n; j += STEP, pairs += VEC_FLOATS) {
        load_step(x + j, n - j, step);
        words_store(pairs, pairs_round(vec_mul(step[0], factor), vec_mul(step[1], factor)));
    }
}

/* What 1 in the keys stands for: NaN when one of them is NaN. */
static float key_unit(const struct vf_attention_f32 *op)
{
    vec_bits largest = vec_bits_of(vec_set(LEAST));
    for (size_t i = 0; i < op->n; i++)
        largest = larger_abs(largest, op->k + i * op->ldkv, op->head_size);
    return vec_bits_largest_signed(largest) / LARGEST_KEY;
}

static float pack_keys(const struct vf_attention_f32 *op, const struct own *own)
{
    float unit = key_unit(op);
    float *rows = op->scratch + own->queries; /* not in use yet */
    for (size_t first = 0; first < op->n; first += PANEL) {
        size_t n = smaller(op->n - first, PANEL);
        for (size_t i = 0; i < n; i++)
            round_row(
                op->k + (first + i) * op->ldkv, op->head_size, 1 / unit, rows + i * own->words);
        memset(rows + n * own->words, 0, (PANEL - n) * own->words * sizeof(float));
        pack_transposed(
            rows, own->words, PANEL, own->words, op->scratch + own->keys + first * own->words);
    }
    return unit;
}

/* The sum of the absolute values of n floats. */
static inline float sum_abs(const float *x, size_t n)
{
    vec sum = vec_set(LEAST);
    for (; n >= VEC_FLOATS; n -= VEC_FLOATS, x += VEC_FLOATS)
        sum = vec_add(sum, vec_abs(vec_load(x)));
    if (n > 0)
        sum = vec_add(sum, vec_abs(vec_load_first(x, n)));
    return vec_sum(sum);
}

static void round_queries(const struct vf_attention_f32 *op, const struct own *own,
    float unit_of_keys, size_t row, size_t n)
{
    const float share = 1 / (QUERY_SUM - 0.5f * (float)op->head_size);
    for (size_t i = 0; i < n; i++) {
        const float *q = op->q + (row + i) * op->ldq;
        float unit = sum_abs(q, op->head_size) * share;
        round_row(q, op->head_size, 1 / unit, op->scratch + own->queries + i * own->words);
        op->scratch[own->score_units + i] = score_unit_of(unit, unit_of_keys);
    }
}
