/* Linear maps of eight-bit integers. To be included through kernels/kernels.h.
 *
 * Weights are integers w of [-127, 127] with a scale for each output: W_ji = scale_j w_ji. A row of
 * activations is rounded to integers q of [0, 255] with a scale and a zero point of its own:
 * a_i = scale (q_i - zero). Sums of the integers are exact, and what follows is rounded in the same
 * places everywhere: but for the GELUs, all tables give the same bits.
 */
#ifndef VF_KERNELS_LINEAR_INT8_H
#define VF_KERNELS_LINEAR_INT8_H

#include "kernels/epilogue.h"

#include <stddef.h>
#include <stdint.h>

struct vf_kernels;

#define VF_INT8_WEIGHT_MAX 127

/* Inputs of a linear map, at most: sums of 255 * 127 stay within 32 bits, and sums of an output's
 * weights within 23. */
#define VF_INT8_INPUTS_MAX 32768

/* Inputs are filled up to a multiple of this, in panels and in quantised rows. */
#define VF_INT8_GROUP 4

/* Distance and alignment of quantised rows, in bytes. */
#define VF_QUANTIZED_ALIGNMENT 64

/* W packed by columns of its transpose: panel p holds the outputs from p * panel_columns_int8 on,
 * at most panel_columns_int8 of them, as [ceil(k / 4)][width][4], `width` being their number
 * rounded up to a multiple of panel_unit_int8: the weights of an output for four neighbouring
 * inputs lie together. What is behind n and k is zero. Panel p starts
 * p * panel_columns_int8 * (k rounded up to 4) bytes behind panel 0. */
struct vf_linear_int8 {
    size_t n, k;
    const int8_t *panels; /* aligned, vf_panel_int8s(…, n, k) bytes */
    const int32_t *sums;  /* [n], of an output's weights */
    const float *scales;  /* [n] */
    const float *bias;    /* [n] */
};

/* Packs `n` outputs, at most panel_columns_int8, given as rows [n][k] of weights in [-127, 127],
 * into one panel, and stores the sums of their weights. */
void vf_pack_panel_int8(const struct vf_kernels *kernels, const int8_t *rows, size_t ld_rows,
    size_t n, size_t k, int8_t *panel, int32_t *sums);

/* Rows of quantised activations. How integers lie in `bytes` is the table's affair: only
 * linear_int8 of the same table reads what its quantize_int8 wrote. */
struct vf_quantized {
    uint8_t *bytes; /* aligned; rows are `ld` bytes apart */
    size_t ld;      /* a multiple of VF_QUANTIZED_ALIGNMENT, at least vf_quantized_bytes(…, k) */
    float *scales;  /* of each row */
    int32_t *zeros; /* the zero points of the rows, in [0, 255] */
};

/* The rows from `row` on. */
static inline struct vf_quantized vf_quantized_from(struct vf_quantized rows, size_t row)
{
    return (struct vf_quantized){
        rows.bytes + row * rows.ld, rows.ld, rows.scales + row, rows.zeros + row};
}

/* Quantises the rows of x[m][k]. With `factors`, column i of x is first multiplied by factors[i],
 * as float does; NULL for no factors.
 *
 * With lo and hi the least and the largest number of a row, or 0 where that is less or more, its
 * scale is hi / 255 - lo / 255, but at least FLT_MIN: an element is off by at most
 * (1/2 + 2^-14) scale, and zero is exact. A row with a NaN or an infinity has the scale NaN, which
 * makes every result of it NaN. */
typedef void vf_quantize_int8_fn(const float *x, size_t ldx, size_t m, size_t k,
    const float *factors, const struct vf_quantized *out);

/* c[m][n] = epilogue(a W^T + bias): with s the exact sum of (q - zero) w over k inputs, at most
 * VF_INT8_INPUTS_MAX, the epilogue's argument is s in float, times the row's scale, then times the
 * output's scale plus bias with a single rounding. The activations have the bound
 * VF_ACTIVATION_BOUND_INT8. */
typedef void vf_linear_int8_fn(const struct vf_linear_int8 *linear, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc);

#endif
