#include "options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_precision(const char *name, enum vf_precision *ret)
{
    static const char *const names[] = {
        [VF_PRECISION_FP32] = "fp32", [VF_PRECISION_BF16] = "bf16", [VF_PRECISION_INT8] = "int8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum vf_precision)i;
            return true;
        }
    return false;
}

/* One option; false when its argument makes no sense. */
static bool set(struct bench_options *options, int option)
{
    char *end = NULL;
    unsigned long threads;
    switch (option) {
    case 't':
        threads = strtoul(optarg, &end, 10);
        options->model.threads = (unsigned)threads;
        return *end == '\0' && threads >= 1 && threads <= BENCH_MAX_THREADS;
    case 's':
        options->seconds = strtod(optarg, &end);
        return *end == '\0' && options->seconds > 0;
    case 'p':
        return parse_precision(optarg, &options->model.precision);
    case 'i':
        options->model.max_isa = optarg;
        return true;
    case 'f':
        options->texts_path = optarg;
        return true;
    case 'j':
        options->json_path = optarg;
        return true;
    }
    return false;
}

struct bench_options bench_options_parse(
    int argc, char **argv, const char *allowed, const char *usage)
{
    static const struct option known[] = {{"threads", required_argument, NULL, 't'},
        {"max-isa", required_argument, NULL, 'i'}, {"seconds", required_argument, NULL, 's'},
        {"json", required_argument, NULL, 'j'}, {"precision", required_argument, NULL, 'p'},
        {"texts", required_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct bench_options options = {.seconds = 2};
    vf_options_init(&options.model);
    options.model.offline = true;
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (option == 'h' || !strchr(allowed, option) || !set(&options, option)) {
            fputs(usage, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        exit(2);
    }
    options.model.model = argv[optind];
    return options;
}
