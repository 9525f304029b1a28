/* Monotonic time for durations and rates; never for dates. */
#ifndef VF_BASE_CLOCK_H
#define VF_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t vf_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline double vf_seconds_since(int64_t begin_ns)
{
    return (double)(vf_now_ns() - begin_ns) * 1e-9;
}

#endif
