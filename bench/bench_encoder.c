/* Measures the encoder in tokens/s, for sequences of one length and for texts, and as a part of the
 * peak that loops of the precision's multiply-adds on registers reach on the same threads in the
 * same run.
 *
 * Operations counted for a token of a sequence of s, hidden size h and inner size i, in each
 * layer: 2 (4 h^2 + 2 h i) in the linear maps and 4 s h in attention. */
#include "base/clock.h"
#include "base/error.h"
#include "cpu/cpu.h"
#include "embed/embedder.h"
#include "kernels/kernels.h"
#include "timing.h"

#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_PER_THREAD = 1024, PEAK_ROUNDS = 2000000, PEAK_TRIES = 8, MAX_THREADS = 1024 };

static const size_t lengths[] = {16, 64, 128, 256, 512};

struct options {
    struct vf_options model;
    const char *json_path, *texts_path;
    double seconds;
};

struct bench {
    struct vf_kernels kernels;
    vf_peak_fn *peak_of_precision;
    struct vf_embedder *embedder;
    const struct vf_model_info *info;
    double peak, seconds; /* GFLOP/s, the highest so far; for each measurement */
    json_t *results;
    struct vf_err err;
};

/* Sequences and room for their vectors. */
struct corpus {
    struct bench *bench;
    struct vf_tokens *tokens;
    struct vf_sequence *sequences;
    float *vectors;
    size_t n, n_tokens;
    int rc; /* of the last run */
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
    pthread_t threads[MAX_THREADS];
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

/* --- Sequences -------------------------------------------------------------------------------- */

static void corpus_release(struct corpus *corpus)
{
    for (size_t i = 0; corpus->tokens && i < corpus->n; i++)
        vf_tokens_release(&corpus->tokens[i]);
    free(corpus->tokens);
    free(corpus->sequences);
    free(corpus->vectors);
}

static int corpus_init(struct corpus *corpus, struct bench *b, size_t n)
{
    *corpus = (struct corpus){.bench = b,
        .tokens = calloc(n, sizeof *corpus->tokens),
        .sequences = calloc(n, sizeof *corpus->sequences),
        .vectors = malloc(n * b->info->dimensions * sizeof(float)),
        .n = n};
    if (!corpus->tokens || !corpus->sequences || !corpus->vectors)
        return vf_fail_memory(&b->err, "the sequences");
    return 0;
}

/* Sequences of `length` pseudo-random ids, some thousand tokens for each thread. */
static int make_sequences(struct corpus *corpus, struct bench *b, size_t length)
{
    uint32_t random = 1;
    int rc = corpus_init(corpus, b, (TOKENS_PER_THREAD * b->info->threads + length - 1) / length);
    for (size_t i = 0; rc == 0 && i < corpus->n; i++) {
        struct vf_tokens *tokens = &corpus->tokens[i];
        tokens->ids = malloc(length * sizeof(int32_t));
        if (!tokens->ids)
            return vf_fail_memory(&b->err, "the sequences");
        for (size_t j = 0; j < length; j++) {
            random = random * 1664525u + 1013904223u;
            tokens->ids[j] = (int32_t)((random >> 8) % b->info->vocab_size);
        }
        corpus->sequences[i] = (struct vf_sequence){tokens->ids, length};
        corpus->n_tokens += length;
    }
    return rc;
}

/* What headline and body of an article make, or a string. */
static int tokenize_line(struct corpus *corpus, size_t i, const char *line, struct vf_err *err)
{
    char *text = NULL;
    size_t size = strlen(line) + 2;
    json_t *value = json_loads(line, JSON_DECODE_ANY, NULL);
    const char *headline = json_string_value(json_object_get(value, "headline"));
    const char *body = json_string_value(json_object_get(value, "body"));
    int rc = 0;
    if (json_is_string(value))
        body = json_string_value(value);
    if (!headline && !body)
        rc = vf_fail(err, VF_ERR_DATA, "line %zu is neither an article nor a string", i + 1);
    else if (!(text = malloc(size)))
        rc = vf_fail_memory(err, "a text");
    if (rc == 0) {
        int n = snprintf(text, size, "%s%s%s", headline ? headline : "",
            headline && body ? " " : "", body ? body : "");
        rc = vf_tokenize(
            corpus->bench->embedder, (struct vf_text){text, (size_t)n}, &corpus->tokens[i], err);
    }
    corpus->sequences[i] = (struct vf_sequence){corpus->tokens[i].ids, corpus->tokens[i].n_ids};
    corpus->n_tokens += corpus->tokens[i].n_ids;
    free(text);
    json_decref(value);
    return rc;
}

/* The texts of a file of JSON Lines. */
static int read_texts(struct corpus *corpus, struct bench *b, const char *path)
{
    char *line = NULL;
    size_t capacity = 0, n = 0;
    FILE *file = fopen(path, "r");
    int rc = 0;
    if (!file)
        return vf_fail(&b->err, VF_ERR_NOT_FOUND, "cannot open %s", path);
    while (getline(&line, &capacity, file) > 0)
        n++;
    rewind(file);
    rc = corpus_init(corpus, b, n);
    for (size_t i = 0; rc == 0 && i < n && getline(&line, &capacity, file) > 0; i++)
        rc = tokenize_line(corpus, i, line, &b->err);
    free(line);
    fclose(file);
    return rc;
}

/* --- Measuring -------------------------------------------------------------------------------- */

static void run(void *context)
{
    struct corpus *c = context;
    if (c->rc == 0)
        c->rc = vf_encode(c->bench->embedder, c->sequences, c->n, c->vectors, &c->bench->err);
}

/* Of the linear maps, and of attention over whole texts. */
static double count_flops(const struct corpus *corpus)
{
    const struct vf_network *n = &vf_model_config(corpus->bench->embedder->model)->network;
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
static int measure(struct corpus *corpus, const char *name)
{
    struct bench *b = corpus->bench;
    update_peak(b);
    struct timing timing = timing_of(run, corpus, b->seconds);
    update_peak(b);
    if (corpus->rc)
        return corpus->rc;
    double tokens = (double)corpus->n_tokens, mean = tokens / (double)corpus->n;
    double best = tokens / timing.best, median = tokens / timing.median;
    double gflops = 1e-9 * count_flops(corpus) / timing.best;
    printf("%-8s %8.0f %10.0f %10.0f %9.1f %8.1f %6.1f %%\n", name, mean, best, median, gflops,
        b->peak, 100 * gflops / b->peak);
    fflush(stdout);
    json_array_append_new(
        b->results, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "texts", name, "tokens", mean,
                        "tokens_per_second", best, "tokens_per_second_median", median, "gflops",
                        gflops, "gflops_peak", b->peak));
    return 0;
}

static int measure_all(struct bench *b, const struct options *options)
{
    struct corpus corpus = {0};
    int rc = 0;
    printf("%-8s %8s %10s %10s %9s %8s\n", "texts", "tokens", "tok/s", "median", "GFLOP/s", "peak");
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (lengths[i] > b->info->max_seq_length)
            continue;
        VF_TRY(make_sequences(&corpus, b, lengths[i]));
        VF_TRY(measure(&corpus, "random"));
        corpus_release(&corpus);
        corpus = (struct corpus){0};
    }
    if (options->texts_path) {
        VF_TRY(read_texts(&corpus, b, options->texts_path));
        VF_TRY(measure(&corpus, "file"));
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

static int run_bench(const struct options *options)
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
static bool set(struct options *options, int option)
{
    char *end = NULL;
    unsigned long threads;
    switch (option) {
    case 't':
        threads = strtoul(optarg, &end, 10);
        options->model.threads = (unsigned)threads;
        return *end == '\0' && threads >= 1 && threads <= MAX_THREADS;
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

int main(int argc, char **argv)
{
    static const struct option known[] = {{"threads", required_argument, NULL, 't'},
        {"max-isa", required_argument, NULL, 'i'}, {"seconds", required_argument, NULL, 's'},
        {"json", required_argument, NULL, 'j'}, {"precision", required_argument, NULL, 'p'},
        {"texts", required_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct options options = {.seconds = 2};
    vf_options_init(&options.model);
    options.model.offline = true;
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (option == 'h' || !set(&options, option)) {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return 2;
    }
    options.model.model = argv[optind];
    return run_bench(&options);
}
