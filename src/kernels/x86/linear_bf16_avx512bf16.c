#include "kernels/x86/vec_avx512.h"

#include <string.h>

#define DOT_ROWS VF_TILE_ROWS_AVX512
#define DOT_VECTORS TILE_VECTORS

enum {
    SUMS_OUTPUTS = VEC_FLOATS,
    GROUP_BYTES = 2 * sizeof(vf_bf16),
    PART_BYTES = SUMS_OUTPUTS * GROUP_BYTES
};

typedef __m512 vec_sums;
typedef __m512i vec_inputs, vec_weights;
typedef vec dot_start;

ALWAYS_INLINE vec_sums sums_begin(dot_start start, int32_t zero)
{
    (void)zero;
    return start;
}

ALWAYS_INLINE vec_inputs inputs_load(const uint8_t *p)
{
    int32_t group;
    memcpy(&group, p, sizeof group);
    return _mm512_set1_epi32(group);
}

ALWAYS_INLINE vec_weights weights_load(const int8_t *p)
{
    return _mm512_load_si512(p);
}

ALWAYS_INLINE vec_sums sums_add(vec_sums sums, vec_inputs inputs, vec_weights weights)
{
    return _mm512_dpbf16_ps(sums, (__m512bh)inputs, (__m512bh)weights);
}

static inline void store_rounded(uint8_t *out, vec first, vec second)
{
    _mm512_store_si512(out, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

/* Writes whole vectors: there is room, and what is behind an odd k is zero. */
static void round_row(const float *x, size_t k, uint8_t *out)
{
    enum { STEP = 2 * VEC_FLOATS };
    size_t i = 0;
    for (; i + STEP <= k; i += STEP)
        store_rounded(out + i * sizeof(vf_bf16), vec_load(x + i), vec_load(x + i + VEC_FLOATS));
    if (i == k)
        return;
    size_t left = k - i;
    vec first = left < VEC_FLOATS ? vec_load_first(x + i, left) : vec_load(x + i);
    vec second =
        left > VEC_FLOATS ? vec_load_first(x + i + VEC_FLOATS, left - VEC_FLOATS) : vec_set(0);
    store_rounded(out + i * sizeof(vf_bf16), first, second);
}

#include "kernels/linear_bf16_dot.tmpl.h"

size_t vf_linear_scratch_bf16__avx512bf16(size_t k)
{
    return scratch_floats(k);
}

void vf_linear_bf16__avx512bf16(const struct vf_linear_bf16 *op, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc, float *scratch)
{
    linear(op, epilogue, a, lda, m, c, ldc, scratch);
}
