#if defined(__linux__)
#define _GNU_SOURCE /* sched_setaffinity */
#endif

#include "cpu/cpu.h"
#include "cpu/cpu_nodes.h"

#include "harness.h"
#include "unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sched.h>
#endif

static void each_tier_includes_itself_and_only_lower_ones(void **state)
{
    (void)state;
    size_t n;
    const struct vf_cpu_tier *tiers = vf_cpu_tiers(&n);
    unsigned lower = VF_TIER_REF;
    assert_int_equal(tiers[0].flag, VF_TIER_REF);
    assert_int_equal(tiers[0].flags, VF_TIER_REF);
    for (size_t i = 0; i < n; i++) {
        vf_check((tiers[i].flags & ~lower) == tiers[i].flag, "%s: flags %#x", tiers[i].name,
            tiers[i].flags);
        vf_check(strcmp(vf_cpu_tier_name(tiers[i].flags | VF_CPU_POLICIES), tiers[i].name) == 0,
            "%s: highest tier of its flags", tiers[i].name);
        lower |= tiers[i].flags;
    }
}

static void detection_is_closed(void **state)
{
    (void)state;
    unsigned flags = vf_cpu_detect();
    size_t n;
    const struct vf_cpu_tier *tiers = vf_cpu_tiers(&n);
    unsigned known = VF_CPU_POLICIES;
    for (size_t i = 0; i < n; i++) {
        known |= tiers[i].flags;
        if (flags & tiers[i].flag)
            vf_check((flags & tiers[i].flags) == tiers[i].flags, "%s without what it includes: %#x",
                tiers[i].name, flags);
    }
    assert_int_equal(flags & ~known, 0);
}

static void a_cap_only_lowers(void **state)
{
    (void)state;
    size_t n;
    const struct vf_cpu_tier *tiers = vf_cpu_tiers(&n);
    for (size_t machine = 0; machine < n; machine++) {
        for (size_t cap = 0; cap < n; cap++) {
            unsigned detected = tiers[machine].flags | VF_CPU_POLICIES, flags = 0;
            assert_int_equal(vf_cpu_cap(tiers[cap].name, detected, &flags, NULL), 0);
            vf_check(flags == ((tiers[machine].flags & tiers[cap].flags) | VF_CPU_POLICIES),
                "%s capped by %s: %#x", tiers[machine].name, tiers[cap].name, flags);
        }
    }
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "AVX2",
        "avx",
        "avx2 ",
        "avx5122",
        "sse2",
        "native",
#if defined(__x86_64__)
        "neon"
#else
        "avx2"
#endif
    };
    size_t n;
    const struct vf_cpu_tier *tiers = vf_cpu_tiers(&n);
    for (size_t i = 0; i < VF_COUNT(names); i++) {
        unsigned flags = 77;
        struct vf_err err = {0};
        int rc = vf_cpu_cap(names[i], 0, &flags, &err);
        vf_check(rc == VF_ERR_USAGE && err.code == rc && flags == 77, "\"%s\": %d", names[i], rc);
        vf_check(strstr(err.msg, names[i]), "\"%s\": \"%s\"", names[i], err.msg);
        for (size_t t = 0; t < n; t++)
            vf_check(
                strstr(err.hint, tiers[t].name), "\"%s\": hint lacks %s", names[i], tiers[t].name);
    }
}

static void option_and_variable_cap(void **state)
{
    (void)state;
    static const struct {
        const char *name, *option, *variable;
        int rc;
        int capped; /* to VF_TIER_REF */
    } cases[] = {
        {"neither", NULL, NULL, 0, 0},
        {"empty variable", NULL, "", 0, 0},
        {"variable", NULL, "ref", 0, 1},
        {"unknown variable", NULL, "fast", VF_ERR_USAGE, 0},
        {"option", "ref", NULL, 0, 1},
        {"unknown option", "fast", NULL, VF_ERR_USAGE, 0},
        {"empty option", "", NULL, VF_ERR_USAGE, 0},
        {"option before variable", "ref", "fast", 0, 1},
    };
    unsigned detected = vf_cpu_detect();
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        if (cases[i].variable)
            setenv("VECFILL_MAX_ISA", cases[i].variable, 1);
        else
            unsetenv("VECFILL_MAX_ISA");
        unsigned flags = 77;
        struct vf_err err = {0};
        int rc = vf_cpu_flags(cases[i].option, &flags, &err);
        vf_check(rc == cases[i].rc, "%s: %d", cases[i].name, rc);
        unsigned want = rc ? 77 : cases[i].capped ? detected & VF_CPU_POLICIES : detected;
        vf_check(flags == want, "%s: %#x", cases[i].name, flags);
        vf_check((strstr(err.msg, "VECFILL_MAX_ISA") != NULL) == (rc != 0 && !cases[i].option),
            "%s: \"%s\"", cases[i].name, err.msg);
    }
    unsetenv("VECFILL_MAX_ISA");
}

#define PROC "proc/self/cgroup"
#define V1 "sys/fs/cgroup/cpu/"
#define V2 "sys/fs/cgroup/"

static void quotas_of_control_groups(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned quota;
        const char *files[9][2]; /* path and content; ends with NULL */
    } cases[] = {
        {"no control groups", 0, {{"etc/hosts", ""}}},
        {"v2: none set", 0, {{PROC, "0::/\n"}, {V2 "cpu.max", "max 100000\n"}}},
        {"v2: root group has no file", 0, {{PROC, "0::/\n"}, {V2 "cgroup.procs", ""}}},
        {"v2: two processors", 2, {{PROC, "0::/\n"}, {V2 "cpu.max", "200000 100000\n"}}},
        {"v2: rounded up", 2, {{PROC, "0::/\n"}, {V2 "cpu.max", "100001 100000\n"}}},
        {"v2: a tenth", 1, {{PROC, "0::/\n"}, {V2 "cpu.max", "10000 100000\n"}}},
        {"v2: own group", 3, {{PROC, "0::/a/b\n"}, {V2 "a/b/cpu.max", "300000 100000\n"}}},
        {"v2: a parent is tighter", 2,
            {{PROC, "0::/a/b\n"}, {V2 "a/b/cpu.max", "300000 100000\n"},
                {V2 "a/cpu.max", "150000 100000\n"}, {V2 "cpu.max", "max 100000\n"}}},
        {"v2: another group's", 0, {{PROC, "0::/a\n"}, {V2 "b/cpu.max", "100000 100000\n"}}},
        {"v2: group seen from within a container", 4,
            {{PROC, "0::/docker/0123\n"}, {V2 "cpu.max", "400000 100000\n"}}},
        {"v1: none set", 0,
            {{PROC, "3:cpu,cpuacct:/\n"}, {V1 "cpu.cfs_quota_us", "-1\n"},
                {V1 "cpu.cfs_period_us", "100000\n"}}},
        {"v1: two and a half", 3,
            {{PROC, "4:memory:/x\n3:cpu,cpuacct:/a\n"}, {V1 "a/cpu.cfs_quota_us", "125000\n"},
                {V1 "a/cpu.cfs_period_us", "50000\n"}}},
        {"v1: alone", 1,
            {{PROC, "1:cpu:/\n0::/\n"}, {V1 "cpu.cfs_quota_us", "50000\n"},
                {V1 "cpu.cfs_period_us", "100000\n"}}},
        {"v1: cpuset and cpuacct are other controllers", 0,
            {{PROC, "2:cpuset:/\n1:cpuacct:/\n"}, {V1 "cpu.cfs_quota_us", "50000\n"},
                {V1 "cpu.cfs_period_us", "100000\n"}}},
        {"v1: no period", 0, {{PROC, "1:cpu:/\n"}, {V1 "cpu.cfs_quota_us", "50000\n"}}},
        {"nonsense", 0, {{PROC, "0::/\nx\n:\n::\n"}, {V2 "cpu.max", "much\n"}}},
        {"negative", 0, {{PROC, "0::/\n"}, {V2 "cpu.max", "-5 100000\n"}}},
        {"no period at all", 0, {{PROC, "0::/\n"}, {V2 "cpu.max", "100000 0\n"}}},
        {"more than there can be", 0,
            {{PROC, "0::/\n"}, {V2 "cpu.max", "9223372036854775807 1\n"}}},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct scratch root;
        scratch_init(&root);
        for (size_t f = 0; cases[i].files[f][0]; f++)
            scratch_write(
                &root, cases[i].files[f][0], cases[i].files[f][1], strlen(cases[i].files[f][1]));
        unsigned quota = vf_cpu_quota(root.path);
        scratch_release(&root);
        vf_check(quota == cases[i].quota, "%s: %u", cases[i].name, quota);
    }
}

static void threads_keep_to_the_affinity_mask(void **state)
{
    (void)state;
    assert_true(vf_cpu_threads() >= 1);
#if defined(__linux__)
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_true(vf_cpu_threads() <= (unsigned)CPU_COUNT(&all));
    int first = 0;
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(vf_cpu_threads(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
#endif
}

#if defined(__linux__)

#define NODE "sys/devices/system/node/"

static void nodes_have_the_processors_of_the_affinity_mask(void **state)
{
    (void)state;
    cpu_set_t all;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    int first = 0;
    while (!CPU_ISSET(first, &all))
        first++;
    const char *every = "0-8191\n";
    char one[32];
    snprintf(one, sizeof one, "%d-%d\n", first, first);
    const struct {
        const char *name;
        size_t n;             /* nodes */
        unsigned processors;  /* of the first */
        const char *lists[4]; /* cpulist of nodes 0, 2, 4 and 6; NULL: no such node */
    } cases[] = {
        {"no nodes told", 0, 0, {NULL}},
        {"one node", 1, (unsigned)CPU_COUNT(&all), {every}},
        {"one of memory alone", 1, (unsigned)CPU_COUNT(&all), {"\n", every}},
        {"one outside of the mask", 1, 1, {one, "8190-8191\n"}},
        {"two", 2, 1, {one, every}},
        {"the same twice in a list", 1, (unsigned)CPU_COUNT(&all), {"0-4095,0-17,3\n"}},
        {"nonsense", 0, 0, {"x\n", "-\n", ",,\n"}},
        {"numbers beyond any machine", 0, 0, {"99999999999999999999-5,70000\n"}},
    };
    struct vf_cpu_node *nodes = calloc(VF_MAX_NODES, sizeof(*nodes));
    assert_non_null(nodes);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct scratch root;
        scratch_init(&root);
        for (int k = 0; k < 4 && cases[i].lists[k]; k++) {
            char name[64];
            snprintf(name, sizeof name, NODE "node%d/cpulist", 2 * k);
            scratch_write(&root, name, cases[i].lists[k], strlen(cases[i].lists[k]));
        }
        size_t n = vf_cpu_nodes(root.path, nodes);
        scratch_release(&root);
        vf_check(n == cases[i].n, "%s: %zu nodes", cases[i].name, n);
        vf_check(n == 0 || nodes[0].n == cases[i].processors, "%s: %u processors", cases[i].name,
            nodes[0].n);
    }
    free(nodes);
}

static void a_thread_keeps_to_its_node(void **state)
{
    (void)state;
    cpu_set_t all;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &all))
        last--;
    struct vf_cpu_node node = {.n = 1};
    node.processors[last / 64] = UINT64_C(1) << (last % 64);
    assert_true(vf_cpu_enter_node(&node));
    assert_int_equal(sched_getcpu(), last);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    struct vf_cpu_node none = {0};
    assert_false(vf_cpu_enter_node(&none));
}

#endif

static void workers_are_spread_over_nodes(void **state)
{
    (void)state;
    static const struct {
        unsigned processors[3], workers;
        const char *nodes; /* of each worker */
    } cases[] = {
        {{4}, 6, "000000"},
        {{4, 4}, 8, "00001111"},
        {{4, 4}, 2, "01"},
        {{4, 4}, 1, "0"},
        {{4, 4}, 3, "001"},
        {{2, 6}, 4, "0111"},
        {{1, 1, 2}, 8, "00112222"},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_cpu_node nodes[3] = {{0}};
        size_t n = 0;
        for (; n < VF_COUNT(nodes) && cases[i].processors[n]; n++)
            nodes[n].n = cases[i].processors[n];
        for (unsigned w = 0; w < cases[i].workers; w++) {
            size_t node = vf_cpu_node_of_worker(nodes, n, w, cases[i].workers);
            vf_check(node == (size_t)(cases[i].nodes[w] - '0'), "case %zu: worker %u on node %zu",
                i, w, node);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tier_includes_itself_and_only_lower_ones),
        cmocka_unit_test(detection_is_closed),
        cmocka_unit_test(a_cap_only_lowers),
        cmocka_unit_test(unknown_names_are_refused),
        cmocka_unit_test(option_and_variable_cap),
        cmocka_unit_test(quotas_of_control_groups),
        cmocka_unit_test(threads_keep_to_the_affinity_mask),
#if defined(__linux__)
        cmocka_unit_test(nodes_have_the_processors_of_the_affinity_mask),
        cmocka_unit_test(a_thread_keeps_to_its_node),
#endif
        cmocka_unit_test(workers_are_spread_over_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
