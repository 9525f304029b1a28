/* The register tile that all matrix products of floats are made of. To be included behind the
 * header of a vector type. */
#ifndef VF_KERNELS_TILE_F32_TMPL_H
#define VF_KERNELS_TILE_F32_TMPL_H

#include "kernels/panel.tmpl.h"

/* Per tile, that many floats of `next` (see tile) are asked for per k: as few as let the tiles of a
 * hundred rows ask for a whole panel. */
enum { PREFETCH = TILE_ROWS < 8 ? 1 : 4, CACHE_LINE = 64 / sizeof(float) };

/* Adds the products of the k at offset p of the rows with the columns at b. Rows are reached from
 * every third, so that no more pointers are needed than there are registers. */
ALWAYS_INLINE void tile_step(int rows, int vectors, vec sum[TILE_ROWS][TILE_VECTORS],
    const float *const *third_row, size_t lda, size_t p, const float *b)
{
    vec column[TILE_VECTORS];
    UNROLL
    for (int v = 0; v < vectors; v++)
        column[v] = vec_load(b + v * VEC_FLOATS);
    UNROLL
    for (int r = 0; r < rows; r++) {
        vec x = vec_set(third_row[r / 3][(size_t)(r % 3) * lda + p]);
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[r][v] = vec_accumulate(sum[r][v], x, column[v]);
    }
}

/* out[rows][vectors * VEC_FLOATS] = start + a[rows][k] b[k][vectors * VEC_FLOATS], every element
 * summed from start[vectors * VEC_FLOATS] and the first k to the last. With `rows` and `vectors`
 * constant, the sums stay in registers: per k, `vectors` loads and `rows` broadcasts feed rows *
 * vectors multiply-adds. On the way, the k * PREFETCH floats at `next` are fetched into the
 * cache. */
ALWAYS_INLINE void tile(int rows, int vectors, const float *a, size_t lda, const float *b, size_t k,
    const float *next, const float *start, float *out, size_t ldo)
{
    enum { STEPS = CACHE_LINE / PREFETCH };
    vec sum[TILE_ROWS][TILE_VECTORS];
    const float *third_row[(TILE_ROWS + 2) / 3];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            sum[r][v] = vec_load(start + v * VEC_FLOATS);
    }
    UNROLL
    for (int r = 0; r < rows; r += 3)
        third_row[r / 3] = a + (size_t)r * lda;
    size_t p = 0;
    for (; p + STEPS <= k; p += STEPS) {
        __builtin_prefetch(next + p * PREFETCH);
        UNROLL
        for (int i = 0; i < STEPS; i++)
            tile_step(rows, vectors, sum, third_row, lda, p + (size_t)i,
                b + (p + (size_t)i) * (size_t)(vectors * VEC_FLOATS));
    }
    for (; p < k; p++)
        tile_step(rows, vectors, sum, third_row, lda, p, b + p * (size_t)(vectors * VEC_FLOATS));
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vectors; v++)
            vec_store(out + (size_t)r * ldo + v * VEC_FLOATS, sum[r][v]);
    }
}

typedef void tile_fn(const float *a, size_t lda, const float *b, size_t k, const float *next,
    const float *start, float *out, size_t ldo);

#define DEFINE_TILE(rows, vectors)                                                                 \
    static void tile_##rows##x##vectors(const float *a, size_t lda, const float *b, size_t k,      \
        const float *next, const float *start, float *out, size_t ldo)                             \
    {                                                                                              \
        tile(rows, vectors, a, lda, b, k, next, start, out, ldo);                                  \
    }
#if TILE_VECTORS == 4
#define DEFINE_TILES(rows)                                                                         \
    DEFINE_TILE(rows, 1) DEFINE_TILE(rows, 2) DEFINE_TILE(rows, 3) DEFINE_TILE(rows, 4)
#define NAME_TILES(rows) {tile_##rows##x1, tile_##rows##x2, tile_##rows##x3, tile_##rows##x4},
#elif TILE_VECTORS == 3
#define DEFINE_TILES(rows) DEFINE_TILE(rows, 1) DEFINE_TILE(rows, 2) DEFINE_TILE(rows, 3)
#define NAME_TILES(rows) {tile_##rows##x1, tile_##rows##x2, tile_##rows##x3},
#elif TILE_VECTORS == 2
#define DEFINE_TILES(rows) DEFINE_TILE(rows, 1) DEFINE_TILE(rows, 2)
#define NAME_TILES(rows) {tile_##rows##x1, tile_##rows##x2},
#endif

EACH_ROWS(DEFINE_TILES)

static tile_fn *const tiles[TILE_ROWS][TILE_VECTORS] = {EACH_ROWS(NAME_TILES)};

/* The tile of `rows` rows and `width` floats, a multiple of VEC_FLOATS. */
static inline tile_fn *find_tile(size_t rows, size_t width)
{
    return tiles[rows - 1][width / VEC_FLOATS - 1];
}

#endif
