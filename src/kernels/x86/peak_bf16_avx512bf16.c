#include "kernels/x86/vec_avx512.h"

typedef __m512 vec_sums;

enum { PEAK_SUMS = 28, PEAK_OPERATIONS = 2 * 32 };

static inline vec_sums peak_start(void)
{
    return _mm512_setzero_ps();
}

/* In assembly, for compilers may copy the sums to other registers and back. */
static inline vec_sums peak_step(vec_sums sums)
{
    __asm__ volatile("vdpbf16ps %0, %0, %0" : "+v"(sums));
    return sums;
}

#include "kernels/peak_dot.tmpl.h"

double vf_peak_bf16__avx512bf16(size_t rounds)
{
    return peak(rounds);
}
