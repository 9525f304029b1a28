#include "kernels/x86/words_avx512vnni.h"

/* Not the intrinsic, as in pairs_dot(). */
ALWAYS_INLINE vec_words bytes_dot(vec_words sum, vec_words a, vec_words b)
{
    __asm__("vpdpbusd %1, %2, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

ALWAYS_INLINE void bytes_store(float *p, vec a, vec b)
{
    _mm256_storeu_si256((void *)p, _mm512_cvtusepi16_epi8(pairs_round(a, b)));
}

ALWAYS_INLINE void bytes_store_signed(float *p, vec a, vec b)
{
    _mm256_storeu_si256((void *)p, _mm512_cvtsepi16_epi8(pairs_round(a, b)));
}

#include "kernels/attention_int8.tmpl.h"

size_t vf_attention_scratch_int8__avx512vnni(size_t n, size_t head_size)
{
    return scratch_floats(n, head_size);
}

void vf_attention_int8__avx512vnni(const struct vf_attention_f32 *op)
{
    attention(op);
}
