#include "kernels/arm/vec_neon.h"

typedef int32x4_t vec_sums;

enum { PEAK_SUMS = 24, PEAK_OPERATIONS = 2 * 8 };

static inline vec_sums peak_start(void)
{
    return vdupq_n_s32(1);
}

static inline vec_sums peak_step(vec_sums sums)
{
    int16x8_t products;
    __asm__ volatile("smull %1.8h, %2.8b, %2.8b\n\tsadalp %0.4s, %1.8h"
                     : "+w"(sums), "=&w"(products)
                     : "w"(peak_start()));
    return sums;
}

#include "kernels/peak_dot.tmpl.h"

double vf_peak_int8__neon(size_t rounds)
{
    return peak(rounds);
}
