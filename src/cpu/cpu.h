/* What this processor can do, as named tiers, and how many threads this process may run.
 *
 * A tier is a bundle of instruction sets that kernels are written for. It counts only when every
 * instruction of it is there and the operating system saves its registers. Each tier includes
 * lower ones (its `flags`), so that the best kernel of a table is found by walking upward.
 *
 * Thread rule: everything here may be called from any thread at any time.
 */
#ifndef VF_CPU_CPU_H
#define VF_CPU_CPU_H

#include "base/error.h"

#include <stddef.h>

enum vf_cpu_flag {
    VF_TIER_REF = 0, /* portable C; every machine has it */

    /* x86-64 */
    VF_TIER_AVX2 = 1u << 0,       /* AVX2, FMA, F16C; YMM saved */
    VF_TIER_AVXVNNI = 1u << 1,    /* AVX2 and the VEX-coded int8 dot product */
    VF_TIER_AVX512 = 1u << 2,     /* AVX2 and AVX-512 F, BW, DQ, VL; ZMM and opmasks saved */
    VF_TIER_AVX512VNNI = 1u << 3, /* AVX512 and its int8 dot product */
    VF_TIER_AVX512BF16 = 1u << 4, /* AVX512 and its bfloat16 dot product */

    /* 64-bit Arm */
    VF_TIER_NEON = 1u << 8,     /* Advanced SIMD with FMA */
    VF_TIER_DOTPROD = 1u << 9,  /* NEON and SDOT, UDOT */
    VF_TIER_ARMBF16 = 1u << 10, /* DOTPROD and BFDOT, BFMMLA */
    VF_TIER_I8MM = 1u << 11,    /* ARMBF16 and SMMLA, USMMLA */

    /* Policy: not what the processor can do but what serves it. Where there are 512-bit registers
     * they are used, also where they lower the clock: kernels run long, and gain even so. */

    /* Intel's AVX512BF16 does a dot product of 32 pairs in two cycles, in which its multiply-adds
     * of floats do 64: bfloat16 is then better widened. AMD's does 32 or 64 a cycle. */
    VF_CPU_SLOW_BF16 = 1u << 16,

    VF_CPU_POLICIES = VF_CPU_SLOW_BF16
};

struct vf_cpu_tier {
    const char *name; /* e.g. "avx512"; what VECFILL_MAX_ISA and vf_cpu_cap() take */
    unsigned flag;    /* VF_TIER_… */
    unsigned flags;   /* `flag` and those of the tiers that it includes */
};

/* The tiers of this architecture from VF_TIER_REF upward; static storage. */
const struct vf_cpu_tier *vf_cpu_tiers(size_t *ret_n);

/* The name of the highest tier among `flags`; static storage. */
const char *vf_cpu_tier_name(unsigned flags);

/* The flags of the machine that runs this. Never fails. */
unsigned vf_cpu_detect(void);

/* Leaves of `detected` what the tier `name` includes; policy stays. A cap only lowers: naming a
 * tier that the machine lacks gives what it has. A name that is no tier of this architecture is
 * VF_ERR_USAGE, and the hint lists the names. */
VF_MUST_CHECK int vf_cpu_cap(
    const char *name, unsigned detected, unsigned *ret, struct vf_err *err);

/* What kernels may use: vf_cpu_detect() capped by `max_isa`, or when that is NULL by the
 * environment variable VECFILL_MAX_ISA, unless it is unset or empty. Errors as vf_cpu_cap(). */
VF_MUST_CHECK int vf_cpu_flags(const char *max_isa, unsigned *ret, struct vf_err *err);

/* Threads that can run at once: processors of the affinity mask, no more than the control group's
 * quota, at least 1. */
unsigned vf_cpu_threads(void);

/* The smallest quota of processor time on the way from this process's control group to the root,
 * in processors, rounded up; 0 when there is none. Versions 1 and 2. `root` is put before /proc
 * and /sys; "" in earnest, a directory with a made-up tree in tests. */
unsigned vf_cpu_quota(const char *root);

#endif
