#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "cpu/cpu.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)

#include <sched.h>

enum { MAX_PROCESSORS = 1 << 16 };

/* Processors in the affinity mask; 0 when unknown. The kernel refuses a set smaller than its own,
 * hence the doubling. */
static unsigned affinity_count(void)
{
    unsigned count = 0;
    for (int n = 1024; n <= MAX_PROCESSORS && count == 0; n *= 2) {
        cpu_set_t *set = CPU_ALLOC(n);
        if (!set)
            break;
        size_t bytes = CPU_ALLOC_SIZE(n);
        if (sched_getaffinity(0, bytes, set) == 0)
            count = (unsigned)CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
    }
    return count;
}

#else

static unsigned affinity_count(void)
{
    return 0;
}

#endif

static bool read_line(const char *directory, const char *name, char *line, size_t size)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = n > 0 && (size_t)n < sizeof path ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    bool found = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return found;
}

/* Microseconds of processor time per period as processors; anything but two positive numbers is
 * no quota (version 2 says "max", version 1 says -1). */
static unsigned to_processors(const char *quota, const char *period)
{
    char *end;
    long long q = strtoll(quota, &end, 10);
    if (end == quota)
        return 0;
    long long p = strtoll(period, &end, 10);
    if (end == period || q <= 0 || p <= 0)
        return 0;
    long long processors = q / p + (q % p != 0);
    return processors < UINT_MAX ? (unsigned)processors : 0;
}

/* The smaller of two quotas, where 0 is none. */
static unsigned tighter(unsigned a, unsigned b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The quota of one control group, 0 when it has none. */
static unsigned group_quota(const char *directory)
{
    char quota[64], period[64];
    if (read_line(directory, "cpu.max", quota, sizeof quota)) {
        const char *space = strchr(quota, ' ');
        return space ? to_processors(quota, space + 1) : 0;
    }
    if (read_line(directory, "cpu.cfs_quota_us", quota, sizeof quota) &&
        read_line(directory, "cpu.cfs_period_us", period, sizeof period))
        return to_processors(quota, period);
    return 0;
}

/* The smallest quota from the group `path` below `mount` up to `mount` itself. A path that is not
 * visible here, as in a container that sees only its own group, counts from its visible parent. */
static unsigned smallest_quota(const char *mount, const char *path)
{
    char directory[PATH_MAX];
    size_t n_mount = strlen(mount);
    int n = snprintf(directory, sizeof directory, "%s%s", mount, path);
    if (n < 0 || (size_t)n >= sizeof directory)
        return 0;
    unsigned smallest = 0;
    for (;;) {
        smallest = tighter(smallest, group_quota(directory));
        char *slash = strrchr(directory + n_mount, '/');
        if (!slash)
            return smallest;
        *slash = '\0';
    }
}

/* True when the comma-separated `list` names the controller "cpu". */
static bool names_cpu(const char *list)
{
    for (const char *p = list; p; p = strchr(p, ',')) {
        p += *p == ',';
        if (strncmp(p, "cpu", 3) == 0 && (p[3] == ',' || p[3] == '\0'))
            return true;
    }
    return false;
}

unsigned vf_cpu_quota(const char *root)
{
    char path[PATH_MAX], line[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    unsigned smallest = 0;
    /* Lines are "hierarchy:controllers:path"; version 2 has no controllers. */
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        controllers++;
        *group++ = '\0';
        if (*controllers != '\0' && !names_cpu(controllers))
            continue;
        snprintf(path, sizeof path, "%s/sys/fs/cgroup%s", root, *controllers ? "/cpu" : "");
        smallest = tighter(smallest, smallest_quota(path, group));
    }
    fclose(file);
    return smallest;
}

unsigned vf_cpu_threads(void)
{
    unsigned threads = affinity_count();
    if (threads == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        threads = online > 0 ? (unsigned)online : 1;
    }
    unsigned quota = vf_cpu_quota("");
    return quota > 0 && quota < threads ? quota : threads;
}
