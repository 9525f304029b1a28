/* attention_f32 for a vector type: keys transposed and values copied to panels, then for each
 * tile of queries the whole row of scores, its softmax in place, and its product with the values,
 * whose rows are divided by the sums of the weights on the way out. */
#include "kernels/math_f32.tmpl.h"
#include "kernels/tile_f32.tmpl.h"

enum { PANEL = TILE_VECTORS * VEC_FLOATS };

/* Vectors of scores that are worked on at a time, to hide the latency of each step. */
enum { CHAINS = 2, STEP = CHAINS * VEC_FLOATS };

static inline size_t padded_keys(size_t n)
{
    return (n + STEP - 1) / STEP * STEP;
}

/* The distance of rows of scores: an odd number of vectors, so that they spread over the cache. */
static inline size_t score_stride(size_t n)
{
    return padded_keys(n) | VEC_FLOATS;
}

static size_t scratch_floats(size_t n, size_t head_size)
{
    return round_up(n) * head_size + n * round_up(head_size) + TILE_ROWS * score_stride(n) +
           2 * VEC_FLOATS;
}

static void pack_keys(const float *k, size_t ld, size_t n, size_t head_size, float *panels)
{
    for (size_t first = 0; first < n; first += PANEL)
        pack_transposed(
            k + first * ld, ld, smaller(n - first, PANEL), head_size, panels + first * head_size);
}

static void pack_values(const float *v, size_t ld, size_t n, size_t head_size, float *panels)
{
    for (size_t first = 0; first < head_size; first += PANEL) {
        size_t columns = smaller(head_size - first, PANEL), width = round_up(columns);
        float *out = panels + first * n;
        for (size_t i = 0; i < n; i++, out += width)
            for (size_t j = 0; j < columns; j += VEC_FLOATS)
                vec_store(out + j, load_at_most(v + i * ld + first + j, columns - j));
    }
}

/* Adds the biases of keys [begin, to) to their scores. */
static void add_bias(float *score, const float *bias, size_t begin, size_t to)
{
    for (size_t j = begin; j < to; j += VEC_FLOATS)
        vec_store(score + j, vec_add(vec_load(score + j), load_at_most(bias + j, to - j)));
}

/* Makes the scores in [begin, end), multiples of VEC_FLOATS, outside of keys [from, to) those of
 * keys without weight. */
static void hide(float *score, size_t begin, size_t from, size_t to, size_t end)
{
    vec none = vec_set(-INFINITY);
    size_t j = begin;
    for (; j + VEC_FLOATS <= from; j += VEC_FLOATS)
        vec_store(score + j, none);
    if (j < from)
        vec_store(score + j, vec_join(none, vec_load(score + j), from - j));
    j = to / VEC_FLOATS * VEC_FLOATS;
    if (j < to) {
        vec_store(score + j, vec_join(vec_load(score + j), none, to - j));
        j += VEC_FLOATS;
    }
    for (; j < end; j += VEC_FLOATS)
        vec_store(score + j, none);
}

/* Replaces n scores, a multiple of STEP, by 2^(score - the largest), and returns the sum. */
static float exponentiate(float *score, size_t n)
{
    vec largest[CHAINS], sum[CHAINS];
    UNROLL
    for (int i = 0; i < CHAINS; i++) {
        largest[i] = vec_load(score + i * VEC_FLOATS);
        sum[i] = vec_set(0);
    }
    for (size_t j = STEP; j < n; j += STEP) {
        UNROLL
        for (int i = 0; i < CHAINS; i++)
            largest[i] = vec_max(largest[i], vec_load(score + j + i * VEC_FLOATS));
    }
    UNROLL
    for (int i = 1; i < CHAINS; i++)
        largest[0] = vec_max(largest[0], largest[i]);
    vec shift = vec_set(vec_largest(largest[0]));
    for (size_t j = 0; j < n; j += STEP) {
        UNROLL
        for (int i = 0; i < CHAINS; i++) {
            vec weight = vec_exp2(vec_sub(vec_load(score + j + i * VEC_FLOATS), shift));
            vec_store(score + j + i * VEC_FLOATS, weight);
            sum[i] = vec_add(sum[i], weight);
        }
    }
    UNROLL
    for (int i = 1; i < CHAINS; i++)
        sum[0] = vec_add(sum[0], sum[i]);
    return vec_sum(sum[0]);
}

/* out = sums / divisor, row by row. */
static void divide_rows(
    const float *sums, const float *divisor, size_t rows, size_t columns, float *out, size_t ldo)
{
    for (size_t r = 0; r < rows; r++) {
        vec factor = vec_set(1 / divisor[r]);
        size_t j = 0;
        for (; j + VEC_FLOATS <= columns; j += VEC_FLOATS)
            vec_store(out + r * ldo + j, vec_mul(vec_load(sums + r * PANEL + j), factor));
        if (j < columns)
            vec_store_first(
                out + r * ldo + j, vec_mul(vec_load(sums + r * PANEL + j), factor), columns - j);
    }
}

/* One tile of queries, from the row `row` on. Only the keys in [begin, end) matter to it, which are
 * those that one of its queries sees and a few more: `begin` is at a panel's edge, so that a key is
 * in the same place of a sum in every tile. */
static void attend_rows(const struct vf_attention_f32 *op, size_t row, size_t rows,
    const float *keys, const float *values, float *scores)
{
    _Alignas(64) float sums[TILE_ROWS * PANEL];
    float divisor[TILE_ROWS];
    size_t lds = score_stride(op->n);
    size_t begin = vf_seen_from(op, row) / PANEL * PANEL, to = vf_seen_to(op, row + rows - 1);
    for (size_t first = begin; first < to; first += PANEL) {
        size_t width = round_up(smaller(op->n - first, PANEL));
        find_tile(rows, width)(op->q + row * op->ldq, op->ldq, keys + first * op->head_size,
            op->head_size, keys, scores + first, lds);
    }
    for (size_t r = 0; r < rows; r++) {
        float *score = scores + r * lds;
        size_t seen_from = vf_seen_from(op, row + r), seen_to = vf_seen_to(op, row + r);
        if (op->bias)
            add_bias(score, op->bias + (ptrdiff_t)(row + r) * op->ld_bias, begin, seen_to);
        hide(score, begin, seen_from, seen_to, padded_keys(to));
        divisor[r] = exponentiate(score + begin, padded_keys(to) - begin);
    }
    for (size_t first = 0; first < op->head_size; first += PANEL) {
        size_t columns = smaller(op->head_size - first, PANEL), width = round_up(columns);
        find_tile(rows, width)(scores + begin, lds, values + first * op->n + begin * width,
            to - begin, values, sums, PANEL);
        divide_rows(sums, divisor, rows, columns, op->out + row * op->ldo + first, op->ldo);
    }
}

static void attention(const struct vf_attention_f32 *op)
{
    float *keys = op->scratch, *values = keys + round_up(round_up(op->n) * op->head_size);
    float *scores = values + round_up(op->n * round_up(op->head_size));
    pack_keys(op->k, op->ldkv, op->n, op->head_size, keys);
    pack_values(op->v, op->ldkv, op->n, op->head_size, values);
    for (size_t row = 0, rows; row < op->m; row += rows) {
        rows = next_rows(op->m - row);
        attend_rows(op, row, rows, keys, values, scores);
    }
}
