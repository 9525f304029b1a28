#include "kernels/kernels_internal.h"

void vf_pool_mean_f32__ref(const float *x, size_t ldx, size_t m, size_t n, float *out)
{
    double scale = 1 / (double)m;
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t i = 0; i < m; i++)
            sum += (double)x[i * ldx + j];
        out[j] = (float)(sum * scale);
    }
}

void vf_pool_max_f32__ref(const float *x, size_t ldx, size_t m, size_t n, float *out)
{
    for (size_t j = 0; j < n; j++) {
        float max = x[j];
        for (size_t i = 1; i < m; i++) {
            float value = x[i * ldx + j];
            /* Once NaN, `max` stays NaN. */
            if (!(value <= max) && max == max)
                max = value;
        }
        out[j] = max;
    }
}
