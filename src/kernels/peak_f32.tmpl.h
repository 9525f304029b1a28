/* peak_f32 for a vector type: as many independent sums as a tile has, which hides the latency of a
 * multiply-add. */

static double peak(size_t rounds)
{
    enum { SUMS = TILE_ROWS * TILE_VECTORS };
    vec sum[SUMS], factor = vec_set(0.5f);
    UNROLL
    for (int i = 0; i < SUMS; i++)
        sum[i] = vec_set(1);
    for (size_t round = 0; round < rounds; round++) {
        UNROLL
        for (int i = 0; i < SUMS; i++)
            sum[i] = vec_keep(vec_fma(sum[i], factor, factor));
    }
    return 2.0 * SUMS * VEC_FLOATS * (double)rounds;
}
