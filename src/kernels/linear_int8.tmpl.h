/* linear_int8 for a vector type: panels outside, row tiles inside. To be included behind what
 * tile_dot.tmpl.h asks for and
 *
 *   sums_start(sums)  what the sums of SUMS_OUTPUTS outputs begin with, given the sums of their
 *                     weights: sums_begin() makes -zero times these of it, or 0 where quantised
 *                     rows hold q - zero
 *   sums_floats(sums) the sums of a vector of outputs as floats
 */
#include "kernels/tile_dot.tmpl.h"

/* What belongs to the outputs of a panel. */
struct outputs {
    dot_start starts[PARTS];
    const float *scales, *bias; /* [TILE_OUTPUTS] */
};

/* Room for what belongs to a panel with fewer outputs. */
struct last_outputs {
    int32_t sums[TILE_OUTPUTS];
    float scales[TILE_OUTPUTS], bias[TILE_OUTPUTS];
};

static struct outputs outputs_of(
    const struct vf_linear_int8 *linear, size_t first, size_t columns, struct last_outputs *last)
{
    const int32_t *sums = linear->sums + first;
    struct outputs outputs = {.scales = linear->scales + first, .bias = linear->bias + first};
    if (columns < TILE_OUTPUTS) {
        memset(last, 0, sizeof *last);
        memcpy(last->sums, sums, columns * sizeof(int32_t));
        memcpy(last->scales, outputs.scales, columns * sizeof(float));
        memcpy(last->bias, outputs.bias, columns * sizeof(float));
        sums = last->sums;
        outputs.scales = last->scales;
        outputs.bias = last->bias;
    }
    for (int v = 0; v < PARTS; v++)
        outputs.starts[v] = sums_start(sums + v * SUMS_OUTPUTS);
    return outputs;
}

ALWAYS_INLINE vec tile_result(const struct tile *t, int r, int v, const vec_sums *sums)
{
    vec x = vec_mul(sums_floats(sums), vec_set(t->row_scales[r]));
    return vec_fma(x, vec_load(t->scales + v * VEC_FLOATS), vec_load(t->bias + v * VEC_FLOATS));
}

#define ACTIVATION apply_int8
#include "kernels/epilogue_f32.tmpl.h"

/* One panel, whose tile is given but for its rows, for m rows. */
static void multiply_panel(struct tile *t, enum vf_epilogue epilogue, const struct vf_quantized *a,
    size_t m, size_t columns, float *c, size_t ldc)
{
    _Alignas(64) float results[DOT_ROWS * TILE_OUTPUTS];
    bool direct = epilogue == VF_EPILOGUE_NONE && columns == TILE_OUTPUTS;
    t->ldo = direct ? ldc : TILE_OUTPUTS;
    for (size_t row = 0, rows; row < m; row += rows) {
        rows = next_rows(m - row);
        t->a = a->bytes + row * a->ld;
        t->zeros = a->zeros + row;
        t->row_scales = a->scales + row;
        t->out = direct ? c + row * ldc : results;
        tiles[rows - 1](t);
        if (!direct)
            finish(epilogue, results, TILE_OUTPUTS, rows, columns, c + row * ldc, ldc);
        t->next += ASKED * t->groups;
    }
}

static void linear(const struct vf_linear_int8 *linear, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    struct last_outputs last;
    size_t groups = (linear->k + VF_INT8_GROUP - 1) / VF_INT8_GROUP;
    size_t panel_bytes = groups * PARTS * PART_BYTES;
    for (size_t first = 0; first < linear->n; first += TILE_OUTPUTS) {
        size_t left = linear->n - first, columns = left < TILE_OUTPUTS ? left : TILE_OUTPUTS;
        const struct outputs outputs = outputs_of(linear, first, columns, &last);
        const int8_t *panel = linear->panels + first / TILE_OUTPUTS * panel_bytes;
        struct tile t = {.lda = a->ld,
            .panel = panel,
            .next = panel + panel_bytes,
            .groups = groups,
            .starts = outputs.starts,
            .scales = outputs.scales,
            .bias = outputs.bias};
        multiply_panel(&t, epilogue, a, m, columns, c + first, ldc);
    }
}
