/* What follows the sums of a linear map for a vector type: the bias and the epilogue. To be
 * included behind tile_f32.tmpl.h. */
#include "kernels/activation_f32.tmpl.h"

enum { PANEL = TILE_VECTORS * VEC_FLOATS };

ALWAYS_INLINE void finish_rows(enum vf_epilogue epilogue, const float *sums, const float *bias,
    size_t rows, size_t columns, float *c, size_t ldc)
{
    for (size_t r = 0; r < rows; r++) {
        size_t j = 0;
        for (; j + VEC_FLOATS <= columns; j += VEC_FLOATS)
            vec_store(c + r * ldc + j,
                apply(epilogue, vec_add(vec_load(sums + r * PANEL + j), vec_load(bias + j))));
        if (j < columns)
            vec_store_first(c + r * ldc + j,
                apply(epilogue, vec_add(vec_load(sums + r * PANEL + j), vec_load(bias + j))),
                columns - j);
    }
}

static void finish(enum vf_epilogue epilogue, const float *sums, const float *bias, size_t rows,
    size_t columns, float *c, size_t ldc)
{
    switch (epilogue) {
    case VF_EPILOGUE_NONE:
        finish_rows(VF_EPILOGUE_NONE, sums, bias, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_GELU_ERF:
        finish_rows(VF_EPILOGUE_GELU_ERF, sums, bias, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_GELU_TANH:
        finish_rows(VF_EPILOGUE_GELU_TANH, sums, bias, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_RELU:
        finish_rows(VF_EPILOGUE_RELU, sums, bias, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_SILU:
        finish_rows(VF_EPILOGUE_SILU, sums, bias, rows, columns, c, ldc);
        break;
    }
}
