/* linear_f32 for a vector type: panels outside, row tiles inside, so that a panel is read from
 * memory once and stays in the caches. Sums begin with the bias. Those of a tile go through a small
 * buffer to the epilogue, or straight to the result when there is none. */
#include "kernels/tile_f32.tmpl.h"

#define ACTIVATION apply
#include "kernels/epilogue_f32.tmpl.h"

static void linear(const struct vf_linear_f32 *linear, enum vf_epilogue epilogue, const float *a,
    size_t lda, size_t m, float *c, size_t ldc)
{
    _Alignas(64) float sums[TILE_ROWS * PANEL], bias[PANEL] = {0};
    for (size_t first = 0; first < linear->n; first += PANEL) {
        const float *panel = linear->panels + first * linear->k;
        const float *next = panel + PANEL * linear->k;
        size_t columns = smaller(linear->n - first, PANEL), width = round_up(columns);
        bool direct = epilogue == VF_EPILOGUE_NONE && columns == width;
        memcpy(bias, linear->bias + first, columns * sizeof(float));
        for (size_t row = 0, rows; row < m; row += rows) {
            rows = next_rows(m - row);
            float *out = c + row * ldc + first;
            find_tile(rows, width)(a + row * lda, lda, panel, linear->k, next, bias,
                direct ? out : sums, direct ? ldc : PANEL);
            if (!direct)
                finish(epilogue, sums, PANEL, rows, columns, out, ldc);
            next += PREFETCH * linear->k;
        }
    }
}
