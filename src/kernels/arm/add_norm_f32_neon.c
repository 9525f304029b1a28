#include "kernels/arm/vec_neon.h"

#include <math.h>

#include "kernels/add_norm_f32.tmpl.h"

void vf_add_norm_f32__neon(const struct vf_norm_f32 *norm, float *x, size_t ldx, const float *y,
    size_t ldy, size_t m, float *out, size_t ldo)
{
    add_norm(norm, x, ldx, y, ldy, m, out, ldo);
}

void vf_add_f32__neon(float *x, size_t ldx, const float *y, size_t ldy, size_t m, size_t n)
{
    add(x, ldx, y, ldy, m, n);
}
