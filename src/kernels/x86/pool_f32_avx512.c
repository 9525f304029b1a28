#include "kernels/x86/vec_avx512.h"

#include "kernels/pool_f32.tmpl.h"

void vf_pool_mean_f32__avx512(const float *x, size_t ldx, size_t m, size_t n, float *out)
{
    pool_mean(x, ldx, m, n, out);
}
