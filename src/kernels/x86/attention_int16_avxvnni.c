#include "kernels/x86/vec_avx2.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef __m256i vec_words;

ALWAYS_INLINE vec_words words_load(const float *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

ALWAYS_INLINE void words_store(float *p, vec_words pairs)
{
    _mm256_storeu_si256((__m256i *)(void *)p, pairs);
}

ALWAYS_INLINE vec_words words_set(const float *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm256_set1_epi32(pair);
}

ALWAYS_INLINE vec_words words_zero(void)
{
    return _mm256_setzero_si256();
}

/* Pairs of ones. */
ALWAYS_INLINE vec_words pairs_ones(void)
{
    return _mm256_set1_epi16(1);
}

/* Not the intrinsic: with what follows the sums of a tile, GCC would keep them in memory. */
ALWAYS_INLINE vec_words pairs_dot(vec_words sum, vec_words a, vec_words b)
{
    __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
    return sum;
}

ALWAYS_INLINE vec_words pairs_join(vec a, vec b)
{
    vec_words first = _mm256_cvtps_epi32(a);
    return _mm256_blend_epi16(first, _mm256_slli_epi32(_mm256_cvtps_epi32(b), 16), 0xAA);
}

ALWAYS_INLINE vec_words pairs_round(vec a, vec b)
{
    return _mm256_packs_epi32(_mm256_cvtps_epi32(a), _mm256_cvtps_epi32(b));
}

ALWAYS_INLINE vec words_widen(vec_words sum)
{
    return _mm256_cvtepi32_ps(sum);
}

#include "kernels/attention_int16.tmpl.h"

size_t vf_attention_scratch_int16__avxvnni(size_t n, size_t head_size)
{
    return scratch_floats(n, head_size);
}

void vf_attention_int16__avxvnni(const struct vf_attention_f32 *op)
{
    attention(op);
}
