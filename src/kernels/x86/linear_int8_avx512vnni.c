#include "kernels/x86/vec_avx512.h"

#include <string.h>

#define DOT_ROWS VF_TILE_ROWS_AVX512
#define DOT_VECTORS (VF_PANEL_COLUMNS_AVX512 / VF_PANEL_UNIT_AVX512)

enum {
    SUMS_OUTPUTS = VEC_FLOATS,
    GROUP_BYTES = VF_INT8_GROUP,
    PART_BYTES = SUMS_OUTPUTS * VF_INT8_GROUP
};

typedef __m512i vec_sums, vec_inputs, vec_weights, dot_start;

/* -sum as a pair of 16 bits: the low 7 bits, and the rest. With (zero, zero << 7) it makes a
 * product of pairs. */
static dot_start sums_start(const int32_t *sums)
{
    __m512i negative = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_loadu_si512(sums));
    __m512i low = _mm512_and_si512(negative, _mm512_set1_epi32(0x7F));
    return _mm512_or_si512(low, _mm512_slli_epi32(_mm512_srai_epi32(negative, 7), 16));
}

ALWAYS_INLINE vec_sums sums_begin(dot_start start, int32_t zero)
{
    __m512i pair = _mm512_set1_epi32(zero | zero << 23);
    return _mm512_dpwssd_epi32(_mm512_setzero_si512(), pair, start);
}

ALWAYS_INLINE vec_inputs inputs_load(const uint8_t *p)
{
    int32_t group;
    memcpy(&group, p, sizeof group);
    return _mm512_set1_epi32(group);
}

ALWAYS_INLINE vec_weights weights_load(const int8_t *p)
{
    return _mm512_load_si512(p);
}

/* Not the intrinsic: with what follows the sums of a tile, GCC would keep them in memory. */
ALWAYS_INLINE vec_sums sums_add(vec_sums sums, vec_inputs inputs, vec_weights weights)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(inputs), "v"(weights));
    return sums;
}

ALWAYS_INLINE vec sums_floats(const vec_sums *sums)
{
    return _mm512_cvtepi32_ps(*sums);
}

#include "kernels/linear_int8.tmpl.h"

void vf_linear_int8__avx512vnni(const struct vf_linear_int8 *op, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, m, c, ldc);
}
