#include "kernels/kernels_internal.h"

void vf_pack_panel_f32__ref(const float *rows, size_t ld_rows, size_t n, size_t k, float *panel)
{
    size_t width = (n + VF_PANEL_UNIT_REF - 1) / VF_PANEL_UNIT_REF * VF_PANEL_UNIT_REF;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < width; j++)
            panel[i * width + j] = j < n ? rows[j * ld_rows + i] : 0.0f;
}

void vf_linear_f32__ref(const struct vf_linear_f32 *linear, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc)
{
    for (size_t j = 0; j < linear->n; j++) {
        size_t first = j / VF_PANEL_COLUMNS_REF * VF_PANEL_COLUMNS_REF;
        size_t left = linear->n - first;
        size_t width = left >= VF_PANEL_COLUMNS_REF
                           ? VF_PANEL_COLUMNS_REF
                           : (left + VF_PANEL_UNIT_REF - 1) / VF_PANEL_UNIT_REF * VF_PANEL_UNIT_REF;
        const float *column = linear->panels + first * linear->k + (j - first);
        for (size_t i = 0; i < m; i++) {
            float sum = 0;
            for (size_t p = 0; p < linear->k; p++)
                sum += a[i * lda + p] * column[p * width];
            c[i * ldc + j] = vf_epilogue__ref(epilogue, sum + linear->bias[j]);
        }
    }
}
