#include "kernels/x86/vec_avx512.h"

/* The floats as doubles, the lower and the upper half. */
typedef __m512d vec_double;

static inline vec_double vec_low(vec a)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(a));
}

static inline vec_double vec_high(vec a)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1));
}

static inline vec_double vec_double_set(double x)
{
    return _mm512_set1_pd(x);
}

static inline vec_double vec_double_add(vec_double a, vec_double b)
{
    return _mm512_add_pd(a, b);
}

static inline vec vec_round(vec_double low, vec_double high, double scale)
{
    vec_double factor = vec_double_set(scale);
    __m256 first = _mm512_cvtpd_ps(_mm512_mul_pd(low, factor));
    __m256 second = _mm512_cvtpd_ps(_mm512_mul_pd(high, factor));
    return _mm512_insertf32x8(_mm512_castps256_ps512(first), second, 1);
}

#include "kernels/pool_f32.tmpl.h"

void vf_pool_mean_f32__avx512(const float *x, size_t ldx, size_t m, size_t n, float *out)
{
    pool_mean(x, ldx, m, n, out);
}
