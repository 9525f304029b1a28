/* The epilogues on a vector. To be included behind the header of a vector type. */
#ifndef VF_KERNELS_ACTIVATION_F32_TMPL_H
#define VF_KERNELS_ACTIVATION_F32_TMPL_H

#include "kernels/math_f32.tmpl.h"

ALWAYS_INLINE vec apply(enum vf_epilogue epilogue, vec x)
{
    switch (epilogue) {
    case VF_EPILOGUE_GELU_ERF:
        return vec_gelu_erf(x);
    case VF_EPILOGUE_GELU_TANH:
        return vec_gelu_tanh(x);
    case VF_EPILOGUE_RELU:
        return vec_max(vec_set(0), x);
    case VF_EPILOGUE_SILU:
        return vec_silu(x);
    case VF_EPILOGUE_NONE:
        break;
    }
    return x;
}

/* The same with the bound VF_ACTIVATION_BOUND_COARSE. */
ALWAYS_INLINE vec apply_coarse(enum vf_epilogue epilogue, vec x)
{
    switch (epilogue) {
    case VF_EPILOGUE_GELU_ERF:
        return vec_gelu_erf_coarse(x);
    case VF_EPILOGUE_GELU_TANH:
        return vec_gelu_tanh_coarse(x);
    default:
        return apply(epilogue, x);
    }
}

/* The same with the bound VF_ACTIVATION_BOUND_INT8. */
ALWAYS_INLINE vec apply_int8(enum vf_epilogue epilogue, vec x)
{
    switch (epilogue) {
    case VF_EPILOGUE_GELU_ERF:
        return vec_gelu_erf_int8(x);
    case VF_EPILOGUE_GELU_TANH:
        return vec_gelu_tanh_int8(x);
    default:
        return apply(epilogue, x);
    }
}

#endif
