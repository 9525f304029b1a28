#include "kernels/arm/vec_neon.h"

#include <string.h>

#define DOT_ROWS VF_TILE_ROWS_NEON
#define DOT_VECTORS (VF_PANEL_COLUMNS_INT8_NEON / VEC_FLOATS)

enum {
    SUMS_OUTPUTS = VEC_FLOATS,
    GROUP_BYTES = VF_INT8_GROUP,
    PART_BYTES = SUMS_OUTPUTS * VF_INT8_GROUP
};

/* Products of bytes are summed in pairs, so that an output has two sums. */
typedef struct {
    int32x4_t low, high; /* of outputs 0 and 1, of outputs 2 and 3 */
} vec_sums;

typedef int8x16_t vec_inputs, vec_weights;
typedef vec_sums dot_start;

static dot_start sums_start(const int32_t *sums)
{
    int32x4_t all = vld1q_s32(sums), none = vdupq_n_s32(0);
    return (dot_start){vzip1q_s32(all, none), vzip2q_s32(all, none)};
}

/* Quantised rows hold q - 128. */
ALWAYS_INLINE vec_sums sums_begin(dot_start start, int32_t zero)
{
    return (vec_sums){vmulq_n_s32(start.low, 128 - zero), vmulq_n_s32(start.high, 128 - zero)};
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
    int16x8_t low = vmull_s8(vget_low_s8(inputs), vget_low_s8(weights));
    int16x8_t high = vmull_high_s8(inputs, weights);
    return (vec_sums){vpadalq_s16(sums.low, low), vpadalq_s16(sums.high, high)};
}

ALWAYS_INLINE vec sums_floats(const vec_sums *sums)
{
    return vcvtq_f32_s32(vpaddq_s32(sums->low, sums->high));
}

#include "kernels/linear_int8.tmpl.h"

void vf_linear_int8__neon(const struct vf_linear_int8 *op, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, m, c, ldc);
}
