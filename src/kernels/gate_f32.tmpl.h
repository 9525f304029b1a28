/* gate_f32 for a vector type. */
#include "kernels/activation_f32.tmpl.h"

ALWAYS_INLINE void gate_rows(enum vf_epilogue epilogue, float *a, size_t lda, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++, a += lda) {
        const float *up = a + n;
        size_t j = 0;
        for (; j + VEC_FLOATS <= n; j += VEC_FLOATS)
            vec_store(a + j, vec_mul(apply(epilogue, vec_load(a + j)), vec_load(up + j)));
        if (j < n) {
            vec gate = apply(epilogue, vec_load_first(a + j, n - j));
            vec_store_first(a + j, vec_mul(gate, vec_load_first(up + j, n - j)), n - j);
        }
    }
}

static void gate(enum vf_epilogue epilogue, float *a, size_t lda, size_t m, size_t n)
{
    switch (epilogue) {
    case VF_EPILOGUE_NONE:
        gate_rows(VF_EPILOGUE_NONE, a, lda, m, n);
        break;
    case VF_EPILOGUE_GELU_ERF:
        gate_rows(VF_EPILOGUE_GELU_ERF, a, lda, m, n);
        break;
    case VF_EPILOGUE_GELU_TANH:
        gate_rows(VF_EPILOGUE_GELU_TANH, a, lda, m, n);
        break;
    case VF_EPILOGUE_RELU:
        gate_rows(VF_EPILOGUE_RELU, a, lda, m, n);
        break;
    case VF_EPILOGUE_SILU:
        gate_rows(VF_EPILOGUE_SILU, a, lda, m, n);
        break;
    }
}
