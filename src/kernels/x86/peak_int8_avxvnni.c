#include "kernels/x86/vec_avx2.h"

typedef __m256i vec_sums;

enum { PEAK_SUMS = 12, PEAK_OPERATIONS = 2 * 32 };

static inline vec_sums peak_start(void)
{
    return _mm256_set1_epi8(1);
}

/* In assembly, for compilers may copy the sums to other registers and back. */
static inline vec_sums peak_step(vec_sums sums)
{
    __asm__ volatile("%{vex%} vpdpbusd %0, %0, %0" : "+x"(sums));
    return sums;
}

#include "kernels/peak_dot.tmpl.h"

double vf_peak_int8__avxvnni(size_t rounds)
{
    return peak(rounds);
}
