#include "kernels/kernels_internal.h"

void vf_gate_f32__ref(enum vf_epilogue epilogue, float *a, size_t lda, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            a[i * lda + j] = vf_epilogue__ref(epilogue, a[i * lda + j]) * a[i * lda + n + j];
}
