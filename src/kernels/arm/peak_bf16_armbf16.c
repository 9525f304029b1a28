#include "kernels/arm/vec_neon.h"

typedef float32x4_t vec_sums;

enum { PEAK_SUMS = 24, PEAK_OPERATIONS = 2 * 8 };

static inline vec_sums peak_start(void)
{
    return vdupq_n_f32(0);
}

static inline vec_sums peak_step(vec_sums sums)
{
    __asm__ volatile("bfdot %0.4s, %0.8h, %0.8h" : "+w"(sums));
    return sums;
}

#include "kernels/peak_dot.tmpl.h"

double vf_peak_bf16__armbf16(size_t rounds)
{
    return peak(rounds);
}
