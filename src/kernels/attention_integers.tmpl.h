/* Attention whose operands and weights are rounded to integers, whose products are summed exactly,
 * in 32 bits. Values and weights are multiplied in pairs of 16-bit integers; queries and keys are
 * the kernel's own affair but for their layout, KEY_INTEGERS of them in a word of the size of a
 * float. To be included behind KEY_INTEGERS, WEIGHT_EXP2, the power of two that weights are made
 * by, the header of a vector type and the operations of a tier:
 *
 *   vec_words                 a word, or a sum of 32 bits, for each float of a vector
 *   words_load(p)             as they lie in memory
 *   words_store(p, words)
 *   words_set(p)              the word at p, for each float
 *   words_zero()
 *   words_widen(sum)          sums as floats
 *   pairs_ones()              words of two 16-bit ones
 *   pairs_dot(sum, a, b)      the sums with the products of both of each pair added
 *   pairs_join(a, b)          two vectors of floats, rounded: those of a the first of each pair
 *   pairs_round(a, b)         two vectors of floats, rounded: four floats of a, four of b, …
 *
 * Where words lie in memory that is laid out in floats, each takes the place of one. */
#include <assert.h>

#include "kernels/math_f32.tmpl.h"
#include "kernels/panel.tmpl.h"

/* The largest weight is between half of 2^WEIGHT_BITS and 2^WEIGHT_BITS, so that the sum of the
 * products of a block's weights with values is below 2^31. */
enum { WEIGHT_BITS = 12, LARGEST_VALUE = 1023, BLOCK_KEYS = 512 };
static_assert((int64_t)BLOCK_KEYS * LARGEST_VALUE << WEIGHT_BITS <= INT32_MAX, "sums overflow");

#include "kernels/attention_blocks.tmpl.h"

typedef void words_tile_fn(
    const float *a, size_t lda, const float *b, size_t k, float *out, size_t ldo);

#define TILE_DOT pairs_dot
#define TILE_NAME(name) pairs_##name
#include "kernels/tile_integers.tmpl.h"
#undef TILE_DOT
#undef TILE_NAME

static_assert((int)PANEL == (int)STEP, "a panel of keys is what is rounded at a time");

/* What is smaller than this counts as zero. */
#define LEAST 0x1p-100f

/* The parts of the kernel's own scratch, as offsets in floats, and the words of a query or a
 * key. */
struct own {
    size_t words;
    size_t keys, values; /* panels */
    size_t queries;      /* [GROUP_ROWS][words] */
    size_t score_units;  /* [GROUP_ROWS]: what 1 in a score stands for */
    size_t value_units;  /* [columns]: what 1 in a value stands for */
    size_t end;
};

/* What a kernel defines. */

/* Products of queries and keys, by which scores may be off by a number of each query. */
static words_tile_fn *key_tile(size_t rows);

/* Packs the keys, and returns what 1 in them stands for: NaN when one of them is NaN or infinite.
 */
static float pack_keys(const struct vf_attention_f32 *op, const struct own *own);

/* Rounds n queries, from `row` on, and sets the units of their scores. */
static void round_queries(const struct vf_attention_f32 *op, const struct own *own,
    float unit_of_keys, size_t row, size_t n);

static struct own own_scratch(const struct layout *layout, size_t n, size_t head_size)
{
    size_t columns = round_up_step(head_size), keys = round_up_step(n);
    struct own own = {.words = columns / KEY_INTEGERS, .keys = layout->own};
    own.values = own.keys + keys * own.words;
    own.queries = own.values + keys / 2 * columns;
    own.score_units = own.queries + GROUP_ROWS * own.words;
    own.value_units = own.score_units + round_up(GROUP_ROWS);
    own.end = own.value_units + columns;
    return own;
}

static size_t scratch_floats(size_t n, size_t head_size)
{
    struct layout layout = lay_out(n, head_size);
    return own_scratch(&layout, n, head_size).end;
}

/* What 1 in a score stands for. It is not 0, so that the score of a key without weight stays
 * -infinity; NaN stays. */
static inline float score_unit_of(float unit_of_query, float unit_of_keys)
{
    return unit_of_query * unit_of_keys + FLT_MIN;
}

/* The larger absolute values of each lane: of `largest` and of the n floats at x. A NaN stays. */
static inline vec_bits larger_abs(vec_bits largest, const float *x, size_t n)
{
    for (; n >= VEC_FLOATS; n -= VEC_FLOATS, x += VEC_FLOATS)
        largest = vec_bits_max_signed(largest, vec_bits_of(vec_abs(vec_load(x))));
    if (n > 0)
        largest = vec_bits_max_signed(largest, vec_bits_of(vec_abs(vec_load_first(x, n))));
    return largest;
}

/* The first n floats in two vectors, and zeros behind them, where n may also be more. */
static inline void load_step(const float *x, size_t n, vec step[2])
{
    step[0] = load_at_most(x, n);
    step[1] = n > VEC_FLOATS ? load_at_most(x + VEC_FLOATS, n - VEC_FLOATS) : vec_set(0);
}

/* The place among keys of a step of the first of pair e, in the order of pairs_round(). */
static inline size_t first_of_pair(size_t e)
{
    return e % 4 / 2 * VEC_FLOATS + e / 4 * 4 + e % 2 * 2;
}

/* Columns [0, n) of row i of the values, n at most VEC_FLOATS; zeros where there are none. */
ALWAYS_INLINE vec load_values(const struct vf_attention_f32 *op, const float *v, size_t i, size_t n)
{
    if (i >= op->n)
        return vec_set(0);
    return n == VEC_FLOATS ? vec_load(v + i * op->ldkv) : vec_load_first(v + i * op->ldkv, n);
}

/* Packs n columns of the values, at most VEC_FLOATS, from v on, and returns their units, which are
 * NaN for columns with a NaN. */
ALWAYS_INLINE vec pack_columns(
    const struct vf_attention_f32 *op, const float *v, size_t n, float *out)
{
    vec_bits largest = vec_bits_of(vec_set(LEAST));
    for (size_t i = 0; i < op->n; i++)
        largest = vec_bits_max_signed(largest, vec_bits_of(vec_abs(load_values(op, v, i, n))));
    vec unit = vec_mul(vec_of_bits(largest), vec_set(1.0f / LARGEST_VALUE));
    vec scale = vec_div(vec_set(1), unit);
    for (size_t first = 0; first < op->n; first += STEP)
        for (size_t e = 0; e < VEC_FLOATS; e++, out += PANEL) {
            size_t i = first + first_of_pair(e);
            words_store(out, pairs_join(vec_mul(load_values(op, v, i, n), scale),
                                 vec_mul(load_values(op, v, i + 1, n), scale)));
        }
    return unit;
}

static void pack_values(const struct vf_attention_f32 *op, const struct own *own)
{
    size_t pairs = round_up_step(op->n) / 2;
    for (size_t j = 0; j < op->head_size; j += VEC_FLOATS) {
        float *out = op->scratch + own->values + j / PANEL * PANEL * pairs + j % PANEL;
        size_t left = op->head_size - j;
        vec unit = left < VEC_FLOATS ? pack_columns(op, op->v + j, left, out)
                                     : pack_columns(op, op->v + j, VEC_FLOATS, out);
        vec_store(op->scratch + own->value_units + j, unit);
    }
}

static void multiply_keys(
    const struct vf_attention_f32 *op, const struct layout *layout, const struct region *at)
{
    struct own own = own_scratch(layout, op->n, op->head_size);
    const float *queries = op->scratch + own.queries + at->place * own.words;
    float *scores = op->scratch + layout->scores;
    for (size_t key = at->begin; key < at->end; key += PANEL)
        key_tile(at->rows)(queries, own.words, op->scratch + own.keys + key * own.words, own.words,
            scores + key - at->begin, layout->ld_scores);
}

static float score_unit(
    const struct vf_attention_f32 *op, const struct layout *layout, size_t place)
{
    return op->scratch[own_scratch(layout, op->n, op->head_size).score_units + place];
}

/* The weights of a step of scores, in the order of pairs_round(). */
ALWAYS_INLINE vec_words weights_of(const float *score, vec unit, vec bits)
{
    vec a = WEIGHT_EXP2(vec_fma(vec_load(score), unit, bits));
    vec b = WEIGHT_EXP2(vec_fma(vec_load(score + VEC_FLOATS), unit, bits));
    return pairs_round(a, b);
}

/* The weights take the first half of the scores' place. There are two sums, for one would wait for
 * itself. */
static vec exponentiate(float *score, size_t n, float unit, float shift)
{
    const vec_words ones = pairs_ones();
    vec units = vec_set(unit), bits = vec_set(WEIGHT_BITS - shift);
    vec_words first = words_zero(), second = words_zero();
    size_t j = 0;
    for (; j + 2 * STEP <= n; j += 2 * STEP) {
        vec_words a = weights_of(score + j, units, bits);
        vec_words b = weights_of(score + j + STEP, units, bits);
        words_store(score + j / 2, a);
        words_store(score + j / 2 + VEC_FLOATS, b);
        first = pairs_dot(first, a, ones);
        second = pairs_dot(second, b, ones);
    }
    if (j < n) {
        vec_words a = weights_of(score + j, units, bits);
        words_store(score + j / 2, a);
        first = pairs_dot(first, a, ones);
    }
    return vec_add(words_widen(first), words_widen(second));
}

static void multiply_values(const struct vf_attention_f32 *op, const struct layout *layout,
    const struct region *at, size_t first, float *out, size_t ldo)
{
    struct own own = own_scratch(layout, op->n, op->head_size);
    const float *values =
        op->scratch + own.values + first * (round_up_step(op->n) / 2) + at->begin / 2 * PANEL;
    pairs_tiles[at->rows - 1](op->scratch + layout->scores, layout->ld_scores, values,
        round_up_step(at->end - at->begin) / 2, out, ldo);
}

static void finish_row(const struct vf_attention_f32 *op, const struct layout *layout, size_t place,
    float total, float *out)
{
    struct own own = own_scratch(layout, op->n, op->head_size);
    const float *sums = op->scratch + layout->sums + place * layout->ld_sums;
    const float *units = op->scratch + own.value_units;
    /* Integers know no NaN, but the unit of the scores does. */
    vec factor = vec_set(1 / total + op->scratch[own.score_units + place] * 0);
    for (size_t j = 0; j < op->head_size; j += VEC_FLOATS) {
        vec y = vec_mul(vec_mul(vec_load(sums + j), factor), vec_load(units + j));
        if (op->head_size - j >= VEC_FLOATS)
            vec_store(out + j, y);
        else
            vec_store_first(out + j, y, op->head_size - j);
    }
}

static void attention(const struct vf_attention_f32 *op)
{
    struct layout layout = lay_out(op->n, op->head_size);
    struct own own = own_scratch(&layout, op->n, op->head_size);
    float unit_of_keys = pack_keys(op, &own);
    pack_values(op, &own);
    for (size_t row = 0; row < op->m; row += GROUP_ROWS) {
        size_t n = smaller(op->m - row, GROUP_ROWS);
        round_queries(op, &own, unit_of_keys, row, n);
        attend_group(op, &layout, row, n);
    }
}
