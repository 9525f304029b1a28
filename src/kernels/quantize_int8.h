/* What quantize_int8 computes for a row, the same for all tiers. */
#ifndef VF_KERNELS_QUANTIZE_INT8_H
#define VF_KERNELS_QUANTIZE_INT8_H

#include <float.h>
#include <math.h>
#include <stdint.h>

struct vf_quantizer {
    float scale, inverse;
    int32_t zero;
};

/* For a row of finite numbers, the least of which and 0 is `low`, the largest `high`. Nothing here
 * could be contracted to a multiply-add, and the inverse of a scale is never infinite. */
static inline struct vf_quantizer vf_quantizer_of(float low, float high)
{
    float scale = high / 255 - low / 255;
    scale = scale < FLT_MIN ? FLT_MIN : scale;
    float inverse = 1 / scale;
    return (struct vf_quantizer){scale, inverse, (int32_t)lrintf(-low * inverse)};
}

#endif
