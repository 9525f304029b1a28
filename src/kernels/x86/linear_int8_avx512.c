#include "kernels/x86/vec_avx512.h"

#include <string.h>

#define DOT_ROWS VF_TILE_ROWS_AVX512
#define DOT_VECTORS (VF_PANEL_COLUMNS_INT8_AVX512 / VEC_FLOATS)

/* Products of 16-bit integers, which cannot overflow as those of bytes can: two sums an output. */
enum {
    SUMS_OUTPUTS = VEC_FLOATS / 2,
    GROUP_BYTES = VF_INT8_GROUP * sizeof(int16_t),
    PART_BYTES = SUMS_OUTPUTS * VF_INT8_GROUP
};

typedef __m512i vec_sums, vec_inputs, vec_weights, dot_start;

static dot_start sums_start(const int32_t *sums)
{
    (void)sums;
    return _mm512_setzero_si512();
}

ALWAYS_INLINE vec_sums sums_begin(dot_start start, int32_t zero)
{
    (void)zero;
    return start;
}

ALWAYS_INLINE vec_inputs inputs_load(const uint8_t *p)
{
    int64_t group;
    memcpy(&group, p, sizeof group);
    return _mm512_set1_epi64(group);
}

ALWAYS_INLINE vec_weights weights_load(const int8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_load_si256((const __m256i *)(const void *)p));
}

ALWAYS_INLINE vec_sums sums_add(vec_sums sums, vec_inputs inputs, vec_weights weights)
{
    return _mm512_add_epi32(sums, _mm512_madd_epi16(inputs, weights));
}

ALWAYS_INLINE vec sums_floats(const vec_sums *sums)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    __m512i first = _mm512_permutex2var_epi32(sums[0], even, sums[1]);
    __m512i second = _mm512_permutex2var_epi32(sums[0], odd, sums[1]);
    return _mm512_cvtepi32_ps(_mm512_add_epi32(first, second));
}

#include "kernels/linear_int8.tmpl.h"

void vf_linear_int8__avx512(const struct vf_linear_int8 *op, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, m, c, ldc);
}
