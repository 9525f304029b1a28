/* linear_f32 for a vector type: panels outside, row tiles inside, so that a panel is read from
 * memory once and stays in the caches. A tile's sums go through a small buffer to the epilogue. */
#include "kernels/tile_f32.tmpl.h"

#include "kernels/epilogue_f32.tmpl.h"

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
