#include "kernels/arm/vec_neon.h"

/* The floats as doubles, the lower and the upper half. */
typedef float64x2_t vec_double;

static inline vec_double vec_low(vec a)
{
    return vcvt_f64_f32(vget_low_f32(a));
}

static inline vec_double vec_high(vec a)
{
    return vcvt_high_f64_f32(a);
}

static inline vec_double vec_double_set(double x)
{
    return vdupq_n_f64(x);
}

static inline vec_double vec_double_add(vec_double a, vec_double b)
{
    return vaddq_f64(a, b);
}

static inline vec vec_round(vec_double low, vec_double high, double scale)
{
    vec_double factor = vec_double_set(scale);
    return vcvt_high_f32_f64(vcvt_f32_f64(vmulq_f64(low, factor)), vmulq_f64(high, factor));
}

#include "kernels/pool_f32.tmpl.h"

void vf_pool_mean_f32__neon(const float *x, size_t ldx, size_t m, size_t n, float *out)
{
    pool_mean(x, ldx, m, n, out);
}
