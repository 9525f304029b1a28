#include "kernels/arm/vec_neon.h"

#include <string.h>

#define DOT_ROWS VF_TILE_ROWS_NEON
#define DOT_VECTORS TILE_VECTORS

enum {
    SUMS_OUTPUTS = VEC_FLOATS,
    GROUP_BYTES = 2 * sizeof(vf_bf16),
    PART_BYTES = SUMS_OUTPUTS * GROUP_BYTES
};

typedef float32x4_t vec_sums;
typedef bfloat16x8_t vec_inputs, vec_weights;
typedef vec dot_start;

ALWAYS_INLINE vec_sums sums_begin(dot_start start, int32_t zero)
{
    (void)zero;
    return start;
}

ALWAYS_INLINE vec_inputs inputs_load(const uint8_t *p)
{
    int32_t group;
    memcpy(&group, p, sizeof group);
    return vreinterpretq_bf16_s32(vdupq_n_s32(group));
}

ALWAYS_INLINE vec_weights weights_load(const int8_t *p)
{
    return vreinterpretq_bf16_s8(vld1q_s8(p));
}

ALWAYS_INLINE vec_sums sums_add(vec_sums sums, vec_inputs inputs, vec_weights weights)
{
    return vbfdotq_f32(sums, inputs, weights);
}

/* Writes whole vectors: there is room, and what is behind an odd k is zero. */
static void round_row(const float *x, size_t k, uint8_t *out)
{
    for (size_t i = 0; i < k; i += VEC_FLOATS) {
        vec a = k - i < VEC_FLOATS ? vec_load_first(x + i, k - i) : vec_load(x + i);
        vst1_u16((uint16_t *)(void *)out + i, vreinterpret_u16_bf16(vcvt_bf16_f32(a)));
    }
}

#include "kernels/linear_bf16_dot.tmpl.h"

size_t vf_linear_scratch_bf16__armbf16(size_t k)
{
    return scratch_floats(k);
}

void vf_linear_bf16__armbf16(const struct vf_linear_bf16 *op, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc, float *scratch)
{
    linear(op, epilogue, a, lda, m, c, ldc, scratch);
}
