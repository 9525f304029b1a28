/* linear_bf16 by dot products of bfloat16: blocks of rows are rounded once, and all panels pass
 * over a block. To be included behind what tile_dot.tmpl.h asks for and
 *
 *   round_row(x, k, out)  rounds a row of k floats to bfloat16, with a zero behind an odd k
 */
#include "kernels/tile_dot.tmpl.h"

ALWAYS_INLINE vec tile_result(const struct tile *t, int r, int v, const vec_sums *sums)
{
    (void)t, (void)r, (void)v;
    return *sums;
}

#define ACTIVATION apply_coarse
#include "kernels/epilogue_f32.tmpl.h"

/* Rows of a block: enough to use a panel often, few enough that they stay in the second-level
 * cache with it. */
enum { BLOCK_ROWS = 9 * DOT_ROWS, LINE = 64 };

static inline size_t even(size_t k)
{
    return k + k % 2;
}

/* The distance of rounded rows in bytes: an odd number of cache lines, so that rows beneath each
 * other do not compete for the same cache sets. */
static inline size_t row_bytes(size_t k)
{
    return ((even(k) * sizeof(vf_bf16) + LINE - 1) / LINE | 1) * LINE;
}

static size_t scratch_floats(size_t k)
{
    return BLOCK_ROWS * row_bytes(k) / sizeof(float);
}

/* One panel for a block of rounded rows. */
static void multiply_block(const struct vf_linear_bf16 *linear, enum vf_epilogue epilogue,
    size_t first, const uint8_t *rounded, size_t m, float *c, size_t ldc)
{
    static const int32_t zeros[DOT_ROWS];
    _Alignas(64) float sums[DOT_ROWS * TILE_OUTPUTS], bias[TILE_OUTPUTS] = {0};
    dot_start starts[PARTS];
    size_t k = linear->k, left = linear->n - first;
    size_t columns = left < TILE_OUTPUTS ? left : TILE_OUTPUTS;
    bool direct = epilogue == VF_EPILOGUE_NONE && columns == TILE_OUTPUTS;
    const vf_bf16 *panel = linear->panels + first * even(k);
    struct tile t = {
        .lda = row_bytes(k),
        .zeros = zeros,
        .panel = (const int8_t *)(const void *)panel,
        .next = (const int8_t *)(const void *)(panel + TILE_OUTPUTS * even(k)),
        .groups = even(k) / 2,
        .starts = starts,
        .ldo = direct ? ldc : TILE_OUTPUTS,
    };
    memcpy(bias, linear->bias + first, columns * sizeof(float));
    for (int v = 0; v < PARTS; v++)
        starts[v] = vec_load(bias + v * SUMS_OUTPUTS);
    for (size_t row = 0, rows; row < m; row += rows) {
        rows = next_rows(m - row);
        t.a = rounded + row * t.lda;
        float *out = c + row * ldc + first;
        t.out = direct ? out : sums;
        tiles[rows - 1](&t);
        if (!direct)
            finish(epilogue, sums, TILE_OUTPUTS, rows, columns, out, ldc);
        t.next += ASKED * t.groups;
    }
}

static void linear(const struct vf_linear_bf16 *linear, enum vf_epilogue epilogue, const float *a,
    size_t lda, size_t m, float *c, size_t ldc, float *scratch)
{
    uint8_t *rounded = (uint8_t *)scratch;
    size_t ld = row_bytes(linear->k);
    for (size_t row = 0; row < m; row += BLOCK_ROWS) {
        size_t rows = m - row < BLOCK_ROWS ? m - row : BLOCK_ROWS;
        for (size_t r = 0; r < rows; r++)
            round_row(a + (row + r) * lda, linear->k, rounded + r * ld);
        for (size_t first = 0; first < linear->n; first += TILE_OUTPUTS)
            multiply_block(linear, epilogue, first, rounded, rows, c + row * ldc, ldc);
    }
}
