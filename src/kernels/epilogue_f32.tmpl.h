/* What follows the sums of a linear map for a vector type. To be included behind tile_f32.tmpl.h or
 * tile_dot.tmpl.h and
 *
 *   ACTIVATION(epilogue, x)  the epilogue: apply, apply_coarse or apply_int8
 */
#include "kernels/activation_f32.tmpl.h"

ALWAYS_INLINE void finish_rows(enum vf_epilogue epilogue, const float *sums, size_t ld_sums,
    size_t rows, size_t columns, float *c, size_t ldc)
{
    for (size_t r = 0; r < rows; r++) {
        size_t j = 0;
        for (; j + VEC_FLOATS <= columns; j += VEC_FLOATS)
            vec_store(c + r * ldc + j, ACTIVATION(epilogue, vec_load(sums + r * ld_sums + j)));
        if (j < columns)
            vec_store_first(c + r * ldc + j, ACTIVATION(epilogue, vec_load(sums + r * ld_sums + j)),
                columns - j);
    }
}

static void finish(enum vf_epilogue epilogue, const float *sums, size_t ld_sums, size_t rows,
    size_t columns, float *c, size_t ldc)
{
    switch (epilogue) {
    case VF_EPILOGUE_NONE:
        finish_rows(VF_EPILOGUE_NONE, sums, ld_sums, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_GELU_ERF:
        finish_rows(VF_EPILOGUE_GELU_ERF, sums, ld_sums, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_GELU_TANH:
        finish_rows(VF_EPILOGUE_GELU_TANH, sums, ld_sums, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_RELU:
        finish_rows(VF_EPILOGUE_RELU, sums, ld_sums, rows, columns, c, ldc);
        break;
    case VF_EPILOGUE_SILU:
        finish_rows(VF_EPILOGUE_SILU, sums, ld_sums, rows, columns, c, ldc);
        break;
    }
}
