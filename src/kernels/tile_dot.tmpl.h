/* The register tile of dot products of groups of inputs. To be included behind the header of a
 * vector type and the products of a tier:
 *
 *   DOT_ROWS, DOT_VECTORS           the tile: rows, vectors of outputs
 *   GROUP_BYTES                     of a group of inputs in a row
 *   PART_BYTES                      of the groups of weights that weights_load() reads
 *   vec_sums, SUMS_OUTPUTS          the type that holds sums, and of how many outputs
 *   dot_start                       the type that says what the sums of outputs begin with
 *   sums_begin(start, zero)         the sums to begin with in a row whose zero point is `zero`
 *   vec_inputs, inputs_load(p)      a group of inputs for all outputs
 *   vec_weights, weights_load(p)    a group of weights for each of SUMS_OUTPUTS outputs
 *   sums_add(sums, inputs, weights) the sums with their products added
 *
 * and, behind it,
 *
 *   tile_result(tile, r, v, sums)   vector v of row r of the results, from its sums
 */
#ifndef VF_KERNELS_TILE_DOT_TMPL_H
#define VF_KERNELS_TILE_DOT_TMPL_H

enum {
    TILE_OUTPUTS = DOT_VECTORS * VEC_FLOATS,
    PARTS = TILE_OUTPUTS / SUMS_OUTPUTS, /* of a row of the tile */
    VECTOR_PARTS = VEC_FLOATS / SUMS_OUTPUTS,
    ASKED = 16, /* bytes of the next panel that a tile asks for per group of inputs */
    STEPS = 64 / ASKED,
};

/* What a tile reads and writes. */
struct tile {
    const uint8_t *a; /* rows, lda bytes apart */
    size_t lda;
    const int32_t *zeros; /* of the rows */
    const int8_t *panel, *next;
    size_t groups;           /* of inputs */
    const dot_start *starts; /* [PARTS] */
    float *out;              /* [rows][TILE_OUTPUTS], rows ldo apart */
    size_t ldo;
    const float *row_scales;    /* [rows], where sums are integers */
    const float *scales, *bias; /* [TILE_OUTPUTS], where sums are integers */
};

ALWAYS_INLINE vec tile_result(const struct tile *t, int r, int v, const vec_sums *sums);

/* Adds the products of the group of inputs at `p` bytes of the rows with the weights at b. Rows are
 * reached from every third, so that no more pointers are needed than there are registers. */
ALWAYS_INLINE void tile_step(int rows, vec_sums sum[DOT_ROWS][PARTS],
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
    vec_sums sum[DOT_ROWS][PARTS];
    const uint8_t *third_row[(DOT_ROWS + 2) / 3];
    const int8_t *b = t->panel, *next = t->next;
    size_t lda = t->lda, groups = t->groups, g = 0;
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < PARTS; v++)
            sum[r][v] = sums_begin(t->starts[v], t->zeros[r]);
    }
    UNROLL
    for (int r = 0; r < rows; r += 3)
        third_row[r / 3] = t->a + (size_t)r * lda;
    for (; g + STEPS <= groups; g += STEPS) {
        __builtin_prefetch(next + g * ASKED, 0, 2);
        UNROLL
        for (int i = 0; i < STEPS; i++, b += PARTS * PART_BYTES)
            tile_step(rows, sum, third_row, lda, (g + (size_t)i) * GROUP_BYTES, b);
    }
    for (; g < groups; g++, b += PARTS * PART_BYTES)
        tile_step(rows, sum, third_row, lda, g * GROUP_BYTES, b);
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < DOT_VECTORS; v++)
            vec_store(t->out + (size_t)r * t->ldo + v * VEC_FLOATS,
                tile_result(t, r, v, &sum[r][v * VECTOR_PARTS]));
    }
}

#define DEFINE_TILE(rows)                                                                          \
    static void tile_##rows(const struct tile *t)                                                  \
    {                                                                                              \
        run_tile(rows, t);                                                                         \
    }
#define NAME_TILE(rows) tile_##rows,
#if DOT_ROWS == 14
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif DOT_ROWS == 8
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#elif DOT_ROWS == 6
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif

EACH_ROWS(DEFINE_TILE)

static void (*const tiles[DOT_ROWS])(const struct tile *t) = {EACH_ROWS(NAME_TILE)};

/* The rows of the next tile when `rows` are left: tiles of nearly equal size. */
static inline size_t next_rows(size_t rows)
{
    size_t tiles_left = (rows + DOT_ROWS - 1) / DOT_ROWS;
    return (rows + tiles_left - 1) / tiles_left;
}

#endif
