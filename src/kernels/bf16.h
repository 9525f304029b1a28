/* Single numbers to and from bfloat16. */
#ifndef VF_KERNELS_BF16_H
#define VF_KERNELS_BF16_H

#include "kernels/kernels.h"

#include <string.h>

static inline float vf_bf16_widen(vf_bf16 x)
{
    uint32_t bits = (uint32_t)x << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

/* To the nearest, ties to even; what is larger than all numbers becomes infinite. */
static inline vf_bf16 vf_bf16_round(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (vf_bf16)(bits >> 16 | 0x40); /* quiet, so that no cut payload makes it infinite */
    return (vf_bf16)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

#endif
