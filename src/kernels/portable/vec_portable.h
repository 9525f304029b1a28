/* Vectors of 4 floats for the templates of the kernels, in the compiler's own vector types: every
 * operation is rounded as IEEE 754 has it, a product and a sum each on their own, so that the
 * templates give the same bits on every machine. */
#ifndef VF_KERNELS_PORTABLE_VEC_PORTABLE_H
#define VF_KERNELS_PORTABLE_VEC_PORTABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/kernels_internal.h"
#include "kernels/unroll.h"

#define VEC_FLOATS VF_PANEL_UNIT_PORTABLE
#define TILE_ROWS VF_TILE_ROWS_PORTABLE
#define TILE_VECTORS (VF_PANEL_COLUMNS_PORTABLE / VF_PANEL_UNIT_PORTABLE)

typedef float vec __attribute__((vector_size(VEC_FLOATS * sizeof(float))));
typedef int32_t vec_bits __attribute__((vector_size(VEC_FLOATS * sizeof(int32_t))));
typedef uint32_t vec_words __attribute__((vector_size(VEC_FLOATS * sizeof(uint32_t))));

static inline vec vec_load(const float *p)
{
    vec a;
    memcpy(&a, p, sizeof(a));
    return a;
}

/* The first n floats, 0 < n <= VEC_FLOATS; zeros behind them. */
static inline vec vec_load_first(const float *p, size_t n)
{
    vec a = {0};
    memcpy(&a, p, n * sizeof(*p));
    return a;
}

/* VEC_FLOATS pairs: the first of each, and in `ret_second` the second. */
static inline vec vec_load_pairs(const vf_bf16 *p, vec *ret_second)
{
    uint32_t first[VEC_FLOATS], second[VEC_FLOATS];
    for (size_t i = 0; i < VEC_FLOATS; i++) {
        first[i] = (uint32_t)p[2 * i] << 16;
        second[i] = (uint32_t)p[2 * i + 1] << 16;
    }
    memcpy(ret_second, second, sizeof(second));
    vec a;
    memcpy(&a, first, sizeof(first));
    return a;
}

static inline void vec_store(float *p, vec a)
{
    memcpy(p, &a, sizeof(a));
}

static inline void vec_store_first(float *p, vec a, size_t n)
{
    memcpy(p, &a, n * sizeof(*p));
}

/* a where the bits of `which` are set, and b elsewhere. */
static inline vec vec_select(vec_bits which, vec a, vec b)
{
    return (vec)((which & (vec_bits)a) | (~which & (vec_bits)b));
}

/* The first n floats of a, and b behind them. */
static inline vec vec_join(vec a, vec b, size_t n)
{
    const vec_bits lane = {0, 1, 2, 3};
    return vec_select(lane < (int32_t)n, a, b);
}

static inline vec vec_set(float x)
{
    return (vec){x, x, x, x};
}

static inline vec vec_add(vec a, vec b)
{
    return a + b;
}

static inline vec vec_sub(vec a, vec b)
{
    return a - b;
}

static inline vec vec_mul(vec a, vec b)
{
    return a * b;
}

static inline vec vec_div(vec a, vec b)
{
    return a / b;
}

/* a * b + c, and c - a * b, rounded twice. */
static inline vec vec_fma(vec a, vec b, vec c)
{
    return a * b + c;
}

static inline vec vec_fnma(vec a, vec b, vec c)
{
    return c - a * b;
}

/* sum + a * b, rounded twice. */
static inline vec vec_accumulate(vec sum, vec a, vec b)
{
    return vec_fma(a, b, sum);
}

/* A NaN in b stays. */
static inline vec vec_max(vec a, vec b)
{
    return vec_select(a > b, a, b);
}

static inline vec vec_min(vec a, vec b)
{
    return vec_select(a < b, a, b);
}

/* x, held to +-limit. */
static inline vec vec_clamp(vec x, float limit)
{
    return vec_max(vec_set(-limit), vec_min(vec_set(limit), x));
}

static inline vec vec_abs(vec a)
{
    return (vec)((vec_bits)a & INT32_MAX);
}

static inline float vec_sum(vec a)
{
    return (a[0] + a[2]) + (a[1] + a[3]);
}

static inline float vec_largest(vec a)
{
    vec b = vec_max(a, (vec){a[2], a[3], a[0], a[1]});
    return vec_max(b, (vec){b[1], b[0], b[3], b[2]})[0];
}

/* Splits x into an integer and a fraction in [0, 1) of which `ret_fraction` is set. Below -1000
 * the integer is -1000. */
static inline vec vec_floor(vec x, vec *ret_fraction)
{
    vec bounded = vec_min(vec_max(x, vec_set(-1000)), vec_set(1000)); /* a NaN becomes -1000 */
    vec whole = __builtin_convertvector(__builtin_convertvector(bounded, vec_bits), vec);
    whole = vec_select(whole > bounded, whole - 1, whole);
    *ret_fraction = x - whole;
    return vec_select(x == x, whole, x);
}

/* a * 2^exponent for whole exponents up to 127; 0 where it is below float's normal range. */
static inline vec vec_scale(vec a, vec exponent)
{
    const vec least = vec_set(-126);
    vec_words bits = (vec_words) __builtin_convertvector(vec_max(exponent, least), vec_bits) << 23;
    vec scaled = vec_select(exponent < least, vec_set(0), (vec)((vec_words)a + bits));
    return vec_select(exponent == exponent, scaled, exponent);
}

/* rows[i][j] becomes rows[j][i]. */
static inline void vec_transpose(vec rows[VEC_FLOATS])
{
    vec a = rows[0], b = rows[1], c = rows[2], d = rows[3];
    rows[0] = (vec){a[0], b[0], c[0], d[0]};
    rows[1] = (vec){a[1], b[1], c[1], d[1]};
    rows[2] = (vec){a[2], b[2], c[2], d[2]};
    rows[3] = (vec){a[3], b[3], c[3], d[3]};
}

#endif
