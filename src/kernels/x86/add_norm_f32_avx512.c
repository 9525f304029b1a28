#include "kernels/x86/vec_avx512.h"

#include <math.h>

#include "kernels/add_norm_f32.tmpl.h"

void vf_add_norm_f32__avx512(
    const struct vf_norm_f32 *norm, float *x, size_t ldx, const float *y, size_t ldy, size_t m)
{
    add_norm(norm, x, ldx, y, ldy, m);
}
