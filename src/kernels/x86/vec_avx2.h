/* Vectors of 8 floats for the templates of the kernels: AVX2 and FMA. */
#ifndef VF_KERNELS_X86_VEC_AVX2_H
#define VF_KERNELS_X86_VEC_AVX2_H

#include <immintrin.h>
#include <stddef.h>

#include "kernels/kernels_internal.h"
#include "kernels/unroll.h"

typedef __m256 vec;

#define VEC_FLOATS VF_PANEL_UNIT_AVX2
#define TILE_ROWS VF_TILE_ROWS_AVX2
#define TILE_VECTORS (VF_PANEL_COLUMNS_AVX2 / VF_PANEL_UNIT_AVX2)

static inline __m256i vec_first(size_t n)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
}

static inline vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

/* The first n floats, 0 < n <= VEC_FLOATS; zeros behind them. */
static inline vec vec_load_first(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, vec_first(n));
}

/* VEC_FLOATS pairs: the first of each, and in `ret_second` the second. */
static inline vec vec_load_pairs(const vf_bf16 *p, vec *ret_second)
{
    __m256i pairs = _mm256_loadu_si256((const __m256i *)(const void *)p);
    *ret_second = _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-65536)));
    return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
}

static inline void vec_store(float *p, vec a)
{
    _mm256_storeu_ps(p, a);
}

static inline void vec_store_first(float *p, vec a, size_t n)
{
    _mm256_maskstore_ps(p, vec_first(n), a);
}

/* The first n floats of a, and b behind them. */
static inline vec vec_join(vec a, vec b, size_t n)
{
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(vec_first(n)));
}

static inline vec vec_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vec vec_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}

static inline vec vec_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}

static inline vec vec_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}

/* a * b + c, and c - a * b, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vec vec_fnma(vec a, vec b, vec c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

/* sum + a * b, rounded once. Not the intrinsic: GCC would copy a tile's sums from register to
 * register, and some to memory. */
static inline vec vec_accumulate(vec sum, vec a, vec b)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
    return sum;
}

/* A NaN in b stays. */
static inline vec vec_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}

/* x, held to +-limit. */
static inline vec vec_clamp(vec x, float limit)
{
    return vec_max(vec_set(-limit), vec_min(vec_set(limit), x));
}

static inline vec vec_abs(vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static inline float vec_sum(vec a)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

static inline float vec_largest(vec a)
{
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

/* Makes the compiler compute `a` as it stands. */
static inline vec vec_keep(vec a)
{
    __asm__ volatile("" : "+x"(a));
    return a;
}

/* Splits x into a fraction in [0, 1], of which `ret_fraction` is set, and a whole number for
 * vec_scale(): the last bits of a float so large that 1 is its unit, plus 127. */
static inline vec vec_floor(vec x, vec *ret_fraction)
{
    const vec unit = _mm256_set1_ps(0x1.8p23f + 127);
    vec bounded = _mm256_max_ps(_mm256_set1_ps(-126.75f), x); /* a NaN stays */
    vec whole = _mm256_add_ps(_mm256_sub_ps(bounded, _mm256_set1_ps(0.5f)), unit);
    *ret_fraction = _mm256_sub_ps(bounded, _mm256_sub_ps(whole, unit));
    return whole;
}

/* a * 2^exponent for exponents below 127; 0 up to -126. The bits are those of the power: 0 for that
 * of -127. */
static inline vec vec_scale(vec a, vec exponent)
{
    __m256i power = _mm256_slli_epi32(_mm256_castps_si256(exponent), 23);
    return _mm256_mul_ps(a, _mm256_castsi256_ps(power));
}

/* The bits of floats, compared as integers. */
typedef __m256i vec_bits;

static inline vec_bits vec_bits_of(vec a)
{
    return _mm256_castps_si256(a);
}

static inline vec vec_of_bits(vec_bits a)
{
    return _mm256_castsi256_ps(a);
}

static inline vec_bits vec_bits_max_signed(vec_bits a, vec_bits b)
{
    return _mm256_max_epi32(a, b);
}

static inline vec_bits vec_bits_max_unsigned(vec_bits a, vec_bits b)
{
    return _mm256_max_epu32(a, b);
}

/* The largest, as the float that it is. */
static inline float vec_bits_largest_signed(vec_bits a)
{
    __m128i half = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_max_epi32(half, _mm_shuffle_epi32(half, 0xB1));
    return _mm_cvtss_f32(_mm_castsi128_ps(half));
}

static inline float vec_bits_largest_unsigned(vec_bits a)
{
    __m128i half = _mm_max_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4E));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xB1));
    return _mm_cvtss_f32(_mm_castsi128_ps(half));
}

/* rows[i][j] becomes rows[j][i]. */
static inline void vec_transpose(vec rows[VEC_FLOATS])
{
    vec t[VEC_FLOATS];
    UNROLL
    for (int i = 0; i < 8; i += 4) {
        vec ab_low = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
        vec ab_high = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
        vec cd_low = _mm256_unpacklo_ps(rows[i + 2], rows[i + 3]);
        vec cd_high = _mm256_unpackhi_ps(rows[i + 2], rows[i + 3]);
        t[i] = _mm256_shuffle_ps(ab_low, cd_low, 0x44);
        t[i + 1] = _mm256_shuffle_ps(ab_low, cd_low, 0xee);
        t[i + 2] = _mm256_shuffle_ps(ab_high, cd_high, 0x44);
        t[i + 3] = _mm256_shuffle_ps(ab_high, cd_high, 0xee);
    }
    /* t[4 g + c] now has, in 128-bit lane l, column 4 l + c of rows 4 g to 4 g + 3. */
    UNROLL
    for (int c = 0; c < 4; c++) {
        rows[c] = _mm256_permute2f128_ps(t[c], t[4 + c], 0x20);
        rows[4 + c] = _mm256_permute2f128_ps(t[c], t[4 + c], 0x31);
    }
}

#endif
