#include "kernels/x86/vec_avx2.h"

#include <string.h>

/* As kernels/portable/vec_portable.h rounds. */
#define vec_fma(a, b, c) vec_add(vec_mul(a, b), c)
#define vec_accumulate(sum, a, b) vec_fma(a, b, sum)
#define vec_fnma(a, b, c) vec_sub(c, vec_mul(a, b))
#include "kernels/linear_f32.tmpl.h"

void vf_linear_portable__avx2(const struct vf_linear_f32 *op, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, lda, m, c, ldc);
}
