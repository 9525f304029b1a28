/* Arithmetic on sizes that come from outside: true when the result fits and was stored. */
#ifndef VF_BASE_CHECKED_H
#define VF_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool vf_size_add(size_t a, size_t b, size_t *ret)
{
    return !__builtin_add_overflow(a, b, ret);
}

static inline bool vf_size_mul(size_t a, size_t b, size_t *ret)
{
    return !__builtin_mul_overflow(a, b, ret);
}

/* Rounds `n` up to a multiple of `unit`, a power of two. */
static inline bool vf_size_round_up(size_t n, size_t unit, size_t *ret)
{
    if (!vf_size_add(n, unit - 1, &n))
        return false;
    *ret = n & ~(unit - 1);
    return true;
}

#endif
