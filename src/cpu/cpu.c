/* Compiled for the baseline, whatever the build machine has: this file decides whether better
 * instructions may run at all. */
#include "cpu/cpu.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>

enum {
    AVX2_FLAGS = VF_TIER_AVX2,
    AVX512_FLAGS = AVX2_FLAGS | VF_TIER_AVX512,
};

static const struct vf_cpu_tier tiers[] = {
    {"ref", VF_TIER_REF, VF_TIER_REF},
    {"avx2", VF_TIER_AVX2, AVX2_FLAGS},
    {"avxvnni", VF_TIER_AVXVNNI, AVX2_FLAGS | VF_TIER_AVXVNNI},
    {"avx512", VF_TIER_AVX512, AVX512_FLAGS},
    {"avx512vnni", VF_TIER_AVX512VNNI, AVX512_FLAGS | VF_TIER_AVX512VNNI},
    {"avx512bf16", VF_TIER_AVX512BF16, AVX512_FLAGS | VF_TIER_AVX512VNNI | VF_TIER_AVX512BF16},
};

/* Intel SDM volume 2A, CPUID, and volume 1, 13.1 (XCR0). */
enum {
    LEAF1_ECX_FMA = 1 << 12,
    LEAF1_ECX_OSXSAVE = 1 << 27,
    LEAF1_ECX_AVX = 1 << 28,
    LEAF1_ECX_F16C = 1 << 29,
    LEAF7_EBX_AVX2 = 1 << 5,
    LEAF7_EBX_AVX512F = 1 << 16,
    LEAF7_EBX_AVX512DQ = 1 << 17,
    LEAF7_EBX_AVX512BW = 1 << 30,
    LEAF7_ECX_AVX512VNNI = 1 << 11,
    LEAF7_1_EAX_AVXVNNI = 1 << 4,
    LEAF7_1_EAX_AVX512BF16 = 1 << 5,
    XCR0_YMM = 0x06, /* SSE, AVX */
    XCR0_ZMM = 0xE6, /* SSE, AVX, opmask, upper halves of ZMM0-15, ZMM16-31 */
};
#define LEAF7_EBX_AVX512VL (1u << 31)

static bool has(unsigned reg, unsigned bits)
{
    return (reg & bits) == bits;
}

/* The register states that the operating system saves. Only valid with OSXSAVE. */
static unsigned read_xcr0(void)
{
    unsigned eax, edx;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

static bool is_intel(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(0, &eax, &ebx, &ecx, &edx) && ebx == signature_INTEL_ebx;
}

unsigned vf_cpu_detect(void)
{
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
        !has(ecx, LEAF1_ECX_OSXSAVE | LEAF1_ECX_AVX | LEAF1_ECX_FMA | LEAF1_ECX_F16C))
        return VF_TIER_REF;
    unsigned xcr0 = read_xcr0();
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) || !has(xcr0, XCR0_YMM) ||
        !has(ebx, LEAF7_EBX_AVX2))
        return VF_TIER_REF;
    unsigned leaf7_1_eax = 0;
    if (eax >= 1) {
        unsigned b, c, d;
        __get_cpuid_count(7, 1, &leaf7_1_eax, &b, &c, &d);
    }
    unsigned flags = VF_TIER_AVX2;
    if (has(leaf7_1_eax, LEAF7_1_EAX_AVXVNNI))
        flags |= VF_TIER_AVXVNNI;
    if (has(xcr0, XCR0_ZMM) && has(ebx, LEAF7_EBX_AVX512F | LEAF7_EBX_AVX512DQ |
                                            LEAF7_EBX_AVX512BW | LEAF7_EBX_AVX512VL)) {
        flags |= VF_TIER_AVX512;
        if (has(ecx, LEAF7_ECX_AVX512VNNI))
            flags |= VF_TIER_AVX512VNNI;
        if (has(leaf7_1_eax, LEAF7_1_EAX_AVX512BF16))
            flags |= VF_TIER_AVX512BF16 | (is_intel() ? VF_CPU_SLOW_BF16 : 0);
    }
    return flags;
}

#elif defined(__aarch64__)

enum {
    DOTPROD_FLAGS = VF_TIER_NEON | VF_TIER_DOTPROD,
    ARMBF16_FLAGS = DOTPROD_FLAGS | VF_TIER_ARMBF16,
};

static const struct vf_cpu_tier tiers[] = {
    {"ref", VF_TIER_REF, VF_TIER_REF},
    {"neon", VF_TIER_NEON, VF_TIER_NEON},
    {"dotprod", VF_TIER_DOTPROD, DOTPROD_FLAGS},
    {"bf16", VF_TIER_ARMBF16, ARMBF16_FLAGS},
    {"i8mm", VF_TIER_I8MM, ARMBF16_FLAGS | VF_TIER_I8MM},
};

#if defined(__APPLE__)

#include <sys/sysctl.h>

static bool has_feature(const char *name)
{
    int value = 0;
    size_t n = sizeof value;
    return sysctlbyname(name, &value, &n, NULL, 0) == 0 && value != 0;
}

static bool has_dotprod(void)
{
    return has_feature("hw.optional.arm.FEAT_DotProd");
}

static bool has_bf16(void)
{
    return has_feature("hw.optional.arm.FEAT_BF16");
}

static bool has_i8mm(void)
{
    return has_feature("hw.optional.arm.FEAT_I8MM");
}

#else

#include <sys/auxv.h>

/* Linux, Documentation/arm64/elf_hwcaps.rst; older C libraries lack the later names. */
#define HWCAP_BIT_ASIMDDP (1ul << 20)
#define HWCAP2_BIT_I8MM (1ul << 13)
#define HWCAP2_BIT_BF16 (1ul << 14)

static bool has_dotprod(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_BIT_ASIMDDP) != 0;
}

static bool has_bf16(void)
{
    return (getauxval(AT_HWCAP2) & HWCAP2_BIT_BF16) != 0;
}

static bool has_i8mm(void)
{
    return (getauxval(AT_HWCAP2) & HWCAP2_BIT_I8MM) != 0;
}

#endif

/* Advanced SIMD is part of the 64-bit baseline. */
unsigned vf_cpu_detect(void)
{
    unsigned flags = VF_TIER_NEON;
    if (!has_dotprod())
        return flags;
    flags |= VF_TIER_DOTPROD;
    if (!has_bf16())
        return flags;
    flags |= VF_TIER_ARMBF16;
    return has_i8mm() ? flags | VF_TIER_I8MM : flags;
}

#else

static const struct vf_cpu_tier tiers[] = {{"ref", VF_TIER_REF, VF_TIER_REF}};

unsigned vf_cpu_detect(void)
{
    return VF_TIER_REF;
}

#endif

enum { N_TIERS = sizeof tiers / sizeof tiers[0] };

const struct vf_cpu_tier *vf_cpu_tiers(size_t *ret_n)
{
    *ret_n = N_TIERS;
    return tiers;
}

const char *vf_cpu_tier_name(unsigned flags)
{
    size_t i = N_TIERS - 1;
    while (i > 0 && !(flags & tiers[i].flag))
        i--;
    return tiers[i].name;
}

int vf_cpu_cap(const char *name, unsigned detected, unsigned *ret, struct vf_err *err)
{
    char names[128];
    size_t used = 0;
    for (size_t i = 0; i < N_TIERS; i++) {
        if (strcmp(tiers[i].name, name) == 0) {
            *ret = detected & (tiers[i].flags | VF_CPU_POLICIES);
            return 0;
        }
        used += (size_t)snprintf(
            names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", tiers[i].name);
    }
    vf_fail(err, VF_ERR_USAGE, "\"%s\" is no instruction set of this architecture", name);
    vf_hint(err, "use one of: %s", names);
    return VF_ERR_USAGE;
}

int vf_cpu_flags(const char *max_isa, unsigned *ret, struct vf_err *err)
{
    const char *variable = max_isa ? NULL : getenv("VECFILL_MAX_ISA");
    if (variable && variable[0] != '\0')
        max_isa = variable;
    if (!max_isa) {
        *ret = vf_cpu_detect();
        return 0;
    }
    int rc = vf_cpu_cap(max_isa, vf_cpu_detect(), ret, err);
    if (rc && max_isa == variable)
        vf_err_prefix(err, "VECFILL_MAX_ISA");
    return rc;
}
