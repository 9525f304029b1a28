/* The register tiles of products of integers, of 1 to TILE_ROWS rows, in the operations that
 * attention_integers.tmpl.h names. To be included for each kind of word, with
 *
 *   TILE_DOT         sums with the products of the integers of two words added
 *   TILE_NAME(name)  makes names of that kind */
ALWAYS_INLINE void TILE_NAME(step)(int rows, vec_words sum[TILE_ROWS][TILE_VECTORS],
    const float *const *third_row, size_t lda, size_t p, const float *b)
{
    vec_words column[TILE_VECTORS];
    UNROLL
    for (int v = 0; v < TILE_VECTORS; v++)
        column[v] = words_load(b + v * VEC_FLOATS);
    UNROLL
    for (int r = 0; r < rows; r++) {
        vec_words x = words_set(third_row[r / 3] + (size_t)(r % 3) * lda + p);
        UNROLL
        for (int v = 0; v < TILE_VECTORS; v++)
            sum[r][v] = TILE_DOT(sum[r][v], x, column[v]);
    }
}

/* out[rows][PANEL] = a[rows][k] b[k][PANEL], a and b being words. */
ALWAYS_INLINE void TILE_NAME(tile)(
    int rows, const float *a, size_t lda, const float *b, size_t k, float *out, size_t ldo)
{
    enum { STEPS = 8 }; /* k is a multiple of it */
    vec_words sum[TILE_ROWS][TILE_VECTORS];
    const float *third_row[(TILE_ROWS + 2) / 3];
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < TILE_VECTORS; v++)
            sum[r][v] = words_zero();
    }
    UNROLL
    for (int r = 0; r < rows; r += 3)
        third_row[r / 3] = a + (size_t)r * lda;
    for (size_t p = 0; p < k; p += STEPS, b += STEPS * PANEL) {
        UNROLL
        for (size_t i = 0; i < STEPS; i++)
            TILE_NAME(step)(rows, sum, third_row, lda, p + i, b + i * PANEL);
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < TILE_VECTORS; v++)
            vec_store(out + (size_t)r * ldo + v * VEC_FLOATS, words_widen(sum[r][v]));
    }
}

#define DEFINE_TILE(rows)                                                                          \
    static void TILE_NAME(tile_##rows)(                                                            \
        const float *a, size_t lda, const float *b, size_t k, float *out, size_t ldo)              \
    {                                                                                              \
        TILE_NAME(tile)(rows, a, lda, b, k, out, ldo);                                             \
    }
#define NAME_TILE(rows) TILE_NAME(tile_##rows),

EACH_ROWS(DEFINE_TILE)

static words_tile_fn *const TILE_NAME(tiles)[TILE_ROWS] = {EACH_ROWS(NAME_TILE)};

#undef DEFINE_TILE
#undef NAME_TILE
