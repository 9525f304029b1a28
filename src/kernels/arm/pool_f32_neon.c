#include "kernels/arm/vec_neon.h"

#include "kernels/pool_f32.tmpl.h"

void vf_pool_mean_f32__neon(const float *x, size_t ldx, size_t m, size_t n, float *out)
{
    pool_mean(x, ldx, m, n, out);
}
