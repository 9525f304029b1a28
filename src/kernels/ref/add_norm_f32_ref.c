#include "kernels/kernels_internal.h"

#include <math.h>

static void normalize_row(const struct vf_norm_f32 *norm, const float *x, float *out)
{
    size_t n = norm->n;
    double sum = 0, squares = 0;
    for (size_t j = 0; j < n && !norm->rms; j++)
        sum += (double)x[j];
    double mean = sum / (double)n;
    for (size_t j = 0; j < n; j++)
        squares += ((double)x[j] - mean) * ((double)x[j] - mean);
    double scale = 1 / sqrt(squares / (double)n + (double)norm->eps);
    for (size_t j = 0; j < n; j++)
        out[j] = (float)(((double)x[j] - mean) * scale) * norm->gamma[j] + norm->beta[j];
}

void vf_add_norm_f32__ref(const struct vf_norm_f32 *norm, float *x, size_t ldx, const float *y,
    size_t ldy, size_t m, float *out, size_t ldo)
{
    if (y)
        vf_add_f32__ref(x, ldx, y, ldy, m, norm->n);
    for (size_t i = 0; i < m; i++)
        normalize_row(norm, x + i * ldx, out + i * ldo);
}

void vf_add_f32__ref(float *x, size_t ldx, const float *y, size_t ldy, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            x[i * ldx + j] += y[i * ldy + j];
}
