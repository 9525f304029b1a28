#include "kernels/portable/vec_portable.h"

#include "kernels/gate_f32.tmpl.h"

void vf_gate_f32__portable(enum vf_epilogue epilogue, float *a, size_t lda, size_t m, size_t n)
{
    gate(epilogue, a, lda, m, n);
}
