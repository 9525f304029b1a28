/* What follows the sums of a linear map. To be included through kernels/kernels.h. */
#ifndef VF_KERNELS_EPILOGUE_H
#define VF_KERNELS_EPILOGUE_H

/* What is applied to each element x of a linear map's result. */
enum vf_epilogue {
    VF_EPILOGUE_NONE,      /* x */
    VF_EPILOGUE_GELU_ERF,  /* x/2 (1 + erf(x / sqrt 2)) */
    VF_EPILOGUE_GELU_TANH, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    VF_EPILOGUE_RELU,      /* max(x, 0) */
    VF_EPILOGUE_SILU       /* x / (1 + e^-x) */
};

/* Bound of the own error of either GELU and of SiLU: |f(x) - exact| <= VF_ACTIVATION_BOUND
 * max(|x|, 1). All are Lipschitz with constant 1.13, so an error e of x adds 1.13 e. */
#define VF_ACTIVATION_BOUND 3e-7

/* The same where operands are rounded to 16 bits. */
#define VF_ACTIVATION_BOUND_COARSE 1e-4

/* The same where they are rounded to 8 bits. */
#define VF_ACTIVATION_BOUND_INT8 1.1e-3

#endif
