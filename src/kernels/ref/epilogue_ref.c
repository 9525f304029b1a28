#include "kernels/kernels_internal.h"

#include <math.h>

static float gelu_erf(float x)
{
    return (float)(0.5 * (double)x * (1 + erf((double)x / sqrt(2))));
}

static float gelu_tanh(float x)
{
    const double sqrt_2_over_pi = 0.79788456080286535588;
    double t = (double)x;
    return (float)(0.5 * t * (1 + tanh(sqrt_2_over_pi * (t + 0.044715 * t * t * t))));
}

float vf_epilogue__ref(enum vf_epilogue epilogue, float x)
{
    switch (epilogue) {
    case VF_EPILOGUE_GELU_ERF:
        return gelu_erf(x);
    case VF_EPILOGUE_GELU_TANH:
        return gelu_tanh(x);
    case VF_EPILOGUE_RELU:
        return x < 0 ? 0 : x;
    case VF_EPILOGUE_SILU:
        return (float)((double)x / (1 + exp(-(double)x)));
    case VF_EPILOGUE_NONE:
        break;
    }
    return x;
}
