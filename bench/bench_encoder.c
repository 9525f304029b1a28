/* Measures the encoder in tokens/s for sequences of one length, and as a part of the peak that
 * loops of multiply-adds on registers reach on the same threads in the same run.
 *
 * Operations counted for a token of a sequence of s, hidden size h and inner size i, in each
 * layer: 2 (4 h^2 + 2 h i) in the linear maps and 4 s h in attention. */
#include "base/clock.h"
#include "base/error.h"
#include "cpu/cpu.h"
#include "encoder/encoder.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "timing.h"

#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_PER_THREAD = 4096, PEAK_ROUNDS = 2000000, PEAK_TRIES = 8, MAX_THREADS = 1024 };

static const size_t lengths[] = {16, 64, 128, 256, 512};

struct options {
    const char *max_isa, *json_path, *directory;
    enum vf_precision precision;
    unsigned threads;
    double seconds;
};

struct bench {
    struct vf_kernels kernels;
    struct vf_encoder *encoder;
    const struct vf_model_config *config;
    unsigned threads;
    double peak;                       /* GFLOP/s, the highest so far */
    struct vf_sequence_ref *sequences; /* of one length */
    size_t n_sequences;
    int rc; /* of the last run */
    struct vf_err err;
};

static void run(void *context)
{
    struct bench *b = context;
    if (b->rc == 0)
        b->rc = vf_encoder_run(b->encoder, b->sequences, b->n_sequences, &b->err);
}

static void *run_peak(void *context)
{
    const struct bench *b = context;
    b->kernels.peak_f32(PEAK_ROUNDS);
    return NULL;
}

/* Runs the peak on all threads at once, counting from the first's start to the last's end. */
static void update_peak(struct bench *b)
{
    pthread_t threads[MAX_THREADS];
    double operations = b->kernels.peak_f32(1) * PEAK_ROUNDS;
    for (int i = 0; i < PEAK_TRIES; i++) {
        unsigned n = 0;
        int64_t begin = vf_now_ns();
        while (n < b->threads && pthread_create(&threads[n], NULL, run_peak, b) == 0)
            n++;
        for (unsigned t = 0; t < n; t++)
            pthread_join(threads[t], NULL);
        double gflops = 1e-9 * operations * n / vf_seconds_since(begin);
        b->peak = gflops > b->peak ? gflops : b->peak;
    }
}

/* Of the linear maps, and of attention over a whole text. */
static double flops_per_token(const struct vf_network *n, size_t length)
{
    double hidden = (double)n->hidden_size, inner = (double)n->intermediate_size;
    double query = (double)(n->heads * n->head_size), key = (double)(n->kv_heads * n->head_size);
    double weights = hidden * (2 * query + 2 * key) + (n->gated ? 3 : 2) * hidden * inner;
    return (double)n->layers * (2 * weights + 4 * (double)length * query);
}

/* Sequences of `length` pseudo-random ids, with room for their vectors; 0 or -1. */
static int prepare(struct bench *b, size_t length, int32_t **ret_ids, float **ret_vectors)
{
    size_t n = (TOKENS_PER_THREAD * b->threads + length - 1) / length;
    *ret_ids = malloc(n * length * sizeof **ret_ids);
    *ret_vectors = malloc(n * b->config->network.hidden_size * sizeof **ret_vectors);
    b->sequences = malloc(n * sizeof *b->sequences);
    if (!*ret_ids || !*ret_vectors || !b->sequences)
        return -1;
    for (size_t i = 0; i < n * length; i++)
        (*ret_ids)[i] = (int32_t)(i * 2654435761u % b->config->network.vocab_size);
    for (size_t i = 0; i < n; i++)
        b->sequences[i] = (struct vf_sequence_ref){.ids = *ret_ids + i * length,
            .n = length,
            .vector = *ret_vectors + i * b->config->network.hidden_size};
    b->n_sequences = n;
    return 0;
}

/* Measures one length and appends it to `results`; 0 or -1 with b->err set. */
static int measure(struct bench *b, size_t length, double seconds, json_t *results)
{
    int32_t *ids = NULL;
    float *vectors = NULL;
    int status = -1;
    if (prepare(b, length, &ids, &vectors)) {
        vf_fail_memory(&b->err, "the sequences");
        goto out;
    }
    update_peak(b);
    struct timing timing = timing_of(run, b, seconds);
    update_peak(b);
    if (b->rc)
        goto out;
    double tokens = (double)(b->n_sequences * length);
    double best = tokens / timing.best, median = tokens / timing.median;
    double gflops = 1e-9 * best * flops_per_token(&b->config->network, length);
    printf("%8zu %10.0f %10.0f %9.1f %8.1f %6.1f %%\n", length, best, median, gflops, b->peak,
        100 * gflops / b->peak);
    fflush(stdout);
    json_array_append_new(results,
        json_pack("{s:i, s:f, s:f, s:f, s:f}", "tokens", (int)length, "tokens_per_second", best,
            "tokens_per_second_median", median, "gflops", gflops, "gflops_peak", b->peak));
    status = 0;
out:
    free(ids);
    free(vectors);
    free(b->sequences);
    return status;
}

static int measure_all(struct bench *b, const struct options *options, size_t max_tokens)
{
    json_t *results = json_array();
    int status = 0;
    printf("%8s %10s %10s %9s %8s\n", "tokens", "tok/s", "median", "GFLOP/s", "peak");
    for (size_t i = 0; status == 0 && i < sizeof lengths / sizeof lengths[0]; i++)
        if (lengths[i] <= max_tokens)
            status = measure(b, lengths[i], options->seconds, results);
    json_t *report = json_pack("{s:s, s:i, s:o}", "isa", vf_encoder_isa(b->encoder), "threads",
        (int)b->threads, "lengths", results);
    if (status == 0 && options->json_path &&
        json_dump_file(report, options->json_path, JSON_INDENT(2)) != 0)
        status = vf_fail(&b->err, VF_ERR_IO, "cannot write %s", options->json_path);
    json_decref(report);
    return status;
}

static int run_bench(const struct options *options)
{
    struct bench b = {.threads = options->threads};
    struct vf_model *model = NULL;
    unsigned flags;
    int rc = 0;
    VF_TRY(vf_cpu_flags(options->max_isa, &flags, &b.err));
    vf_kernels_init(&b.kernels, flags);
    VF_TRY(vf_model_open(options->directory, NULL, true, &model, &b.err));
    b.config = vf_model_config(model);
    struct vf_encoder_options encoder_options = {.threads = options->threads,
        .precision = options->precision,
        .max_isa = options->max_isa,
        .max_tokens = b.config->network.max_positions};
    int64_t begin = vf_now_ns();
    VF_TRY(vf_encoder_new(model, &encoder_options, &b.encoder, &b.err));
    printf("%s, %u threads; packed in %.0f ms: %.1f MB of weights, %.1f MB a thread\n",
        vf_encoder_isa(b.encoder), b.threads, 1e3 * vf_seconds_since(begin),
        1e-6 * (double)vf_encoder_weight_bytes(b.encoder),
        1e-6 * (double)vf_encoder_worker_bytes(b.encoder));
    VF_TRY(measure_all(&b, options, b.config->network.max_positions));
out:
    if (rc)
        fprintf(stderr, "bench_encoder: %s\n", b.err.msg);
    vf_encoder_free(b.encoder);
    vf_model_close(model);
    return rc ? 1 : 0;
}

static const char usage[] =
    "usage: bench_encoder [OPTION ...] DIRECTORY\n"
    "  --precision P   fp32 or bf16, default fp32\n"
    "  --threads N     worker threads, default as many as this process may use\n"
    "  --max-isa TIER  highest instruction set, e.g. avx2\n"
    "  --seconds S     time for each length, default 2\n"
    "  --json FILE     write the figures to FILE as well\n"
    "DIRECTORY holds config.json, model.safetensors and the rest of a model.\n";

/* Returns the exit status to end with, or -1 to go on. */
static int parse(int argc, char **argv, struct options *ret)
{
    static const struct option known[] = {{"threads", required_argument, NULL, 't'},
        {"max-isa", required_argument, NULL, 'i'}, {"seconds", required_argument, NULL, 's'},
        {"json", required_argument, NULL, 'j'}, {"precision", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        char *end = NULL;
        unsigned long threads = 0;
        bool bad = option == '?';
        if (option == 't') {
            threads = strtoul(optarg, &end, 10);
            bad = *end != '\0' || threads < 1 || threads > MAX_THREADS;
            ret->threads = (unsigned)threads;
        } else if (option == 's') {
            ret->seconds = strtod(optarg, &end);
            bad = *end != '\0' || !(ret->seconds > 0);
        } else if (option == 'p') {
            bad = strcmp(optarg, "fp32") != 0 && strcmp(optarg, "bf16") != 0;
            ret->precision = optarg[0] == 'b' ? VF_PRECISION_BF16 : VF_PRECISION_FP32;
        } else if (option == 'i') {
            ret->max_isa = optarg;
        } else if (option == 'j') {
            ret->json_path = optarg;
        }
        if (bad || option == 'h') {
            fputs(usage, bad ? stderr : stdout);
            return bad ? 2 : 0;
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return 2;
    }
    ret->directory = argv[optind];
    return -1;
}

int main(int argc, char **argv)
{
    struct options options = {.threads = vf_cpu_threads(), .seconds = 2};
    int status = parse(argc, argv, &options);
    return status >= 0 ? status : run_bench(&options);
}
