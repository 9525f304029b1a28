/* Measures the encoder in tokens/s, for sequences of one length and for texts, and as a part of the
 * peak that loops of the precision's multiply-adds on registers reach on the same threads in the
 * same run.
 *
 * Operations counted for a token of a sequence of s, hidden size h and inner size i, in each
 * layer: 2 (4 h^2 + 2 h i) in the linear maps and 4 s h in attention. */
#include "base/clock.h"
#include "corpus.h"
#include "cpu/cpu.h"
#include "kernels/kernels.h"
#include "options.h"
#include "timing.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_PER_THREAD = 1024, PEAK_ROUNDS = 2000000, PEAK_TRIES = 8 };

static const size_t lengths[] = {16, 64, 128, 256, 512};

struct bench {
    struct vf_kernels kernels;
    vf_peak_fn *peak_of_precision;
    struct vf_embedder *embedder;
    const struct vf_model_info *info;
    double peak, seconds; /* GFLOP/s, the highest so far; for each measurement */
    json_t *results;
    struct vf_err err;
};

/* What is encoded again and again. */
struct work {
    struct bench *bench;
    struct corpus corpus;
    float *vectors; /* room for those of the corpus */
    int rc;         /* of the last run */
};

/* --- The peak --------------------------------------------------------------------------------- */

static void *run_peak(void *context)
{
    const struct bench *b = context;
    b->peak_of_precision(PEAK_ROUNDS);
    return NULL;
}

/* Runs the peak on all threads at once, counting from the first's start to the last's end. */
static void update_peak(struct bench *b)
{
    pthread_t threads[BENCH_MAX_THREADS];
    double operations = b->peak_of_precision(1) * PEAK_ROUNDS;
    for (int i = 0; i < PEAK_TRIES; i++) {
        unsigned n = 0;
        int64_t begin = vf_now_ns();
        while (n < b->info->threads && pthread_create(&threads[n], NULL, run_peak, b) == 0)
            n++;
        for (unsigned t = 0; t < n; t++)
            pthread_join(threads[t], NULL);
        double gflops = 1e-9 * operations * n / vf_seconds_since(begin);
        b->peak = gflops > b->peak ? gflops : b->peak;
    }
}

/* --- Measuring -------------------------------------------------------------------------------- */

static void run(void *context)
{
    struct work *w = context;
    if (w->rc == 0)
        w->rc = vf_encode(
            w->bench->embedder, w->corpus.sequences, w->corpus.n, w->vectors, &w->bench->err);
}

/* Of the linear maps, and of attention over whole texts. */
static double count_flops(const struct bench *b, const struct corpus *corpus)
{
    const struct vf_network *n = &vf_model_config(b->embedder->model)->network;
    double hidden = (double)n->hidden_size, inner = (double)n->intermediate_size, flops = 0;
    double query = (double)(n->heads * n->head_size), key = (double)(n->kv_heads * n->head_size);
    double weights = hidden * (2 * query + 2 * key) + (n->gated ? 3 : 2) * hidden * inner;
    for (size_t i = 0; i < corpus->n; i++) {
        double length = (double)corpus->sequences[i].n_ids;
        flops += length * (double)n->layers * (2 * weights + 4 * length * query);
    }
    return flops;
}

/* Measures, prints a line, and adds it to the results. */
static int measure(struct bench *b, const struct corpus *corpus, const char *name)
{
    struct work work = {.bench = b, .corpus = *corpus};
    work.vectors = malloc(corpus->n * b->info->dimensions * sizeof(float));
    if (!work.vectors)
        return vf_fail_memory(&b->err, "the vectors");
    update_peak(b);
    struct timing timing = timing_of(run, &work, b->seconds);
    update_peak(b);
    free(work.vectors);
    if (work.rc)
        return work.rc;
    double tokens = (double)corpus->n_tokens, mean = tokens / (double)corpus->n;
    double best = tokens / timing.best, median = tokens / timing.median;
    double gflops = 1e-9 * count_flops(b, corpus) / timing.best;
    printf("%-8s %8.0f %10.0f %10.0f %9.1f %8.1f %6.1f %%\n", name, mean, best, median, gflops,
        b->peak, 100 * gflops / b->peak);
    fflush(stdout);
    json_array_append_new(
        b->results, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "texts", name, "tokens", mean,
                        "tokens_per_second", best, "tokens_per_second_median", median, "gflops",
                        gflops, "gflops_peak", b->peak));
    return 0;
}

static int measure_all(struct bench *b, const struct bench_options *options)
{
    struct corpus corpus = {0};
    size_t tokens = (size_t)TOKENS_PER_THREAD * b->info->threads;
    int rc = 0;
    printf("%-8s %8s %10s %10s %9s %8s\n", "texts", "tokens", "tok/s", "median", "GFLOP/s", "peak");
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (lengths[i] > b->info->max_seq_length)
            continue;
        VF_TRY(corpus_make(&corpus, b->embedder, lengths[i], tokens, &b->err));
        VF_TRY(measure(b, &corpus, "random"));
        corpus_release(&corpus);
    }
    if (options->texts_path) {
        VF_TRY(corpus_read(&corpus, b->embedder, options->texts_path, &b->err));
        VF_TRY(measure(b, &corpus, "file"));
    }
out:
    corpus_release(&corpus);
    return rc;
}

static int write_json(struct bench *b, const char *path)
{
    json_t *report = json_pack("{s:s, s:i, s:O}", "isa", b->info->isa, "threads",
        (int)b->info->threads, "lengths", b->results);
    int rc = 0;
    if (json_dump_file(report, path, JSON_INDENT(2)) != 0)
        rc = vf_fail(&b->err, VF_ERR_IO, "cannot write %s", path);
    json_decref(report);
    return rc;
}

static int run_bench(const struct bench_options *options)
{
    struct bench b = {.seconds = options->seconds, .results = json_array()};
    unsigned flags;
    int rc = 0;
    VF_TRY(vf_cpu_flags(options->model.max_isa, &flags, &b.err));
    vf_kernels_init(&b.kernels, flags);
    vf_peak_fn *const peaks[] = {[VF_PRECISION_FP32] = b.kernels.peak_f32,
        [VF_PRECISION_BF16] = b.kernels.peak_bf16,
        [VF_PRECISION_INT8] = b.kernels.peak_int8};
    b.peak_of_precision = peaks[options->model.precision];
    int64_t begin = vf_now_ns();
    VF_TRY(vf_open(&options->model, &b.embedder, &b.err));
    b.info = vf_info(b.embedder);
    printf("%s, %u threads; opened in %.0f ms: %.1f MB of weights, %.1f MB a thread\n", b.info->isa,
        b.info->threads, 1e3 * vf_seconds_since(begin),
        1e-6 * (double)vf_encoder_weight_bytes(b.embedder->encoder),
        1e-6 * (double)vf_encoder_worker_bytes(b.embedder->encoder));
    VF_TRY(measure_all(&b, options));
    if (options->json_path)
        VF_TRY(write_json(&b, options->json_path));
out:
    if (rc)
        fprintf(stderr, "bench_encoder: %s\n", b.err.msg);
    json_decref(b.results);
    vf_close(b.embedder);
    return rc ? 1 : 0;
}

/* --- The command line ------------------------------------------------------------------------- */

static const char usage[] =
    "usage: bench_encoder [OPTION ...] MODEL\n"
    "  --precision P   fp32, bf16 or int8, default fp32\n"
    "  --threads N     worker threads, default as many as this process may use\n"
    "  --max-isa TIER  highest instruction set, e.g. avx2\n"
    "  --texts FILE    measure the texts of a file of JSON Lines, too\n"
    "  --seconds S     time for each measurement, default 2\n"
    "  --json FILE     write the figures to FILE as well\n"
    "MODEL is a directory, or a name that the Hub cache has.\n";

int main(int argc, char **argv)
{
    const struct bench_options options = bench_options_parse(argc, argv, "ptifsj", usage);
    return run_bench(&options);
}
