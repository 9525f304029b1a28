#include "kernels/x86/vec_avx2.h"

#include <stdbool.h>
#include <string.h>

enum { ELEMENT_BYTES = sizeof(uint8_t), QUANTIZE_STEP = 4 };

/* Within each 128 bits the packed vectors take turns. */
static inline void quantized_store(uint8_t *out, const vec q[QUANTIZE_STEP], int32_t zero)
{
    (void)zero;
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i ab = _mm256_packus_epi32(_mm256_cvtps_epi32(q[0]), _mm256_cvtps_epi32(q[1]));
    __m256i cd = _mm256_packus_epi32(_mm256_cvtps_epi32(q[2]), _mm256_cvtps_epi32(q[3]));
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd), order);
    _mm256_store_si256((__m256i *)(void *)out, bytes);
}

#include "kernels/quantize_int8.tmpl.h"

void vf_quantize_int8__avxvnni(const float *x, size_t ldx, size_t m, size_t k, const float *factors,
    const struct vf_quantized *out)
{
    quantize(x, ldx, m, k, factors, out);
}
