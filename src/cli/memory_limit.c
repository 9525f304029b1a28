#include "cli/memory_limit.h"

#include <stdio.h>
#include <sys/resource.h>

/* Where the system does not tell more: the most memory so far, of the process or, before it was
 * this program, of the one that started it. */
static uint64_t rusage_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
#ifdef __APPLE__
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

/* What the process holds, now and at most so far. */
static void look(uint64_t *now, uint64_t *peak)
{
    char line[128];
    unsigned long long kib;
    *now = *peak = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmHWM: %llu", &kib) == 1)
            *peak = (uint64_t)kib * 1024;
        else if (sscanf(line, "VmRSS: %llu", &kib) == 1)
            *now = (uint64_t)kib * 1024;
    }
    if (file)
        fclose(file);
    if (*now == 0 || *peak == 0)
        *now = *peak = rusage_bytes();
}

int vf_memory_check(uint64_t limit, uint64_t more, unsigned threads, struct vf_err *err)
{
    uint64_t now, peak;
    look(&now, &peak);
    uint64_t needed = now + more > peak ? now + more : peak;
    if (needed <= limit)
        return 0;
    vf_fail(err, VF_ERR_CONFIG,
        "the run may take %.0f MB of memory, more than --max-memory allows; to load the model took "
        "%.0f MB",
        (double)needed / 1e6, (double)peak / 1e6);
    vf_hint(err,
        "allow more, or give fewer --threads (now %u), a smaller --batch-size or another "
        "--precision",
        threads);
    return VF_ERR_CONFIG;
}
