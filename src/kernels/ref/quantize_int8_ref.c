#include "kernels/kernels_internal.h"
#include "kernels/quantize_int8.h"

#include <stdbool.h>
#include <string.h>

static float element(const float *x, const float *factors, size_t i)
{
    return factors ? x[i] * factors[i] : x[i];
}

/* False when the row is not finite. */
static bool find_range(
    const float *x, const float *factors, size_t k, float *ret_low, float *ret_high)
{
    float low = 0, high = 0;
    for (size_t i = 0; i < k; i++) {
        float a = element(x, factors, i);
        if (!isfinite(a))
            return false;
        low = fminf(low, a);
        high = fmaxf(high, a);
    }
    *ret_low = low;
    *ret_high = high;
    return true;
}

void vf_quantize_int8__ref(const float *x, size_t ldx, size_t m, size_t k, const float *factors,
    const struct vf_quantized *out)
{
    for (size_t r = 0; r < m; r++, x += ldx) {
        uint8_t *bytes = out->bytes + r * out->ld;
        float low, high;
        memset(bytes, 0, (k + VF_INT8_GROUP - 1) / VF_INT8_GROUP * VF_INT8_GROUP);
        out->scales[r] = NAN;
        out->zeros[r] = 0;
        if (!find_range(x, factors, k, &low, &high))
            continue;
        struct vf_quantizer quantizer = vf_quantizer_of(low, high);
        out->scales[r] = quantizer.scale;
        out->zeros[r] = quantizer.zero;
        for (size_t i = 0; i < k; i++) {
            float q = fmaf(element(x, factors, i), quantizer.inverse, (float)quantizer.zero);
            bytes[i] = (uint8_t)lrintf(fminf(fmaxf(q, 0), 255));
        }
    }
}
