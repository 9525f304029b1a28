#include "kernels/kernels_internal.h"

double vf_peak_int8__ref(size_t rounds)
{
    enum { CHAINS = 16 };
    uint32_t sum[CHAINS] = {0};
    volatile uint32_t factor = 3;
    uint32_t a = factor;
    for (size_t i = 0; i < rounds; i++)
        for (int j = 0; j < CHAINS; j++)
            sum[j] = sum[j] * a + a;
    for (int j = 0; j < CHAINS; j++)
        factor = sum[j];
    return 2.0 * CHAINS * (double)rounds;
}
