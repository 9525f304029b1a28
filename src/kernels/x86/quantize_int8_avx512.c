#include "kernels/x86/vec_avx512.h"

#include <stdbool.h>
#include <string.h>

enum { ELEMENT_BYTES = sizeof(int16_t), QUANTIZE_STEP = 2 };

/* q - zero as 16-bit integers. Within each 128 bits the packed vectors take turns. */
static inline void quantized_store(uint8_t *out, const vec q[QUANTIZE_STEP], int32_t zero)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    __m512i words = _mm512_packs_epi32(_mm512_cvtps_epi32(q[0]), _mm512_cvtps_epi32(q[1]));
    words = _mm512_max_epi16(words, _mm512_setzero_si512());
    words = _mm512_min_epi16(words, _mm512_set1_epi16(255));
    words = _mm512_sub_epi16(words, _mm512_set1_epi16((int16_t)zero));
    _mm512_store_si512(out, _mm512_permutexvar_epi64(order, words));
}

#include "kernels/quantize_int8.tmpl.h"

void vf_quantize_int8__avx512(const float *x, size_t ldx, size_t m, size_t k, const float *factors,
    const struct vf_quantized *out)
{
    quantize(x, ldx, m, k, factors, out);
}
