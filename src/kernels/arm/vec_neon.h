/* Vectors of 4 floats for the templates of the kernels: Advanced SIMD of 64-bit Arm. */
#ifndef VF_KERNELS_ARM_VEC_NEON_H
#define VF_KERNELS_ARM_VEC_NEON_H

#include <arm_neon.h>
#include <stddef.h>

#include "kernels/kernels_internal.h"
#include "kernels/unroll.h"

typedef float32x4_t vec;

#define VEC_FLOATS VF_PANEL_UNIT_NEON
#define TILE_ROWS VF_TILE_ROWS_NEON
#define TILE_VECTORS (VF_PANEL_COLUMNS_NEON / VF_PANEL_UNIT_NEON)

static inline uint32x4_t vec_first(size_t n)
{
    static const uint32_t lane[] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)n));
}

static inline vec vec_load(const float *p)
{
    return vld1q_f32(p);
}

/* The first n floats, 0 < n <= VEC_FLOATS; zeros behind them. */
static inline vec vec_load_first(const float *p, size_t n)
{
    if (n == VEC_FLOATS)
        return vld1q_f32(p);
    vec a = vld1q_lane_f32(p, vdupq_n_f32(0), 0);
    if (n > 1)
        a = vld1q_lane_f32(p + 1, a, 1);
    if (n > 2)
        a = vld1q_lane_f32(p + 2, a, 2);
    return a;
}

/* VEC_FLOATS pairs: the first of each, and in `ret_second` the second. */
static inline vec vec_load_pairs(const vf_bf16 *p, vec *ret_second)
{
    uint16x4x2_t pairs = vld2_u16(p);
    *ret_second = vreinterpretq_f32_u32(vshll_n_u16(pairs.val[1], 16));
    return vreinterpretq_f32_u32(vshll_n_u16(pairs.val[0], 16));
}

static inline void vec_store(float *p, vec a)
{
    vst1q_f32(p, a);
}

static inline void vec_store_first(float *p, vec a, size_t n)
{
    if (n == VEC_FLOATS) {
        vst1q_f32(p, a);
        return;
    }
    vst1q_lane_f32(p, a, 0);
    if (n > 1)
        vst1q_lane_f32(p + 1, a, 1);
    if (n > 2)
        vst1q_lane_f32(p + 2, a, 2);
}

/* The first n floats of a, and b behind them. */
static inline vec vec_join(vec a, vec b, size_t n)
{
    return vbslq_f32(vec_first(n), a, b);
}

static inline vec vec_set(float x)
{
    return vdupq_n_f32(x);
}

static inline vec vec_add(vec a, vec b)
{
    return vaddq_f32(a, b);
}

static inline vec vec_sub(vec a, vec b)
{
    return vsubq_f32(a, b);
}

static inline vec vec_mul(vec a, vec b)
{
    return vmulq_f32(a, b);
}

static inline vec vec_div(vec a, vec b)
{
    return vdivq_f32(a, b);
}

/* a * b + c, and c - a * b, rounded once. */
static inline vec vec_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}

static inline vec vec_fnma(vec a, vec b, vec c)
{
    return vfmsq_f32(c, a, b);
}

/* sum + a * b, rounded once. */
static inline vec vec_accumulate(vec sum, vec a, vec b)
{
    return vec_fma(a, b, sum);
}

/* A NaN stays. */
static inline vec vec_max(vec a, vec b)
{
    return vmaxq_f32(a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return vminq_f32(a, b);
}

/* x, held to +-limit. */
static inline vec vec_clamp(vec x, float limit)
{
    return vec_max(vec_set(-limit), vec_min(vec_set(limit), x));
}

static inline vec vec_abs(vec a)
{
    return vabsq_f32(a);
}

static inline float vec_sum(vec a)
{
    return vaddvq_f32(a);
}

static inline float vec_largest(vec a)
{
    return vmaxvq_f32(a);
}

/* Makes the compiler compute `a` as it stands. */
static inline vec vec_keep(vec a)
{
    __asm__ volatile("" : "+w"(a));
    return a;
}

/* Splits x into an integer and a fraction in [0, 1) of which `ret_fraction` is set. */
static inline vec vec_floor(vec x, vec *ret_fraction)
{
    vec whole = vrndmq_f32(x);
    *ret_fraction = vsubq_f32(x, whole);
    return whole;
}

/* a * 2^exponent for whole exponents up to 127; 0 where it is below float's normal range. */
static inline vec vec_scale(vec a, vec exponent)
{
    const vec least = vdupq_n_f32(-126);
    uint32x4_t below = vcltq_f32(exponent, least); /* false for NaN */
    /* NaN converts to 0, which leaves a NaN in `a` as it is. */
    int32x4_t bits = vshlq_n_s32(vcvtq_s32_f32(vmaxq_f32(least, exponent)), 23);
    int32x4_t scaled = vaddq_s32(vreinterpretq_s32_f32(a), bits);
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_s32(scaled), below));
}

/* The bits of floats, compared as integers. */
typedef uint32x4_t vec_bits;

static inline vec_bits vec_bits_of(vec a)
{
    return vreinterpretq_u32_f32(a);
}

static inline vec_bits vec_bits_max_signed(vec_bits a, vec_bits b)
{
    return vreinterpretq_u32_s32(vmaxq_s32(vreinterpretq_s32_u32(a), vreinterpretq_s32_u32(b)));
}

static inline vec_bits vec_bits_max_unsigned(vec_bits a, vec_bits b)
{
    return vmaxq_u32(a, b);
}

/* The largest, as the float that it is. */
static inline float vec_bits_largest_signed(vec_bits a)
{
    int32_t largest = vmaxvq_s32(vreinterpretq_s32_u32(a));
    return vget_lane_f32(vreinterpret_f32_s32(vdup_n_s32(largest)), 0);
}

static inline float vec_bits_largest_unsigned(vec_bits a)
{
    return vget_lane_f32(vreinterpret_f32_u32(vdup_n_u32(vmaxvq_u32(a))), 0);
}

/* rows[i][j] becomes rows[j][i]. */
static inline void vec_transpose(vec rows[VEC_FLOATS])
{
    float64x2_t ab_even = vreinterpretq_f64_f32(vtrn1q_f32(rows[0], rows[1]));
    float64x2_t ab_odd = vreinterpretq_f64_f32(vtrn2q_f32(rows[0], rows[1]));
    float64x2_t cd_even = vreinterpretq_f64_f32(vtrn1q_f32(rows[2], rows[3]));
    float64x2_t cd_odd = vreinterpretq_f64_f32(vtrn2q_f32(rows[2], rows[3]));
    rows[0] = vreinterpretq_f32_f64(vtrn1q_f64(ab_even, cd_even));
    rows[1] = vreinterpretq_f32_f64(vtrn1q_f64(ab_odd, cd_odd));
    rows[2] = vreinterpretq_f32_f64(vtrn2q_f64(ab_even, cd_even));
    rows[3] = vreinterpretq_f32_f64(vtrn2q_f64(ab_odd, cd_odd));
}

#endif
