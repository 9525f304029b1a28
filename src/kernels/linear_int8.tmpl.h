/* linear_int8 for a vector type: panels outside, row tiles inside. To be included behind what
 * tile_dot.tmpl.h asks for and
 *
 *   sums_start(sums)  what the sums of SUMS_OUTPUTS outputs begin with, given the sums of their
 *                     weights: sums_begin() makes -zero times these of it, or 0 where quantised
 *                     rows hold q - zero
 */
#include "kernels/activation_f32.tmpl.h"
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

ALWAYS_INLINE void finish_rows(enum vf_epilogue epilogue, const int32_t *sums, const float *scales,
    const struct outputs *outputs, size_t rows, float *c, size_t ldc)
{
    size_t columns = outputs->columns;
    for (size_t r = 0; r < rows; r++, sums += TILE_OUTPUTS, c += ldc) {
        vec row_scale = vec_set(scales[r]);
        UNROLL
        for (size_t j = 0; j < TILE_OUTPUTS; j += VEC_FLOATS) {
            vec x = vec_mul(vec_load_integers(sums + j), row_scale);
            x = vec_fma(x, vec_load(outputs->scales + j), vec_load(outputs->bias + j));
            x = apply_coarse(epilogue, x);
            if (columns == TILE_OUTPUTS)
                vec_store(c + j, x);
            else if (j < columns)
                vec_store_first(c + j, x, columns - j < VEC_FLOATS ? columns - j : VEC_FLOATS);
        }
    }
}

static void finish(enum vf_epilogue epilogue, const int32_t *sums, const float *scales,
    const struct outputs *outputs, size_t rows, float *c, size_t ldc)
{
    switch (epilogue) {
    case VF_EPILOGUE_NONE:
        finish_rows(VF_EPILOGUE_NONE, sums, scales, outputs, rows, c, ldc);
        break;
    case VF_EPILOGUE_GELU_ERF:
        finish_rows(VF_EPILOGUE_GELU_ERF, sums, scales, outputs, rows, c, ldc);
        break;
    case VF_EPILOGUE_GELU_TANH:
        finish_rows(VF_EPILOGUE_GELU_TANH, sums, scales, outputs, rows, c, ldc);
        break;
    case VF_EPILOGUE_RELU:
        finish_rows(VF_EPILOGUE_RELU, sums, scales, outputs, rows, c, ldc);
        break;
    case VF_EPILOGUE_SILU:
        finish_rows(VF_EPILOGUE_SILU, sums, scales, outputs, rows, c, ldc);
        break;
    }
}

static void linear(const struct vf_linear_int8 *linear, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    _Alignas(64) int32_t sums[DOT_ROWS * TILE_OUTPUTS];
    struct outputs outputs;
    size_t groups = (linear->k + VF_INT8_GROUP - 1) / VF_INT8_GROUP;
    size_t panel_bytes = groups * PARTS * PART_BYTES;
    struct tile t = {.lda = a->ld,
        .panel = linear->panels,
        .groups = groups,
        .starts = outputs.starts,
        .sums = sums,
        .ld_sums = TILE_OUTPUTS};
    for (size_t first = 0; first < linear->n; first += TILE_OUTPUTS, t.panel += panel_bytes) {
        load_outputs(&outputs, linear, first);
        t.next = t.panel + panel_bytes;
        for (size_t row = 0, rows; row < m; row += rows) {
            rows = next_rows(m - row);
            t.a = a->bytes + row * a->ld;
            t.zeros = a->zeros + row;
            tiles[rows - 1](&t);
            finish(epilogue, sums, a->scales + row, &outputs, rows, c + row * ldc + first, ldc);
            t.next += ASKED * groups;
        }
    }
}
