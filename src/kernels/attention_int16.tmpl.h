/* attention_int16 for a vector type: operands and weights rounded to 16-bit integers, whose
 * products are summed exactly, in 32 bits, by a dot product of pairs. To be included behind the
 * header of a vector type and the operations of a tier:
 *
 *   vec_pairs                 pairs of 16-bit integers, or sums of 32 bits, one for each float
 *   pairs_load(p)             as they lie in memory
 *   pairs_store(p, pairs)
 *   pairs_set(p)              the pair at p, for each float
 *   pairs_dot(sum, a, b)      the sums with the products of both of each pair added
 *   pairs_join(a, b)          two vectors of floats, rounded: those of a the first of each pair
 *   pairs_round(a, b)         two vectors of floats, rounded: four floats of a, four of b, …
 *   pairs_widen(sum)          sums as floats
 *
 * Where pairs lie in memory that is laid out in floats, each takes the place of one. */
#include <assert.h>

#include "kernels/math_f32.tmpl.h"
#include "kernels/panel.tmpl.h"

/* The largest weight is between half of 2^WEIGHT_BITS and 2^WEIGHT_BITS, so that the sum of the
 * products of a block's weights with values is below 2^31. */
enum { WEIGHT_BITS = 12, LARGEST_VALUE = 1023, BLOCK_KEYS = 512 };
static_assert((int64_t)BLOCK_KEYS * LARGEST_VALUE << WEIGHT_BITS <= INT32_MAX, "sums overflow");

#include "kernels/attention_blocks.tmpl.h"
#include "kernels/tile_pairs.tmpl.h"

static_assert((int)PANEL == (int)STEP, "a panel of keys is what is rounded at a time");

/* Keys are at most LARGEST_KEY, and the absolute values of a query sum to at most QUERY_SUM, so
 * that a score is below 2^31. */
enum { LARGEST_KEY = 32767, QUERY_SUM = 32767 };

/* What is smaller than this counts as zero. */
#define LEAST 0x1p-100f

/* The parts of the kernel's own scratch, as offsets in floats, and the number of pairs of a query
 * or a key. */
struct own {
    size_t pairs;
    size_t keys, values; /* panels */
    size_t queries;      /* [GROUP_ROWS][pairs] */
    size_t score_units;  /* [GROUP_ROWS]: what 1 in a score stands for */
    size_t value_units;  /* [columns]: what 1 in a value stands for */
    size_t end;
};

static struct own own_scratch(const struct layout *layout, size_t n, size_t head_size)
{
    size_t columns = round_up_step(head_size), keys = round_up_step(n);
    struct own own = {.pairs = columns / 2, .keys = layout->own};
    own.values = own.keys + keys * own.pairs;
    own.queries = own.values + keys / 2 * columns;
    own.score_units = own.queries + GROUP_ROWS * own.pairs;
    own.value_units = own.score_units + round_up(GROUP_ROWS);
    own.end = own.value_units + columns;
    return own;
}

static size_t scratch_floats(size_t n, size_t head_size)
{
    struct layout layout = lay_out(n, head_size);
    return own_scratch(&layout, n, head_size).end;
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

/* Rounds n floats times `scale`, and zeros behind them, to pairs. Their order within a step is that
 * of pairs_round(), in queries as in keys. */
static inline void round_row(const float *x, size_t n, float scale, float *pairs)
{
    vec factor = vec_set(scale);
    for (; n >= STEP; n -= STEP, x += STEP, pairs += VEC_FLOATS)
        pairs_store(pairs,
            pairs_round(vec_mul(vec_load(x), factor), vec_mul(vec_load(x + VEC_FLOATS), factor)));
    if (n == 0)
        return;
    vec second = vec_set(0);
    if (n > VEC_FLOATS)
        second = vec_load_first(x + VEC_FLOATS, n - VEC_FLOATS);
    pairs_store(pairs, pairs_round(vec_mul(load_at_most(x, n), factor), vec_mul(second, factor)));
}

/* What 1 in the keys stands for: NaN when one of them is NaN. */
static float key_unit(const struct vf_attention_f32 *op)
{
    vec_bits largest = vec_bits_of(vec_set(LEAST));
    for (size_t i = 0; i < op->n; i++)
        largest = larger_abs(largest, op->k + i * op->ldkv, op->head_size);
    return vec_bits_largest_signed(largest) / LARGEST_KEY;
}

static void pack_keys(const struct vf_attention_f32 *op, const struct own *own, float unit)
{
    float *rows = op->scratch + own->queries; /* not in use yet */
    for (size_t first = 0; first < op->n; first += PANEL) {
        size_t n = smaller(op->n - first, PANEL);
        for (size_t i = 0; i < n; i++)
            round_row(
                op->k + (first + i) * op->ldkv, op->head_size, 1 / unit, rows + i * own->pairs);
        memset(rows + n * own->pairs, 0, (PANEL - n) * own->pairs * sizeof(float));
        pack_transposed(
            rows, own->pairs, PANEL, own->pairs, op->scratch + own->keys + first * own->pairs);
    }
}

/* The place among keys of a step of the first of pair e, in the order of pairs_round(). */
static inline size_t first_of_pair(size_t e)
{
    return e % 4 / 2 * VEC_FLOATS + e / 4 * 4 + e % 2 * 2;
}

/* Columns [0, n) of row i of the values, n at most VEC_FLOATS; zeros where there are none. */
static inline vec load_values(const struct vf_attention_f32 *op, const float *v, size_t i, size_t n)
{
    return i < op->n ? vec_load_first(v + i * op->ldkv, n) : vec_set(0);
}

/* Packs n columns of the values, at most VEC_FLOATS, from v on, and returns their units, which are
 * NaN for columns with a NaN. */
static inline vec pack_columns(
    const struct vf_attention_f32 *op, const float *v, size_t n, float *out)
{
    vec_bits largest = vec_bits_of(vec_set(LEAST));
    for (size_t i = 0; i < op->n; i++)
        largest = larger_abs(largest, v + i * op->ldkv, n);
    vec unit = vec_mul(vec_of_bits(largest), vec_set(1.0f / LARGEST_VALUE));
    vec scale = vec_div(vec_set(1), unit);
    for (size_t first = 0; first < op->n; first += STEP)
        for (size_t e = 0; e < VEC_FLOATS; e++, out += PANEL) {
            size_t i = first + first_of_pair(e);
            pairs_store(out, pairs_join(vec_mul(load_values(op, v, i, n), scale),
                                 vec_mul(load_values(op, v, i + 1, n), scale)));
        }
    return unit;
}

static void pack_values(const struct vf_attention_f32 *op, const struct own *own)
{
    size_t pairs = round_up_step(op->n) / 2;
    for (size_t j = 0; j < op->head_size; j += VEC_FLOATS) {
        float *out = op->scratch + own->values + j / PANEL * PANEL * pairs + j % PANEL;
        vec unit = pack_columns(op, op->v + j, smaller(op->head_size - j, VEC_FLOATS), out);
        vec_store(op->scratch + own->value_units + j, unit);
    }
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

/* Rounds n queries, from `row` on. */
static void round_queries(const struct vf_attention_f32 *op, const struct own *own,
    float unit_of_keys, size_t row, size_t n)
{
    const float share = 1 / (QUERY_SUM - 0.5f * (float)op->head_size);
    for (size_t i = 0; i < n; i++) {
        const float *q = op->q + (row + i) * op->ldq;
        float unit = sum_abs(q, op->head_size) * share;
        round_row(q, op->head_size, 1 / unit, op->scratch + own->queries + i * own->pairs);
        op->scratch[own->score_units + i] = unit * unit_of_keys;
    }
}

static void multiply_keys(
    const struct vf_attention_f32 *op, const struct layout *layout, const struct region *at)
{
    struct own own = own_scratch(layout, op->n, op->head_size);
    const float *queries = op->scratch + own.queries + at->place * own.pairs;
    const float *units = op->scratch + own.score_units + at->place;
    float *scores = op->scratch + layout->scores;
    for (size_t key = at->begin; key < at->end; key += PANEL)
        tiles[at->rows - 1](queries, own.pairs, op->scratch + own.keys + key * own.pairs, own.pairs,
            units, scores + key - at->begin, layout->ld_scores);
}

/* The weights take the first half of the scores' place. */
static vec exponentiate(float *score, size_t n, float shift)
{
    const vec_pairs ones = pairs_ones();
    vec subtrahend = vec_set(shift - WEIGHT_BITS);
    vec_pairs sum = pairs_zero();
    for (size_t j = 0; j < n; j += STEP) {
        vec a = vec_exp2_coarse(vec_sub(vec_load(score + j), subtrahend));
        vec b = vec_exp2_coarse(vec_sub(vec_load(score + j + VEC_FLOATS), subtrahend));
        vec_pairs weights = pairs_round(a, b);
        pairs_store(score + j / 2, weights);
        sum = pairs_dot(sum, weights, ones);
    }
    return pairs_widen(sum);
}

static void multiply_values(const struct vf_attention_f32 *op, const struct layout *layout,
    const struct region *at, size_t first, float *out, size_t ldo)
{
    float units[TILE_ROWS];
    for (size_t r = 0; r < at->rows; r++)
        units[r] = 1;
    struct own own = own_scratch(layout, op->n, op->head_size);
    const float *values =
        op->scratch + own.values + first * (round_up_step(op->n) / 2) + at->begin / 2 * PANEL;
    tiles[at->rows - 1](op->scratch + layout->scores, layout->ld_scores, values,
        round_up_step(at->end - at->begin) / 2, units, out, ldo);
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
    float unit_of_keys = key_unit(op);
    pack_keys(op, &own, unit_of_keys);
    pack_values(op, &own);
    for (size_t row = 0; row < op->m; row += GROUP_ROWS) {
        size_t n = smaller(op->m - row, GROUP_ROWS);
        round_queries(op, &own, unit_of_keys, row, n);
        attend_group(op, &layout, row, n);
    }
}
