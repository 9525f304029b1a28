#include "timing.h"

#include "base/clock.h"

#include <stdlib.h>

enum { MIN_SAMPLES = 5, MAX_SAMPLES = 1000 };

#define SAMPLE_SECONDS 2e-3

static double seconds_of(void (*run)(void *), void *context, size_t calls)
{
    int64_t begin = vf_now_ns();
    for (size_t i = 0; i < calls; i++)
        run(context);
    return vf_seconds_since(begin);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct timing timing_of(void (*run)(void *), void *context, double seconds)
{
    size_t calls = 1;
    while (seconds_of(run, context, calls) < SAMPLE_SECONDS)
        calls *= 2;
    double samples[MAX_SAMPLES];
    size_t n = 0;
    int64_t begin = vf_now_ns();
    while (n < MAX_SAMPLES && (n < MIN_SAMPLES || vf_seconds_since(begin) < seconds))
        samples[n++] = seconds_of(run, context, calls) / (double)calls;
    qsort(samples, n, sizeof samples[0], compare);
    return (struct timing){.best = samples[0], .median = samples[n / 2], .samples = n};
}
