/* linear_int8 for a vector type: panels outside, row tiles inside. To be included behind the header
 * of a vector type and the integer products of a tier:
 *
 *   TILE_ROWS_INT8, TILE_VECTORS_INT8  the register tile: rows, vectors of outputs
 *   GROUP_BYTES                        of a group of inputs in a quantised row
 *   vec_sums, SUMS_OUTPUTS             the type that holds sums, and of how many outputs
 *   sums_offset(sums)                  what is kept of the sums of SUMS_OUTPUTS outputs' weights
 *   sums_begin(offset, zero)           the sums to begin with: -zero times the weights' sums, or 0
 *                                      where a quantised row holds q - zero
 *   inputs_load(p)                     a group of inputs for all outputs
 *   weights_load(p)                    a group of weights for each of SUMS_OUTPUTS outputs
 *   sums_add(sums, inputs, weights)    the sums with their products added
 *   sums_store(out, sums)              stores the sums of a vector of outputs as integers
 */
#include "kernels/activation_f32.tmpl.h"

enum {
    PANEL = TILE_VECTORS_INT8 * VEC_FLOATS,
    PARTS = PANEL / SUMS_OUTPUTS, /* of a row of the tile */
    VECTOR_PARTS = VEC_FLOATS / SUMS_OUTPUTS,
    PART_BYTES = SUMS_OUTPUTS * VF_INT8_GROUP,
    PREFETCH = 16, /* bytes of the next panel that a tile asks for per group of inputs */
    STEPS = 64 / PREFETCH,
};

/* What a tile reads and writes. */
struct tile {
    const uint8_t *a; /* quantised rows, lda bytes apart */
    size_t lda;
    const int32_t *zeros;
    const int8_t *panel, *next;
    size_t groups; /* of inputs */
    const vec_sums *offsets;
    int32_t *sums; /* [rows][PANEL] */
};

/* Adds the products of the group of inputs at `p` bytes of the rows with the weights at b. Rows are
 * reached from every third, so that no more pointers are needed than there are registers. */
ALWAYS_INLINE void tile_step(int rows, vec_sums sum[TILE_ROWS_INT8][PARTS],
    const uint8_t *const *third_row, size_t lda, size_t p, const int8_t *b)
{
    vec_weights weights[PARTS];
    UNROLL
    for (int v = 0; v < PARTS; v++)
        weights[v] = weights_load(b + v * PART_BYTES);
    UNROLL
    for (int r = 0; r < rows; r++) {
        vec_inputs inputs = inputs_load(third_row[r / 3] + (size_t)(r % 3) * lda + p);
        UNROLL
        for (int v = 0; v < PARTS; v++)
            sum[r][v] = sums_add(sum[r][v], inputs, weights[v]);
    }
}

/* With `rows` constant, the sums stay in registers. */
ALWAYS_INLINE void run_tile(int rows, const struct tile *t)
{
    vec_sums sum[TILE_ROWS_INT8][PARTS];
    const uint8_t *third_row[(TILE_ROWS_INT8 + 2) / 3];
    const int8_t *b = t->panel, *next = t->next;
    size_t lda = t->lda, groups = t->groups, g = 0;
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < PARTS; v++)
            sum[r][v] = sums_begin(t->offsets[v], t->zeros[r]);
    }
    UNROLL
    for (int r = 0; r < rows; r += 3)
        third_row[r / 3] = t->a + (size_t)r * lda;
    for (; g + STEPS <= groups; g += STEPS) {
        __builtin_prefetch(next + g * PREFETCH, 0, 2);
        UNROLL
        for (int i = 0; i < STEPS; i++, b += PARTS * PART_BYTES)
            tile_step(rows, sum, third_row, lda, (g + (size_t)i) * GROUP_BYTES, b);
    }
    for (; g < groups; g++, b += PARTS * PART_BYTES)
        tile_step(rows, sum, third_row, lda, g * GROUP_BYTES, b);
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < TILE_VECTORS_INT8; v++)
            sums_store(t->sums + r * PANEL + v * VEC_FLOATS, &sum[r][v * VECTOR_PARTS]);
    }
}

#define DEFINE_TILE(rows)                                                                          \
    static void tile_##rows(const struct tile *t)                                                  \
    {                                                                                              \
        run_tile(rows, t);                                                                         \
    }
#define NAME_TILE(rows) tile_##rows,
#if TILE_ROWS_INT8 == 14
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif TILE_ROWS_INT8 == 8
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#elif TILE_ROWS_INT8 == 6
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif

EACH_ROWS(DEFINE_TILE)

static void (*const tiles[TILE_ROWS_INT8])(const struct tile *t) = {EACH_ROWS(NAME_TILE)};

/* The outputs' part of a panel. */
struct outputs {
    vec_sums offsets[PARTS];
    _Alignas(64) float scales[PANEL], bias[PANEL];
    size_t columns;
};

static void load_outputs(struct outputs *outputs, const struct vf_linear_int8 *linear, size_t first)
{
    size_t left = linear->n - first, columns = left < PANEL ? left : PANEL;
    int32_t sums[PANEL] = {0};
    memset(outputs, 0, sizeof *outputs);
    memcpy(outputs->scales, linear->scales + first, columns * sizeof(float));
    memcpy(outputs->bias, linear->bias + first, columns * sizeof(float));
    memcpy(sums, linear->sums + first, columns * sizeof(int32_t));
    for (int v = 0; v < PARTS; v++)
        outputs->offsets[v] = sums_offset(sums + v * SUMS_OUTPUTS);
    outputs->columns = columns;
}

ALWAYS_INLINE vec apply_int8(enum vf_epilogue epilogue, vec x)
{
    switch (epilogue) {
    case VF_EPILOGUE_GELU_ERF:
        return vec_gelu_erf_coarse(x);
    case VF_EPILOGUE_GELU_TANH:
        return vec_gelu_tanh_coarse(x);
    default:
        return apply(epilogue, x);
    }
}

ALWAYS_INLINE void finish_rows(enum vf_epilogue epilogue, const int32_t *sums, const float *scales,
    const struct outputs *outputs, size_t rows, float *c, size_t ldc)
{
    size_t columns = outputs->columns;
    for (size_t r = 0; r < rows; r++, sums += PANEL, c += ldc) {
        vec row_scale = vec_set(scales[r]);
        UNROLL
        for (size_t j = 0; j < PANEL; j += VEC_FLOATS) {
            vec x = vec_mul(vec_load_integers(sums + j), row_scale);
            x = vec_fma(x, vec_load(outputs->scales + j), vec_load(outputs->bias + j));
            x = apply_int8(epilogue, x);
            if (columns == PANEL)
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

/* The rows of the next tile when `rows` are left: tiles of nearly equal size. */
static inline size_t next_rows(size_t rows)
{
    size_t tiles_left = (rows + TILE_ROWS_INT8 - 1) / TILE_ROWS_INT8;
    return (rows + tiles_left - 1) / tiles_left;
}

static void linear(const struct vf_linear_int8 *linear, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    _Alignas(64) int32_t sums[TILE_ROWS_INT8 * PANEL];
    struct outputs outputs;
    size_t groups = (linear->k + VF_INT8_GROUP - 1) / VF_INT8_GROUP;
    size_t panel_bytes = groups * PARTS * PART_BYTES;
    struct tile t = {.lda = a->ld,
        .panel = linear->panels,
        .groups = groups,
        .offsets = outputs.offsets,
        .sums = sums};
    for (size_t first = 0; first < linear->n; first += PANEL, t.panel += panel_bytes) {
        load_outputs(&outputs, linear, first);
        t.next = t.panel + panel_bytes;
        for (size_t row = 0, rows; row < m; row += rows) {
            rows = next_rows(m - row);
            t.a = a->bytes + row * a->ld;
            t.zeros = a->zeros + row;
            tiles[rows - 1](&t);
            finish(epilogue, sums, a->scales + row, &outputs, rows, c + row * ldc + first, ldc);
            t.next += PREFETCH * groups;
        }
    }
}
