/* A peak of dot products: PEAK_SUMS independent sums hide the latency of one. To be included behind
 * the type vec_sums, peak_start(), peak_step(sums), which adds a product that the compiler must not
 * leave out, and PEAK_OPERATIONS, the operations of that. */

static double peak(size_t rounds)
{
    vec_sums sums[PEAK_SUMS];
    UNROLL
    for (int i = 0; i < PEAK_SUMS; i++)
        sums[i] = peak_start();
    for (size_t round = 0; round < rounds; round++) {
        UNROLL
        for (int i = 0; i < PEAK_SUMS; i++)
            sums[i] = peak_step(sums[i]);
    }
    return (double)PEAK_SUMS * PEAK_OPERATIONS * (double)rounds;
}
