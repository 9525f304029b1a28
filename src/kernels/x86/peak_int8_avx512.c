#include "kernels/x86/vec_avx512.h"

typedef __m512i vec_sums;

enum { PEAK_SUMS = 28, PEAK_OPERATIONS = 2 * 32 };

static inline vec_sums peak_start(void)
{
    return _mm512_set1_epi16(1);
}

static inline vec_sums peak_step(vec_sums sums)
{
    vec_sums product;
    __asm__ volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0"
                     : "+v"(sums), "=&v"(product)
                     : "v"(peak_start()));
    return sums;
}

#include "kernels/peak_dot.tmpl.h"

double vf_peak_int8__avx512(size_t rounds)
{
    return peak(rounds);
}
