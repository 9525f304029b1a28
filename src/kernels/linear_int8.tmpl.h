/* linear_int8 for a vector type: panels outside, row tiles inside. To be included behind what
 * tile_dot.tmpl.h asks for and
 *
 *   sums_start(sums)  what the sums of SUMS_OUTPUTS outputs begin with, given the sums of their
 *                     weights: sums_begin() makes -zero times these of it, or 0 where quantised
 *                     rows hold q - zero
 *   sums_floats(sums) the sums of a vector of outputs as floats
 */
#include "kernels/tile_dot.tmpl.h"

/* The outputs' part of a panel. */
struct outputs {
    dot_start starts[PARTS];
    _Alignas(64) float scales[TILE_OUTPUTS], bias[TILE_OUTPUTS];
    size_t columns;
};

static void load_outputs(struct outputs *outputs, const struct vf_linear_int8 *linear, size_t first)
{
    size_t left = linear->n - first, columns = left < TILE_OUTPUTS ? left : TILE_OUTPUTS;
    int32_t sums[TILE_OUTPUTS] = {0};
    memset(outputs, 0, sizeof *outputs);
    memcpy(outputs->scales, linear->scales + first, columns * sizeof(float));
    memcpy(outputs->bias, linear->bias + first, columns * sizeof(float));
    memcpy(sums, linear->sums + first, columns * sizeof(int32_t));
    for (int v = 0; v < PARTS; v++)
        outputs->starts[v] = sums_start(sums + v * SUMS_OUTPUTS);
    outputs->columns = columns;
}

ALWAYS_INLINE vec tile_result(const struct tile *t, int r, int v, const vec_sums *sums)
{
    vec x = vec_mul(sums_floats(sums), vec_set(t->row_scales[r]));
    return vec_fma(x, vec_load(t->scales + v * VEC_FLOATS), vec_load(t->bias + v * VEC_FLOATS));
}

#define ACTIVATION apply_coarse
#include "kernels/epilogue_f32.tmpl.h"

static void linear(const struct vf_linear_int8 *linear, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    _Alignas(64) float results[DOT_ROWS * TILE_OUTPUTS];
    struct outputs outputs;
    size_t groups = (linear->k + VF_INT8_GROUP - 1) / VF_INT8_GROUP;
    size_t panel_bytes = groups * PARTS * PART_BYTES;
    struct tile t = {.lda = a->ld,
        .panel = linear->panels,
        .groups = groups,
        .starts = outputs.starts,
        .scales = outputs.scales,
        .bias = outputs.bias};
    for (size_t first = 0; first < linear->n; first += TILE_OUTPUTS, t.panel += panel_bytes) {
        load_outputs(&outputs, linear, first);
        bool direct = epilogue == VF_EPILOGUE_NONE && outputs.columns == TILE_OUTPUTS;
        t.ldo = direct ? ldc : TILE_OUTPUTS;
        t.next = t.panel + panel_bytes;
        for (size_t row = 0, rows; row < m; row += rows) {
            rows = next_rows(m - row);
            t.a = a->bytes + row * a->ld;
            t.zeros = a->zeros + row;
            t.row_scales = a->scales + row;
            float *out = c + row * ldc + first;
            t.out = direct ? out : results;
            tiles[rows - 1](&t);
            if (!direct)
                finish(epilogue, results, TILE_OUTPUTS, rows, outputs.columns, out, ldc);
            t.next += ASKED * groups;
        }
    }
}
