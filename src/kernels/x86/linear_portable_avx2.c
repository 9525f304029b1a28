#include "kernels/x86/vec_avx2.h"

#include <string.h>

/* As kernels/portable/vec_portable.h rounds: the fraction of vec_floor() is rounded down. */
static inline vec floor_of(vec x, vec *ret_fraction)
{
    vec whole = _mm256_floor_ps(x);
    *ret_fraction = _mm256_sub_ps(x, whole);
    return whole;
}

/* a * 2^exponent for whole exponents up to 127; 0 where it is below float's normal range. */
static inline vec scale_by(vec a, vec exponent)
{
    const vec least = _mm256_set1_ps(-126);
    vec normal = _mm256_cmp_ps(exponent, least, _CMP_NLT_UQ); /* true for NaN, which stays */
    /* NaN converts to INT32_MIN, whose shift is 0: so a NaN in `a` stays as well. */
    __m256i bits = _mm256_cvtps_epi32(_mm256_max_ps(least, exponent));
    __m256i scaled = _mm256_add_epi32(_mm256_castps_si256(a), _mm256_slli_epi32(bits, 23));
    return _mm256_and_ps(_mm256_castsi256_ps(scaled), normal);
}

#define vec_floor(x, ret_fraction) floor_of(x, ret_fraction)
#define vec_scale(a, exponent) scale_by(a, exponent)
#define vec_fma(a, b, c) vec_add(vec_mul(a, b), c)
#define vec_accumulate(sum, a, b) vec_fma(a, b, sum)
#define vec_fnma(a, b, c) vec_sub(c, vec_mul(a, b))
#include "kernels/linear_f32.tmpl.h"

void vf_linear_portable__avx2(const struct vf_linear_f32 *op, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, lda, m, c, ldc);
}
