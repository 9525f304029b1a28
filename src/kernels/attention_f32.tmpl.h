/* attention_f32 for a vector type: keys transposed and values copied to panels once, and products
 * of floats. */
#include "kernels/math_f32.tmpl.h"
#include "kernels/tile_f32.tmpl.h"

#include "kernels/attention_blocks.tmpl.h"

static const float nothing[PANEL]; /* what sums begin with */

/* Where the panels of values begin in the kernel's own scratch, behind those of the keys. */
static inline size_t values_offset(size_t n, size_t head_size)
{
    return round_up(round_up(n) * head_size);
}

static size_t scratch_floats(size_t n, size_t head_size)
{
    return lay_out(n, head_size).own + values_offset(n, head_size) + n * round_up(head_size);
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

static void multiply_keys(
    const struct vf_attention_f32 *op, const struct layout *layout, const struct region *at)
{
    float *scores = op->scratch + layout->scores;
    const float *keys = op->scratch + layout->own;
    for (size_t key = at->begin; key < at->end; key += PANEL)
        find_tile(at->rows, round_up(smaller(op->n - key, PANEL)))(op->q + at->row * op->ldq,
            op->ldq, keys + key * op->head_size, op->head_size, keys, nothing,
            scores + key - at->begin, layout->ld_scores);
}

static float score_unit(
    const struct vf_attention_f32 *op, const struct layout *layout, size_t place)
{
    (void)op;
    (void)layout;
    (void)place;
    return 1;
}

static vec exponentiate(float *score, size_t n, float unit, float shift)
{
    (void)unit; /* 1 */
    vec sum[CHAINS], subtrahend = vec_set(shift);
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        sum[i] = vec_set(0);
    for (size_t j = 0; j < n; j += STEP) {
        UNROLL
        for (int i = 0; i < CHAINS; i++) {
            vec weight = vec_exp2(vec_sub(vec_load(score + j + i * VEC_FLOATS), subtrahend));
            vec_store(score + j + i * VEC_FLOATS, weight);
            sum[i] = vec_add(sum[i], weight);
        }
    }
    UNROLL
    for (int i = 1; i < CHAINS; i++)
        sum[0] = vec_add(sum[0], sum[i]);
    return sum[0];
}

static void multiply_values(const struct vf_attention_f32 *op, const struct layout *layout,
    const struct region *at, size_t first, float *out, size_t ldo)
{
    size_t width = round_up(smaller(op->head_size - first, PANEL));
    const float *values = op->scratch + layout->own + values_offset(op->n, op->head_size) +
                          first * op->n + at->begin * width;
    find_tile(at->rows, width)(op->scratch + layout->scores, layout->ld_scores, values,
        at->end - at->begin, values, nothing, out, ldo);
}

static void finish_row(const struct vf_attention_f32 *op, const struct layout *layout, size_t place,
    float total, float *out)
{
    const float *sums = op->scratch + layout->sums + place * layout->ld_sums;
    vec factor = vec_set(1 / total);
    size_t j = 0;
    for (; j + VEC_FLOATS <= op->head_size; j += VEC_FLOATS)
        vec_store(out + j, vec_mul(vec_load(sums + j), factor));
    if (j < op->head_size)
        vec_store_first(out + j, vec_mul(vec_load(sums + j), factor), op->head_size - j);
}

static void attention(const struct vf_attention_f32 *op)
{
    struct layout layout = lay_out(op->n, op->head_size);
    float *keys = op->scratch + layout.own;
    pack_keys(op->k, op->ldkv, op->n, op->head_size, keys);
    pack_values(op->v, op->ldkv, op->n, op->head_size, keys + values_offset(op->n, op->head_size));
    for (size_t row = 0; row < op->m; row += GROUP_ROWS)
        attend_group(op, &layout, row, smaller(op->m - row, GROUP_ROWS));
}
