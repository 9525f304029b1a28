/* What the tests of eight-bit kernels share: packed weights and quantised rows with guard pages. */
#ifndef VF_TESTS_INT8_FIXTURE_H
#define VF_TESTS_INT8_FIXTURE_H

#include "kernels/kernel_fixture.h"
#include "kernels/kernels.h"

struct int8_weights {
    struct matrix panels; /* one row */
    int32_t *sums;
    struct vf_linear_int8 linear; /* without scales and bias */
};

/* Packs the rows of `weights`[n][k]. */
struct int8_weights int8_weights_new(
    const struct vf_kernels *kernels, const int8_t *weights, size_t n, size_t k);
void int8_weights_free(struct int8_weights *weights);

struct quantized_rows {
    const struct vf_kernels *kernels;
    size_t m;
    struct matrix bytes, scales, zeros;
    struct vf_quantized quantized;
};

/* The rows of `x` quantised with `factors`, or without when that is NULL. Fails the test, naming
 * `name`, when anything around the rows was written. */
struct quantized_rows quantize(const struct vf_kernels *kernels, const struct matrix *x,
    const float *factors, const char *name);
void quantized_rows_free(struct quantized_rows *rows);

/* The integers q - zero of rows of k, as floats [m][k]. */
struct matrix dequantize(const struct quantized_rows *rows, size_t k);

#endif
