#include "kernels/x86/vec_avx512.h"

#include <string.h>

/* As kernels/portable/vec_portable.h rounds: the fraction of vec_floor() is rounded down. */
static inline vec floor_of(vec x, vec *ret_fraction)
{
    vec whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    *ret_fraction = vec_sub(x, whole);
    return whole;
}

#define vec_floor(x, ret_fraction) floor_of(x, ret_fraction)
#define vec_fma(a, b, c) vec_add(vec_mul(a, b), c)
#define vec_accumulate(sum, a, b) vec_fma(a, b, sum)
#define vec_fnma(a, b, c) vec_sub(c, vec_mul(a, b))
#include "kernels/linear_f32.tmpl.h"

void vf_linear_portable__avx512(const struct vf_linear_f32 *op, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, lda, m, c, ldc);
}
