#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity, sched_setaffinity */
#endif

#include "cpu/cpu_nodes.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t vf_cpu_node_of_worker(
    const struct vf_cpu_node *nodes, size_t n, unsigned worker, unsigned workers)
{
    uint64_t all = 0, before = 0;
    for (size_t i = 0; i < n; i++)
        all += nodes[i].n;
    uint64_t processor = (uint64_t)worker * all / workers;
    for (size_t i = 0; i + 1 < n; i++) {
        before += nodes[i].n;
        if (processor < before)
            return i;
    }
    return n - 1;
}

#if defined(__linux__)

#include <sched.h>

/* Adds the processors of a list such as "0-3,8" that are `allowed`. */
static void read_list(const char *list, const uint64_t *allowed, struct vf_cpu_node *node)
{
    for (char *end; *list; list = end + (*end == ',')) {
        unsigned long first = strtoul(list, &end, 10), last = first;
        if (end == list)
            return;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long i = first; i <= last && i < VF_MAX_PROCESSORS; i++) {
            uint64_t bit = UINT64_C(1) << (i % 64);
            node->n += (allowed[i / 64] & ~node->processors[i / 64] & bit) != 0;
            node->processors[i / 64] |= allowed[i / 64] & bit;
        }
    }
}

static bool read_node(
    const char *root, unsigned number, const uint64_t *allowed, struct vf_cpu_node *node)
{
    char path[PATH_MAX], list[4096];
    int n = snprintf(path, sizeof path, "%s/sys/devices/system/node/node%u/cpulist", root, number);
    FILE *file = n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    *node = (struct vf_cpu_node){0};
    if (fgets(list, sizeof list, file))
        read_list(list, allowed, node);
    fclose(file);
    return node->n > 0;
}

size_t vf_cpu_nodes(const char *root, struct vf_cpu_node nodes[VF_MAX_NODES])
{
    /* Numbers need not be dense, and a node may have memory alone. */
    enum { MAX_NUMBER = 1024 };
    uint64_t allowed[VF_MAX_PROCESSORS / 64] = {0};
    size_t n = 0;
    if (sched_getaffinity(0, sizeof allowed, (cpu_set_t *)allowed))
        return 0;
    for (unsigned number = 0; number < MAX_NUMBER && n < VF_MAX_NODES; number++)
        n += read_node(root, number, allowed, &nodes[n]);
    return n;
}

bool vf_cpu_enter_node(const struct vf_cpu_node *node)
{
    return sched_setaffinity(0, sizeof node->processors, (const cpu_set_t *)node->processors) == 0;
}

#else

size_t vf_cpu_nodes(const char *root, struct vf_cpu_node nodes[VF_MAX_NODES])
{
    (void)root;
    (void)nodes;
    return 0;
}

bool vf_cpu_enter_node(const struct vf_cpu_node *node)
{
    (void)node;
    return false;
}

#endif
