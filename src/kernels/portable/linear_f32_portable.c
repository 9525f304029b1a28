#include "kernels/portable/vec_portable.h"

#include "kernels/linear_f32.tmpl.h"

void vf_pack_panel_f32__portable(
    const float *rows, size_t ld_rows, size_t n, size_t k, float *panel)
{
    pack_transposed(rows, ld_rows, n, k, panel);
}

void vf_linear_f32__portable(const struct vf_linear_f32 *op, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, lda, m, c, ldc);
}
