#include "kernels/x86/vec_avx2.h"

#include <string.h>

#define DOT_ROWS VF_TILE_ROWS_AVX2
#define DOT_VECTORS (VF_PANEL_COLUMNS_AVX2 / VEC_FLOATS)

enum {
    SUMS_OUTPUTS = VEC_FLOATS,
    GROUP_BYTES = VF_INT8_GROUP,
    PART_BYTES = SUMS_OUTPUTS * VF_INT8_GROUP
};

typedef __m256i vec_sums, vec_inputs, vec_weights, dot_start;

/* -sum as a pair of 16 bits: the low 7 bits, and the rest. With (zero, zero << 7) it makes a
 * product of pairs. */
static dot_start sums_start(const int32_t *sums)
{
    __m256i sum = _mm256_loadu_si256((const __m256i *)(const void *)sums);
    __m256i negative = _mm256_sub_epi32(_mm256_setzero_si256(), sum);
    __m256i low = _mm256_and_si256(negative, _mm256_set1_epi32(0x7F));
    return _mm256_or_si256(low, _mm256_slli_epi32(_mm256_srai_epi32(negative, 7), 16));
}

ALWAYS_INLINE vec_sums sums_begin(dot_start start, int32_t zero)
{
    __m256i pair = _mm256_set1_epi32(zero | zero << 23);
    return _mm256_dpwssd_avx_epi32(_mm256_setzero_si256(), pair, start);
}

ALWAYS_INLINE vec_inputs inputs_load(const uint8_t *p)
{
    int32_t group;
    memcpy(&group, p, sizeof group);
    return _mm256_set1_epi32(group);
}

ALWAYS_INLINE vec_weights weights_load(const int8_t *p)
{
    return _mm256_load_si256((const __m256i *)(const void *)p);
}

/* Not the intrinsic: GCC would keep some sums of a tile in memory. */
ALWAYS_INLINE vec_sums sums_add(vec_sums sums, vec_inputs inputs, vec_weights weights)
{
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums) : "x"(inputs), "x"(weights));
    return sums;
}

ALWAYS_INLINE vec sums_floats(const vec_sums *sums)
{
    return _mm256_cvtepi32_ps(*sums);
}

#include "kernels/linear_int8.tmpl.h"

void vf_linear_int8__avxvnni(const struct vf_linear_int8 *op, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, m, c, ldc);
}
