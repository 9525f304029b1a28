#include "kernels/bf16.h"
#include "kernels/kernels_internal.h"

size_t vf_linear_scratch_bf16__ref(size_t k)
{
    (void)k;
    return 0;
}

void vf_linear_bf16__ref(const struct vf_linear_bf16 *linear, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc, float *scratch)
{
    (void)scratch;
    size_t k = linear->k;
    for (size_t j = 0; j < linear->n; j++) {
        size_t first = j / VF_PANEL_COLUMNS_REF * VF_PANEL_COLUMNS_REF;
        size_t left = linear->n - first;
        size_t width = left >= VF_PANEL_COLUMNS_REF
                           ? VF_PANEL_COLUMNS_REF
                           : (left + VF_PANEL_UNIT_REF - 1) / VF_PANEL_UNIT_REF * VF_PANEL_UNIT_REF;
        const vf_bf16 *column = linear->panels + first * (k + k % 2) + 2 * (j - first);
        for (size_t i = 0; i < m; i++) {
            float sum = 0;
            for (size_t p = 0; p < k; p++)
                sum += a[i * lda + p] * vf_bf16_widen(column[p / 2 * 2 * width + p % 2]);
            c[i * ldc + j] = vf_epilogue__ref(epilogue, sum + linear->bias[j]);
        }
    }
}
