#include "kernels/x86/vec_avx512.h"

#include <math.h>

#include "kernels/add_norm_f32.tmpl.h"

void vf_add_norm_f32__avx512(const struct vf_norm_f32 *norm, float *x, size_t ldx, const float *y,
    size_t ldy, size_t m, float *out, size_t ldo)
{
    add_norm(norm, x, ldx, y, ldy, m, out, ldo);
}

void vf_add_f32__avx512(float *x, size_t ldx, const float *y, size_t ldy, size_t m, size_t n)
{
    add(x, ldx, y, ldy, m, n);
}
