#include "kernels/x86/vec_avx512.h"

#include <stdbool.h>
#include <string.h>

enum { ELEMENT_BYTES = sizeof(uint8_t), QUANTIZE_STEP = 4 };

/* Within each 128 bits the packed vectors take turns. */
static inline void quantized_store(uint8_t *out, const vec q[QUANTIZE_STEP], int32_t zero)
{
    (void)zero;
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i ab = _mm512_packus_epi32(_mm512_cvtps_epi32(q[0]), _mm512_cvtps_epi32(q[1]));
    __m512i cd = _mm512_packus_epi32(_mm512_cvtps_epi32(q[2]), _mm512_cvtps_epi32(q[3]));
    _mm512_store_si512(out, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(ab, cd)));
}

#include "kernels/quantize_int8.tmpl.h"

void vf_quantize_int8__avx512vnni(const float *x, size_t ldx, size_t m, size_t k,
    const float *factors, const struct vf_quantized *out)
{
    quantize(x, ldx, m, k, factors, out);
}
