#include "kernels/portable/vec_portable.h"

#include <string.h>

#include "kernels/linear_bf16.tmpl.h"

size_t vf_linear_scratch_bf16__portable(size_t k)
{
    return scratch_floats(k);
}

void vf_linear_bf16__portable(const struct vf_linear_bf16 *op, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc, float *scratch)
{
    linear(op, epilogue, a, lda, m, c, ldc, scratch);
}
