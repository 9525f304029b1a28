#include "kernels/x86/vec_avx2.h"

typedef __m256i vec_sums;

enum { PEAK_SUMS = 12, PEAK_OPERATIONS = 2 * 16 };

static inline vec_sums peak_start(void)
{
    return _mm256_set1_epi16(1);
}

static inline vec_sums peak_step(vec_sums sums)
{
    vec_sums product;
    __asm__ volatile("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0"
                     : "+x"(sums), "=&x"(product)
                     : "x"(peak_start()));
    return sums;
}

#include "kernels/peak_dot.tmpl.h"

double vf_peak_int8__avx2(size_t rounds)
{
    return peak(rounds);
}
