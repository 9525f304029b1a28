/* linear_bf16 for a vector type without instructions for bfloat16: each panel is widened once and
 * then serves all rows as a panel of floats does. */
#include "kernels/tile_f32.tmpl.h"

#define ACTIVATION apply
#include "kernels/epilogue_f32.tmpl.h"

static inline size_t even(size_t k)
{
    return k + k % 2;
}

static size_t scratch_floats(size_t k)
{
    return even(k) * PANEL;
}

/* [ceil(k / 2)][width][2] to floats [even(k)][width] */
static void widen(const vf_bf16 *panel, size_t k, size_t width, float *out)
{
    for (size_t p = 0; p < k; p += 2, out += 2 * width) {
        for (size_t j = 0; j < width; j += VEC_FLOATS, panel += 2 * VEC_FLOATS) {
            vec second, first = vec_load_pairs(panel, &second);
            vec_store(out + j, first);
            vec_store(out + width + j, second);
        }
    }
}

static void linear(const struct vf_linear_bf16 *linear, enum vf_epilogue epilogue, const float *a,
    size_t lda, size_t m, float *c, size_t ldc, float *scratch)
{
    _Alignas(64) float sums[TILE_ROWS * PANEL], bias[PANEL] = {0};
    size_t k = linear->k;
    for (size_t first = 0; m > 0 && first < linear->n; first += PANEL) {
        const vf_bf16 *panel = linear->panels + first * even(k);
        const float *next = (const float *)(const void *)(panel + PANEL * even(k));
        size_t columns = smaller(linear->n - first, PANEL), width = round_up(columns);
        widen(panel, k, width, scratch);
        bool direct = epilogue == VF_EPILOGUE_NONE && columns == width;
        memcpy(bias, linear->bias + first, columns * sizeof(float));
        for (size_t row = 0, rows; row < m; row += rows) {
            rows = next_rows(m - row);
            float *out = c + row * ldc + first;
            find_tile(rows, width)(a + row * lda, lda, scratch, k, next, bias, direct ? out : sums,
                direct ? ldc : PANEL);
            if (!direct)
                finish(epilogue, sums, PANEL, rows, columns, out, ldc);
            next += PREFETCH * k;
        }
    }
}
