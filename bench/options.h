/* The command line of the benchmarks that run a model. */
#ifndef VF_BENCH_OPTIONS_H
#define VF_BENCH_OPTIONS_H

#include <vecfill/vecfill.h>

struct bench_options {
    struct vf_options model; /* offline */
    const char *json_path, *texts_path;
    double seconds; /* 2 unless given */
};

enum { BENCH_MAX_THREADS = 1024 };

/* Reads the options that `allowed` has a letter of (p precision, t threads, i max-isa, f texts,
 * s seconds, j json), and MODEL. Prints `usage` and ends the program on --help or a mistake. */
struct bench_options bench_options_parse(
    int argc, char **argv, const char *allowed, const char *usage);

#endif
