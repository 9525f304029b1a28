#include "kernels/kernels_internal.h"

#include <math.h>

/* The sum of (q - zero) w over the inputs. */
static int32_t dot(const uint8_t *q, int32_t zero, const int8_t *column, size_t width, size_t k)
{
    int32_t sum = 0;
    for (size_t p = 0; p < k; p++)
        sum +=
            (q[p] - zero) * column[p / VF_INT8_GROUP * VF_INT8_GROUP * width + p % VF_INT8_GROUP];
    return sum;
}

void vf_linear_int8__ref(const struct vf_linear_int8 *linear, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    size_t n = linear->n, k = linear->k;
    size_t padded = (k + VF_INT8_GROUP - 1) / VF_INT8_GROUP * VF_INT8_GROUP;
    for (size_t j = 0; j < n; j++) {
        size_t first = j / VF_PANEL_COLUMNS_REF * VF_PANEL_COLUMNS_REF, left = n - first;
        size_t width = left >= VF_PANEL_COLUMNS_REF
                           ? VF_PANEL_COLUMNS_REF
                           : (left + VF_PANEL_UNIT_REF - 1) / VF_PANEL_UNIT_REF * VF_PANEL_UNIT_REF;
        const int8_t *column = linear->panels + first * padded + VF_INT8_GROUP * (j - first);
        for (size_t i = 0; i < m; i++) {
            int32_t sum = dot(a->bytes + i * a->ld, a->zeros[i], column, width, k);
            float x = fmaf((float)sum * a->scales[i], linear->scales[j], linear->bias[j]);
            c[i * ldc + j] = vf_epilogue__ref(epilogue, x);
        }
    }
}
