#include "kernels/x86/vec_avx2.h"

#include <string.h>

#define DOT_ROWS VF_TILE_ROWS_AVX2
#define DOT_VECTORS (VF_PANEL_COLUMNS_INT8_AVX2 / VEC_FLOATS)

/* Products of 16-bit integers, which cannot overflow as those of bytes can: two sums an output. */
enum {
    SUMS_OUTPUTS = VEC_FLOATS / 2,
    GROUP_BYTES = VF_INT8_GROUP * sizeof(int16_t),
    PART_BYTES = SUMS_OUTPUTS * VF_INT8_GROUP
};

typedef __m256i vec_sums, vec_inputs, vec_weights, dot_start;

static dot_start sums_start(const int32_t *sums)
{
    (void)sums;
    return _mm256_setzero_si256();
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
    return _mm256_set1_epi64x(group);
}

ALWAYS_INLINE vec_weights weights_load(const int8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)p));
}

/* Not the intrinsics: GCC would keep most sums of a tile in memory. */
ALWAYS_INLINE vec_sums sums_add(vec_sums sums, vec_inputs inputs, vec_weights weights)
{
    __m256i products;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
            : "+x"(sums), "=&x"(products)
            : "x"(inputs), "x"(weights));
    return sums;
}

ALWAYS_INLINE vec sums_floats(const vec_sums *sums)
{
    __m256i pairs = _mm256_hadd_epi32(sums[0], sums[1]); /* outputs 0 1 4 5 2 3 6 7 */
    return _mm256_cvtepi32_ps(_mm256_permute4x64_epi64(pairs, 0xD8));
}

#include "kernels/linear_int8.tmpl.h"

void vf_linear_int8__avx2(const struct vf_linear_int8 *op, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    linear(op, epilogue, a, m, c, ldc);
}
