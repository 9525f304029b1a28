/* Runs the tests of every slot of the kernel table for the portable kernels and for each tier of
 * this machine up to VECFILL_MAX_ISA. A tier that fills no slot is passed over. */
#include "cpu/cpu.h"
#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/kernel_tests.h"
#include "kernels/portable_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    CMUnitTestFunction run;
} kernel_tests[] = {
#define VF_LIST_KERNEL_TEST(name) {#name, name},
    VF_KERNEL_TESTS(VF_LIST_KERNEL_TEST)};

static int run_tier(struct vf_kernels *kernels)
{
    struct CMUnitTest tests[VF_COUNT(kernel_tests)];
    char names[VF_COUNT(kernel_tests)][96];
    for (size_t i = 0; i < VF_COUNT(kernel_tests); i++) {
        snprintf(names[i], sizeof names[i], "%s: %s", kernels->tier, kernel_tests[i].name);
        tests[i] = (struct CMUnitTest){
            .name = names[i], .test_func = kernel_tests[i].run, .initial_state = kernels};
    }
    return _cmocka_run_group_tests(kernels->tier, tests, VF_COUNT(tests), NULL, NULL);
}

static int run_portable(unsigned flags)
{
    struct vf_kernels kernels;
    vf_kernels_init_portable(&kernels, flags);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(portable_linear_has_the_same_bits, &kernels),
        cmocka_unit_test_prestate(portable_activations_have_the_same_bits, &kernels),
    };
    int failed = cmocka_run_group_tests_name("portable", tests, NULL, NULL);
    return flags == 0 ? failed + run_tier(&kernels)
                      : failed; /* what has the same bits is as good */
}

int main(void)
{
    unsigned flags;
    struct vf_err err;
    if (vf_cpu_flags(NULL, &flags, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    size_t n_tiers;
    const struct vf_cpu_tier *tiers = vf_cpu_tiers(&n_tiers);
    int failed = run_portable(0);
    for (size_t i = 0; i < n_tiers; i++) {
        struct vf_kernels kernels;
        vf_kernels_init(&kernels, flags & tiers[i].flags);
        if (strcmp(kernels.tier, tiers[i].name) == 0)
            failed += run_tier(&kernels) + run_portable(flags & tiers[i].flags);
    }
    return failed != 0;
}
