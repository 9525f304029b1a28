#include "kernels/arm/vec_neon.h"

#include <stdbool.h>
#include <string.h>

enum { ELEMENT_BYTES = sizeof(int8_t), QUANTIZE_STEP = 4 };

/* q - 128: products of signed bytes are what all of Advanced SIMD has. */
static inline void quantized_store(uint8_t *out, const vec q[QUANTIZE_STEP], int32_t zero)
{
    (void)zero;
    int16x4_t a = vqmovn_s32(vcvtnq_s32_f32(q[0])), b = vqmovn_s32(vcvtnq_s32_f32(q[1]));
    int16x4_t c = vqmovn_s32(vcvtnq_s32_f32(q[2])), d = vqmovn_s32(vcvtnq_s32_f32(q[3]));
    uint8x8_t first = vqmovun_s16(vcombine_s16(a, b)), second = vqmovun_s16(vcombine_s16(c, d));
    vst1q_u8(out, veorq_u8(vcombine_u8(first, second), vdupq_n_u8(0x80)));
}

#include "kernels/quantize_int8.tmpl.h"

void vf_quantize_int8__neon(const float *x, size_t ldx, size_t m, size_t k, const float *factors,
    const struct vf_quantized *out)
{
    quantize(x, ldx, m, k, factors, out);
}
