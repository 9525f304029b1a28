/* Vectors of 16 floats for the templates of the kernels: AVX-512 F, BW, DQ, VL. */
#ifndef VF_KERNELS_X86_VEC_AVX512_H
#define VF_KERNELS_X86_VEC_AVX512_H

#include <immintrin.h>
#include <stddef.h>

#include "kernels/kernels_internal.h"
#include "kernels/unroll.h"

typedef __m512 vec;

#define VEC_FLOATS VF_PANEL_UNIT_AVX512
#define TILE_ROWS VF_TILE_ROWS_AVX512
#define TILE_VECTORS (VF_PANEL_COLUMNS_AVX512 / VF_PANEL_UNIT_AVX512)

static inline __mmask16 vec_first(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

/* The first n floats, 0 < n <= VEC_FLOATS; zeros behind them. */
static inline vec vec_load_first(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(vec_first(n), p);
}

/* VEC_FLOATS pairs: the first of each, and in `ret_second` the second. */
static inline vec vec_load_pairs(const vf_bf16 *p, vec *ret_second)
{
    __m512i pairs = _mm512_loadu_si512((const void *)p);
    *ret_second = _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-65536)));
    return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
}

static inline void vec_store(float *p, vec a)
{
    _mm512_storeu_ps(p, a);
}

static inline void vec_store_first(float *p, vec a, size_t n)
{
    _mm512_mask_storeu_ps(p, vec_first(n), a);
}

/* The first n floats of a, and b behind them. */
static inline vec vec_join(vec a, vec b, size_t n)
{
    return _mm512_mask_mov_ps(b, vec_first(n), a);
}

static inline vec vec_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}

/* a * b + c, and c - a * b, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vec vec_fnma(vec a, vec b, vec c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

/* sum + a * b, rounded once. Not the intrinsic: GCC would copy a tile's sums from register to
 * register, and some to memory. */
static inline vec vec_accumulate(vec sum, vec a, vec b)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}

/* A NaN in b stays. */
static inline vec vec_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}

/* x, held to +-limit: the smaller absolute value with the sign of x. A NaN may go. */
static inline vec vec_clamp(vec x, float limit)
{
    return _mm512_range_ps(x, _mm512_set1_ps(limit), 2);
}

static inline vec vec_abs(vec a)
{
    return _mm512_abs_ps(a);
}

static inline float vec_sum(vec a)
{
    return _mm512_reduce_add_ps(a);
}

static inline float vec_largest(vec a)
{
    return _mm512_reduce_max_ps(a);
}

/* Makes the compiler compute `a` as it stands. */
static inline vec vec_keep(vec a)
{
    __asm__ volatile("" : "+v"(a));
    return a;
}

/* Splits x into an integer and a fraction in [0, 1) of which `ret_fraction` is set. */
static inline vec vec_floor(vec x, vec *ret_fraction)
{
    *ret_fraction = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF);
    return x; /* scaling floors by itself */
}

/* a * 2^floor(exponent); 0 where the exponent is below float's normal range. */
static inline vec vec_scale(vec a, vec exponent)
{
    return _mm512_scalef_ps(a, exponent);
}

/* The bits of floats, compared as integers. */
typedef __m512i vec_bits;

static inline vec_bits vec_bits_of(vec a)
{
    return _mm512_castps_si512(a);
}

static inline vec vec_of_bits(vec_bits a)
{
    return _mm512_castsi512_ps(a);
}

static inline vec_bits vec_bits_max_signed(vec_bits a, vec_bits b)
{
    return _mm512_max_epi32(a, b);
}

static inline vec_bits vec_bits_max_unsigned(vec_bits a, vec_bits b)
{
    return _mm512_max_epu32(a, b);
}

/* The largest, as the float that it is. */
static inline float vec_bits_largest_signed(vec_bits a)
{
    int32_t largest = _mm512_reduce_max_epi32(a);
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(largest)));
}

static inline float vec_bits_largest_unsigned(vec_bits a)
{
    uint32_t largest = _mm512_reduce_max_epu32(a);
    return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int32_t)largest)));
}

/* rows[i][j] becomes rows[j][i]. */
static inline void vec_transpose(vec rows[VEC_FLOATS])
{
    vec t[VEC_FLOATS];
    UNROLL
    for (int i = 0; i < 16; i += 4) {
        vec ab_low = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
        vec ab_high = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
        vec cd_low = _mm512_unpacklo_ps(rows[i + 2], rows[i + 3]);
        vec cd_high = _mm512_unpackhi_ps(rows[i + 2], rows[i + 3]);
        t[i] = _mm512_shuffle_ps(ab_low, cd_low, 0x44);
        t[i + 1] = _mm512_shuffle_ps(ab_low, cd_low, 0xee);
        t[i + 2] = _mm512_shuffle_ps(ab_high, cd_high, 0x44);
        t[i + 3] = _mm512_shuffle_ps(ab_high, cd_high, 0xee);
    }
    /* t[4 g + c] now has, in 128-bit lane l, column 4 l + c of rows 4 g to 4 g + 3. */
    UNROLL
    for (int c = 0; c < 4; c++) {
        vec even01 = _mm512_shuffle_f32x4(t[c], t[4 + c], 0x88);
        vec odd01 = _mm512_shuffle_f32x4(t[c], t[4 + c], 0xdd);
        vec even23 = _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0x88);
        vec odd23 = _mm512_shuffle_f32x4(t[8 + c], t[12 + c], 0xdd);
        rows[c] = _mm512_shuffle_f32x4(even01, even23, 0x88);
        rows[4 + c] = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
        rows[8 + c] = _mm512_shuffle_f32x4(even01, even23, 0xdd);
        rows[12 + c] = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
    }
}

#endif
