/* The register tile of attention_int16: integer pairs by integer pairs, of 1 to TILE_ROWS rows, in
 * the operations that attention_int16.tmpl.h names. */
/* out[rows][PANEL] = unit_r a[rows][k] b[k][PANEL], a and b being pairs. */
ALWAYS_INLINE void pairs_step(int rows, vec_pairs sum[TILE_ROWS][TILE_VECTORS],
    const float *const *third_row, size_t lda, size_t p, const float *b)
{
    vec_pairs column[TILE_VECTORS];
    UNROLL
    for (int v = 0; v < TILE_VECTORS; v++)
        column[v] = pairs_load(b + v * VEC_FLOATS);
    UNROLL
    for (int r = 0; r < rows; r++) {
        vec_pairs x = pairs_set(third_row[r / 3] + (size_t)(r % 3) * lda + p);
        UNROLL
        for (int v = 0; v < TILE_VECTORS; v++)
            sum[r][v] = pairs_dot(sum[r][v], x, column[v]);
    }
}

ALWAYS_INLINE void pairs_tile(int rows, const float *a, size_t lda, const float *b, size_t k,
    const float *units, float *out, size_t ldo)
{
    enum { STEPS = 8 }; /* k is a multiple of it */
    vec_pairs sum[TILE_ROWS][TILE_VECTORS];
    const float *third_row[(TILE_ROWS + 2) / 3];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < TILE_VECTORS; v++)
            sum[r][v] = pairs_zero();
    }
    UNROLL
    for (int r = 0; r < rows; r += 3)
        third_row[r / 3] = a + (size_t)r * lda;
    for (size_t p = 0; p < k; p += STEPS, b += STEPS * PANEL) {
        UNROLL
        for (size_t i = 0; i < STEPS; i++)
            pairs_step(rows, sum, third_row, lda, p + i, b + i * PANEL);
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        vec unit = vec_set(units[r]);
        UNROLL
        for (int v = 0; v < TILE_VECTORS; v++)
            vec_store(
                out + (size_t)r * ldo + v * VEC_FLOATS, vec_mul(pairs_widen(sum[r][v]), unit));
    }
}

typedef void pairs_tile_fn(const float *a, size_t lda, const float *b, size_t k, const float *units,
    float *out, size_t ldo);

#define DEFINE_TILE(rows)                                                                          \
    static void tile_##rows(const float *a, size_t lda, const float *b, size_t k,                  \
        const float *units, float *out, size_t ldo)                                                \
    {                                                                                              \
        pairs_tile(rows, a, lda, b, k, units, out, ldo);                                           \
    }
#define NAME_TILE(rows) tile_##rows,

EACH_ROWS(DEFINE_TILE)

static pairs_tile_fn *const tiles[TILE_ROWS] = {EACH_ROWS(NAME_TILE)};
