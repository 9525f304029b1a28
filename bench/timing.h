/* Timing of something that can be repeated. */
#ifndef VF_BENCH_TIMING_H
#define VF_BENCH_TIMING_H

#include <stddef.h>

struct timing {
    double best, median; /* seconds of one call */
    size_t samples;
};

/* Calls `run(context)` once to warm up, then in samples of at least 2 ms, for `seconds` in all and
 * at least 5 samples. */
struct timing timing_of(void (*run)(void *context), void *context, double seconds);

#endif
