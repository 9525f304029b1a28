/* Sizes of tiles and panels, and the packing of panels. To be included behind the header of a
 * vector type. */
#ifndef VF_KERNELS_PANEL_TMPL_H
#define VF_KERNELS_PANEL_TMPL_H

/* X for each number of rows that a tile can have. */
#if TILE_ROWS == 14
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif TILE_ROWS == 8
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#elif TILE_ROWS == 6
#define EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif

enum { PANEL = TILE_VECTORS * VEC_FLOATS }; /* columns */

static inline size_t round_up(size_t n)
{
    return (n + VEC_FLOATS - 1) / VEC_FLOATS * VEC_FLOATS;
}

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The rows of the next tile when `rows` are left: tiles of nearly equal size, so that the last one
 * is not too small to keep the multipliers busy. */
static inline size_t next_rows(size_t rows)
{
    size_t tiles_left = (rows + TILE_ROWS - 1) / TILE_ROWS;
    return (rows + tiles_left - 1) / tiles_left;
}

/* The first n floats and zeros, where n may also be more than a vector. */
static inline vec load_at_most(const float *p, size_t n)
{
    return n < VEC_FLOATS ? vec_load_first(p, n) : vec_load(p);
}

/* Packs n rows [n][k], n at most TILE_VECTORS * VEC_FLOATS, into a panel [k][round_up(n)]. */
static inline void pack_transposed(
    const float *rows, size_t ld_rows, size_t n, size_t k, float *panel)
{
    size_t width = round_up(n);
    vec block[VEC_FLOATS];
    for (size_t j = 0; j < width; j += VEC_FLOATS) {
        for (size_t p = 0; p < k; p += VEC_FLOATS) {
            size_t columns = smaller(k - p, VEC_FLOATS);
            for (size_t i = 0; i < VEC_FLOATS; i++)
                block[i] =
                    j + i < n ? load_at_most(rows + (j + i) * ld_rows + p, columns) : vec_set(0);
            vec_transpose(block);
            for (size_t i = 0; i < columns; i++)
                vec_store(panel + (p + i) * width + j, block[i]);
        }
    }
}

#endif
