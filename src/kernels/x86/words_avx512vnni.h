/* Words of integers for the templates of attention: AVX512_VNNI. */
#ifndef VF_KERNELS_X86_WORDS_AVX512VNNI_H
#define VF_KERNELS_X86_WORDS_AVX512VNNI_H

#include "kernels/x86/vec_avx512.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef __m512i vec_words;

ALWAYS_INLINE vec_words words_load(const float *p)
{
    return _mm512_loadu_si512((const void *)p);
}

ALWAYS_INLINE void words_store(float *p, vec_words pairs)
{
    _mm512_storeu_si512((void *)p, pairs);
}

ALWAYS_INLINE vec_words words_set(const float *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
}

ALWAYS_INLINE vec_words words_zero(void)
{
    return _mm512_setzero_si512();
}

/* Pairs of ones. */
ALWAYS_INLINE vec_words pairs_ones(void)
{
    return _mm512_set1_epi16(1);
}

/* Not the intrinsic: with what follows the sums of a tile, GCC would keep them in memory. */
ALWAYS_INLINE vec_words pairs_dot(vec_words sum, vec_words a, vec_words b)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

ALWAYS_INLINE vec_words pairs_join(vec a, vec b)
{
    vec_words first = _mm512_cvtps_epi32(a);
    return _mm512_mask_blend_epi16(0xAAAAAAAA, first, _mm512_slli_epi32(_mm512_cvtps_epi32(b), 16));
}

ALWAYS_INLINE vec_words pairs_round(vec a, vec b)
{
    return _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
}

ALWAYS_INLINE vec words_widen(vec_words sum)
{
    return _mm512_cvtepi32_ps(sum);
}

#endif
