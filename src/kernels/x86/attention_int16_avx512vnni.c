#include "kernels/x86/vec_avx512.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef __m512i vec_pairs;

ALWAYS_INLINE vec_pairs pairs_load(const float *p)
{
    return _mm512_loadu_si512((const void *)p);
}

ALWAYS_INLINE void pairs_store(float *p, vec_pairs pairs)
{
    _mm512_storeu_si512((void *)p, pairs);
}

ALWAYS_INLINE vec_pairs pairs_set(const float *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
}

ALWAYS_INLINE vec_pairs pairs_zero(void)
{
    return _mm512_setzero_si512();
}

/* Pairs of ones. */
ALWAYS_INLINE vec_pairs pairs_ones(void)
{
    return _mm512_set1_epi16(1);
}

/* Not the intrinsic: with what follows the sums of a tile, GCC would keep them in memory. */
ALWAYS_INLINE vec_pairs pairs_dot(vec_pairs sum, vec_pairs a, vec_pairs b)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

ALWAYS_INLINE vec_pairs pairs_join(vec a, vec b)
{
    vec_pairs first = _mm512_cvtps_epi32(a);
    return _mm512_mask_blend_epi16(0xAAAAAAAA, first, _mm512_slli_epi32(_mm512_cvtps_epi32(b), 16));
}

ALWAYS_INLINE vec_pairs pairs_round(vec a, vec b)
{
    return _mm512_packs_epi32(_mm512_cvtps_epi32(a), _mm512_cvtps_epi32(b));
}

ALWAYS_INLINE vec pairs_widen(vec_pairs sum)
{
    return _mm512_cvtepi32_ps(sum);
}

#include "kernels/attention_int16.tmpl.h"

size_t vf_attention_scratch_int16__avx512vnni(size_t n, size_t head_size)
{
    return scratch_floats(n, head_size);
}

void vf_attention_int16__avx512vnni(const struct vf_attention_f32 *op)
{
    attention(op);
}
