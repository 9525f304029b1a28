#include "kernels/x86/vec_avx2.h"

#include <stdbool.h>
#include <string.h>

enum { ELEMENT_BYTES = sizeof(int16_t), QUANTIZE_STEP = 2 };

/* q - zero as 16-bit integers. Within each 128 bits the packed vectors take turns. */
static inline void quantized_store(uint8_t *out, const vec q[QUANTIZE_STEP], int32_t zero)
{
    __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(q[0]), _mm256_cvtps_epi32(q[1]));
    words = _mm256_max_epi16(words, _mm256_setzero_si256());
    words = _mm256_min_epi16(words, _mm256_set1_epi16(255));
    words = _mm256_sub_epi16(words, _mm256_set1_epi16((int16_t)zero));
    _mm256_store_si256((__m256i *)(void *)out, _mm256_permute4x64_epi64(words, 0xD8));
}

#include "kernels/quantize_int8.tmpl.h"

void vf_quantize_int8__avx2(const float *x, size_t ldx, size_t m, size_t k, const float *factors,
    const struct vf_quantized *out)
{
    quantize(x, ldx, m, k, factors, out);
}
