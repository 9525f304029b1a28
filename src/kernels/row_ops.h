/* Operations on rows of floats. To be included through kernels/kernels.h, whose rules hold here. */
#ifndef VF_KERNELS_ROW_OPS_H
#define VF_KERNELS_ROW_OPS_H

#include "kernels/epilogue.h"

#include <stdbool.h>
#include <stddef.h>

struct vf_norm_f32 {
    size_t n;
    bool rms; /* RMSNorm: no mean is subtracted */
    float eps;
    const float *gamma, *beta; /* [n] */
};

/* Adds an update and normalises each row: s = x + y is stored in x, and
 * out_j = gamma_j z_j + beta_j, z_j = (s_j - mean) / sigma, sigma^2 = variance of s + eps; for
 * RMSNorm z_j = s_j / sigma, sigma^2 = mean of s_j^2 + eps. `y` is [m][n] (ldy 0: one row for all),
 * or NULL for nothing to add; then x is not written. `out` may be x.
 * With M = max |s_j|, an element's error is at most
 * u (|gamma_j| (n + 16) (1 + M / sigma) (1 + 2 |z_j|) + 2 |beta_j|). */
typedef void vf_add_norm_f32_fn(const struct vf_norm_f32 *norm, float *x, size_t ldx,
    const float *y, size_t ldy, size_t m, float *out, size_t ldo);

/* x[m][n] += y[m][n], rounded once. */
typedef void vf_add_f32_fn(float *x, size_t ldx, const float *y, size_t ldy, size_t m, size_t n);

/* The product with a gate, in place: a_ij = f(a_ij) a_i,n+j for j < n, f being the epilogue. With
 * e the error of f, an element's error is at most (e + u |f|) |a_i,n+j|. */
typedef void vf_gate_f32_fn(enum vf_epilogue epilogue, float *a, size_t lda, size_t m, size_t n);

/* Turns each of the `heads` heads that lie side by side in a row of x[m][heads * head_size], in
 * place: for j < h = head_size / 2, (x_j, x_j+h) = (x_j c_j - x_j+h s_j, x_j+h c_j + x_j s_j).
 * Row i of turns[m][head_size] holds the c of row i, then the s. head_size is even. With a and b
 * the two products, an element's error is at most 2 u (|a| + |b|). */
typedef void vf_rotate_f32_fn(const float *turns, size_t ld_turns, size_t head_size, size_t heads,
    float *x, size_t ldx, size_t m);

#endif
