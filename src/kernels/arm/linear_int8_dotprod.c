#include "kernels/arm/vec_neon.h"

#include <string.h>

#define DOT_ROWS VF_TILE_ROWS_NEON
#define DOT_VECTORS (VF_PANEL_COLUMNS_NEON / VEC_FLOATS)

enum {
    SUMS_OUTPUTS = VEC_FLOATS,
    GROUP_BYTES = VF_INT8_GROUP,
    PART_BYTES = SUMS_OUTPUTS * VF_INT8_GROUP
};

typedef int32x4_t vec_sums, dot_start;
typedef int8x16_t vec_inputs, vec_weights;

static dot_start sums_start(const int32_t *sums)
{
    return vld1q_s32(sums);
}

/* Quantised rows hold q - 128. */
ALWAYS_INLINE vec_sums sums_begin(dot_start start, int32_t zero)
{
    return vmulq_n_s32(start, 128 - zero);
}

ALWAYS_INLINE vec_inputs inputs_load(const uint8_t *p)
{
    int32_t group;
    memcpy(&group, p, sizeof group);
    return vreinterpretq_s8_s32(vdupq_n_s32(group));
}

ALWAYS_INLINE vec_weights weights_load(const int8_t *p)
{
    return vld1q_s8(p);
}

ALWAYS_INLINE vec_sums sums_add(vec_sums sums, vec_inputs inputs, vec_weights weights)
{
    return vdotq_s32(sums, inputs, weights);
}

ALWAYS_INLINE vec sums_floats(const vec_sums *sums)
{
    return vcvtq_f32_s32(*sums);
}

#include "kernels/linear_int8.tmpl.h"

void vf_linear_int8__dotprod(const struct vf_linear_int8 *op, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, m, c, ldc);
}
