#include "kernels/x86/vec_avx2.h"

/* The floats as doubles, the lower and the upper half. */
typedef __m256d vec_double;

static inline vec_double vec_low(vec a)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(a));
}

static inline vec_double vec_high(vec a)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
}

static inline vec_double vec_double_set(double x)
{
    return _mm256_set1_pd(x);
}

static inline vec_double vec_double_add(vec_double a, vec_double b)
{
    return _mm256_add_pd(a, b);
}

static inline vec vec_round(vec_double low, vec_double high, double scale)
{
    vec_double factor = vec_double_set(scale);
    __m128 first = _mm256_cvtpd_ps(_mm256_mul_pd(low, factor));
    __m128 second = _mm256_cvtpd_ps(_mm256_mul_pd(high, factor));
    return _mm256_insertf128_ps(_mm256_castps128_ps256(first), second, 1);
}

#include "kernels/pool_f32.tmpl.h"

void vf_pool_mean_f32__avx2(const float *x, size_t ldx, size_t m, size_t n, float *out)
{
    pool_mean(x, ldx, m, n, out);
}
