/* linear_f32 for a vector type: panels outside, row tiles inside, so that a panel is read from
 * memory once and stays in the caches. A tile's sums go through a small buffer to the epilogue. */
#include "kernels/math_f32.tmpl.h"
#include "kernels/tile_f32.tmpl.h"

enum { PANEL = TILE_VECTORS * VEC_FLOATS };

ALWAYS_INLINE vec apply(enum vf_epilogue epilogue, vec x)
{
    switch (epilogue) {
    case VF_EPILOGUE_GELU_ERF:
        return vec_gelu_erf(x);
    case VF_EPILOGUE_GELU_TANH:
        return vec_gelu_tanh(x);
    case VF_EPILOGUE_RELU:
        return vec_max(vec_set(0), x);
    case VF_EPILOGUE_NONE:
        break;
    }
    return x;
}

ALWAYS_INLINE void finish_rows(enum vf_epilogue epilogue, const float *sums, const float *bias,
    size_t rows, size_t columns, float *c, size_t ldc)
{
    for (size_t r = 0; r < rows; r++) {
        size_t j = 0;
        for (; j + VEC_FLOATS <= columns; j += VEC_FLOATS)
            vec_store(c + r * ldc + j,
                apply(epilogue, vec_add(vec_load(sums + r * PANEL + j), vec_load(bias + j))));
        if (j < columns)
            vec_store_first(c + r * ldc + j,
                apply(epilogue, vec_add(vec_load(sums + r * PANEL + j), vec_load(bias + j))),
                columns - j);
    }
}

static void finish(enum vf_epilogue epilogue, const float *sums, const float *bias, size_t rows,
    size_t columns, float *c, size_t ldc)
{
    switch (epilogue) {
    case VF_EPILOGUE_NONE:
        finish_rows(VF_EPILOGUE_NONE, sums, bias, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_GELU_ERF:
        finish_rows(VF_EPILOGUE_GELU_ERF, sums, bias, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_GELU_TANH:
        finish_rows(VF_EPILOGUE_GELU_TANH, sums, bias, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_RELU:
        finish_rows(VF_EPILOGUE_RELU, sums, bias, rows, columns, c, ldc);
        break;
    }
}

static void linear(const struct vf_linear_f32 *linear, enum vf_epilogue epilogue, const float *a,
    size_t lda, size_t m, float *c, size_t ldc)
{
    _Alignas(64) float sums[TILE_ROWS * PANEL], bias[PANEL] = {0};
    for (size_t first = 0; first < linear->n; first += PANEL) {
        const float *panel = linear->panels + first * linear->k;
        const float *next = panel + PANEL * linear->k;
        size_t columns = smaller(linear->n - first, PANEL), width = round_up(columns);
        memcpy(bias, linear->bias + first, columns * sizeof(float));
        for (size_t row = 0, rows; row < m; row += rows) {
            rows = next_rows(m - row);
            find_tile(rows, width)(a + row * lda, lda, panel, linear->k, next, sums, PANEL);
            finish(epilogue, sums, bias, rows, columns, c + row * ldc + first, ldc);
            next += PREFETCH * linear->k;
        }
    }
}
