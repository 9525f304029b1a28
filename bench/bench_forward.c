/* Measures where the time of the forward pass goes: every call of a kernel, on one thread, over the
 * texts of a file.
 *
 * On a machine that others use, too, no pass is undisturbed, but some calls of each kernel are. So
 * beside the mean stands the best call of each shape, and the pass that all calls at their best
 * would make. Peak: the best of short loops of the precision's multiply-adds on registers, run
 * between the groups of texts. */
#include "base/clock.h"
#include "corpus.h"
#include "cpu/cpu.h"
#include "embed/int8_cache.h"
#include "encoder/forward.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16384, PEAK_ROUNDS = 5000, PEAK_TRIES = 50 };

/* What a call computes; n and k are 0 where they do not matter. */
enum operation { LINEAR, LINEAR_ACTIVATION, ATTENTION, NORM, QUANTIZE, REST, OPERATIONS };

static const char *const names[OPERATIONS] = {
    "linear", "linear, activation", "attention", "norm", "quantise", "rest"};

/* The calls of one shape: nanoseconds, operations. */
struct shape {
    enum operation operation;
    size_t m, n, k, calls;
    double flops, total, best;
};

/* Kernels know no context, so that what they are measured into is here. */
static struct {
    struct vf_kernels kernels; /* what is measured */
    vf_attention_f32_fn *attend;
    struct shape shapes[SLOTS]; /* those without calls are free */
    size_t n;
    double inside; /* nanoseconds of all calls so far */
} measured;

/* The slot of a shape, or a free one. */
static struct shape *find_shape(enum operation operation, size_t m, size_t n, size_t k)
{
    size_t slot = (((size_t)operation * 31 + m) * 8191 + n) * 127 + k;
    for (;; slot++) {
        struct shape *shape = &measured.shapes[slot % SLOTS];
        bool same = shape->operation == operation && shape->m == m && shape->n == n;
        if (shape->calls == 0 || (same && shape->k == k))
            return shape;
    }
}

static void record(enum operation operation, size_t m, size_t n, size_t k, double flops, double ns)
{
    struct shape *shape = find_shape(operation, m, n, k);
    if (shape->calls == 0) {
        if (++measured.n == SLOTS) {
            fputs("bench_forward: too many shapes: give fewer texts\n", stderr);
            exit(1);
        }
        *shape = (struct shape){operation, m, n, k, .flops = flops, .best = ns};
    }
    shape->calls++;
    shape->total += ns;
    shape->best = ns < shape->best ? ns : shape->best;
    measured.inside += ns;
}

/* --- The kernels, each measured --------------------------------------------------------------- */

static void record_linear(
    enum vf_epilogue epilogue, size_t m, size_t n, size_t k, int64_t begin, int64_t end)
{
    record(epilogue == VF_EPILOGUE_NONE ? LINEAR : LINEAR_ACTIVATION, m, n, k,
        2.0 * (double)m * (double)n * (double)k, (double)(end - begin));
}

static void linear_f32(const struct vf_linear_f32 *linear, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc)
{
    int64_t begin = vf_now_ns();
    measured.kernels.linear_f32(linear, epilogue, a, lda, m, c, ldc);
    record_linear(epilogue, m, linear->n, linear->k, begin, vf_now_ns());
}

static void linear_bf16(const struct vf_linear_bf16 *linear, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc, float *scratch)
{
    int64_t begin = vf_now_ns();
    measured.kernels.linear_bf16(linear, epilogue, a, lda, m, c, ldc, scratch);
    record_linear(epilogue, m, linear->n, linear->k, begin, vf_now_ns());
}

static void linear_int8(const struct vf_linear_int8 *linear, enum vf_epilogue epilogue,
    const struct vf_quantized *a, size_t m, float *c, size_t ldc)
{
    int64_t begin = vf_now_ns();
    measured.kernels.linear_int8(linear, epilogue, a, m, c, ldc);
    record_linear(epilogue, m, linear->n, linear->k, begin, vf_now_ns());
}

static void quantize_int8(const float *x, size_t ldx, size_t m, size_t k, const float *factors,
    const struct vf_quantized *out)
{
    int64_t begin = vf_now_ns();
    measured.kernels.quantize_int8(x, ldx, m, k, factors, out);
    record(QUANTIZE, m, 0, k, 0, (double)(vf_now_ns() - begin));
}

static void add_norm_f32(const struct vf_norm_f32 *norm, float *x, size_t ldx, const float *y,
    size_t ldy, size_t m, float *out, size_t ldo)
{
    int64_t begin = vf_now_ns();
    measured.kernels.add_norm_f32(norm, x, ldx, y, ldy, m, out, ldo);
    record(NORM, m, norm->n, 0, 0, (double)(vf_now_ns() - begin));
}

static void attend(const struct vf_attention_f32 *op)
{
    int64_t begin = vf_now_ns();
    measured.attend(op);
    record(ATTENTION, op->m, op->n, op->head_size,
        4.0 * (double)op->m * (double)op->n * (double)op->head_size, (double)(vf_now_ns() - begin));
}

/* --- Passes ----------------------------------------------------------------------------------- */

struct bench {
    struct vf_embedder *embedder;
    struct vf_int8_weights int8;
    struct vf_packed_network packed;
    struct vf_activations activations;
    struct vf_team team;
    struct corpus corpus;
    struct vf_sequence_ref *sequences; /* of the corpus, the longest first */
    float *vectors;
    size_t passes;
    double peak; /* operations in a nanosecond */
    struct vf_err err;
};

static int by_length_descending(const void *a, const void *b)
{
    const struct vf_sequence_ref *x = a, *y = b;
    return (x->n < y->n) - (x->n > y->n);
}

static int list_sequences(struct bench *b)
{
    size_t n = b->corpus.n, dimensions = b->embedder->info.dimensions;
    b->sequences = calloc(n, sizeof *b->sequences);
    b->vectors = malloc(n * dimensions * sizeof *b->vectors);
    if (!b->sequences || !b->vectors)
        return vf_fail_memory(&b->err, "the sequences");
    for (size_t i = 0; i < n; i++)
        b->sequences[i] = (struct vf_sequence_ref){b->corpus.sequences[i].ids,
            b->corpus.sequences[i].n_ids, b->vectors + i * dimensions, 0};
    qsort(b->sequences, n, sizeof *b->sequences, by_length_descending);
    return 0;
}

static void update_peak(struct bench *b, enum vf_precision precision)
{
    const struct vf_kernels *kernels = &measured.kernels;
    vf_peak_fn *const peaks[] = {[VF_PRECISION_FP32] = kernels->peak_f32,
        [VF_PRECISION_BF16] = kernels->peak_bf16,
        [VF_PRECISION_INT8] = kernels->peak_int8};
    for (int i = 0; i < PEAK_TRIES; i++) {
        int64_t begin = vf_now_ns();
        double flops = peaks[precision](PEAK_ROUNDS);
        double rate = flops / (double)(vf_now_ns() - begin);
        b->peak = rate > b->peak ? rate : b->peak;
    }
}

/* All texts once, in groups as the encoder makes them, and the peak behind each. */
static void run_pass(struct bench *b, enum vf_precision precision)
{
    size_t left = b->corpus.n;
    for (const struct vf_sequence_ref *group = b->sequences; left > 0;) {
        size_t n = 1, tokens = group[0].n;
        while (n < left && tokens + group[n].n <= VF_GROUP_TOKENS)
            tokens += group[n++].n;
        double inside = measured.inside;
        int64_t begin = vf_now_ns();
        vf_forward(&b->activations, &b->team, group, n);
        double ns = (double)(vf_now_ns() - begin);
        record(REST, tokens, n, 0, 0, ns - (measured.inside - inside));
        group += n;
        left -= n;
        update_peak(b, precision);
    }
}

/* Packs the weights with kernels that are measured. */
static int open_network(struct bench *b, const struct bench_options *options)
{
    unsigned flags;
    int rc = 0;
    VF_TRY(vf_cpu_flags(options->model.max_isa, &flags, &b->err));
    vf_kernels_init(&measured.kernels, flags);
    struct vf_kernels kernels = measured.kernels;
    kernels.linear_f32 = linear_f32;
    kernels.linear_bf16 = linear_bf16;
    kernels.linear_int8 = linear_int8;
    kernels.quantize_int8 = quantize_int8;
    kernels.add_norm_f32 = add_norm_f32;
    bool int8 = options->model.precision == VF_PRECISION_INT8;
    if (int8)
        VF_TRY(vf_int8_obtain(b->embedder, &b->int8, &b->err));
    const struct vf_encoder_options encoder = {.threads = 1,
        .precision = options->model.precision,
        .int8 = int8 ? &b->int8 : NULL,
        .max_tokens = b->embedder->info.max_seq_length};
    VF_TRY(vf_packed_network_init(&b->packed, b->embedder->model, &kernels, &encoder, &b->err));
    measured.attend = b->packed.attend;
    b->packed.attend = attend;
    VF_TRY(vf_activations_init(&b->activations, &b->packed, &b->err));
out:
    return rc;
}

/* --- The table -------------------------------------------------------------------------------- */

/* The shapes that differ in rows alone, or, of attention and what is not multiplied, at all. */
struct row {
    enum operation operation;
    size_t n, k, calls;
    double flops, total, best;
};

static struct row *find_row(struct row *rows, size_t *n_rows, const struct shape *shape)
{
    bool linear = shape->operation <= LINEAR_ACTIVATION;
    size_t n = linear ? shape->n : 0, k = linear ? shape->k : 0;
    for (size_t i = 0; i < *n_rows; i++)
        if (rows[i].operation == shape->operation && rows[i].n == n && rows[i].k == k)
            return &rows[i];
    rows[*n_rows] = (struct row){shape->operation, n, k, 0, 0, 0, 0};
    return &rows[(*n_rows)++];
}

static void add_shape(struct row *row, const struct shape *shape)
{
    row->calls += shape->calls;
    row->flops += (double)shape->calls * shape->flops;
    row->total += shape->total;
    row->best += (double)shape->calls * shape->best;
}

static int by_total_descending(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return (x->total < y->total) - (x->total > y->total);
}

static void print_row(const struct bench *b, const struct row *row, const struct row *all)
{
    char shape[48] = "", efficiency[48] = "";
    if (row->n > 0)
        snprintf(shape, sizeof shape, "%zu to %zu", row->k, row->n);
    if (row->flops > 0)
        snprintf(efficiency, sizeof efficiency, "%8.1f %% %8.1f %%",
            100 * row->flops / row->total / b->peak, 100 * row->flops / row->best / b->peak);
    printf("%-19s %-15s %8zu %8.1f %% %8.1f %% %s\n", names[row->operation], shape, row->calls,
        100 * row->total / all->total, 100 * row->best / all->best, efficiency);
}

static int print_table(struct bench *b)
{
    struct row all = {0}, *rows = calloc(measured.n, sizeof *rows);
    size_t n = 0;
    if (!rows)
        return vf_fail_memory(&b->err, "the table");
    for (const struct shape *shape = measured.shapes; shape < measured.shapes + SLOTS; shape++)
        if (shape->calls > 0) {
            add_shape(find_row(rows, &n, shape), shape);
            add_shape(&all, shape);
        }
    qsort(rows, n, sizeof *rows, by_total_descending);
    printf("%-19s %-15s %8s %21s %21s\n", "", "", "", "share of the time", "of the peak");
    printf("%-19s %-15s %8s %10s %10s %10s %10s\n", "operation", "inputs, outputs", "calls", "mean",
        "best", "mean", "best");
    for (size_t i = 0; i < n; i++)
        print_row(b, &rows[i], &all);
    double tokens = 1e9 * (double)b->corpus.n_tokens * (double)b->passes;
    printf("\nmean %.0f tokens/s, %.1f %% of %.1f GFLOP/s\n", tokens / all.total,
        100 * all.flops / all.total / b->peak, b->peak);
    printf("each call at its best: %.0f tokens/s, %.1f %%\n", tokens / all.best,
        100 * all.flops / all.best / b->peak);
    free(rows);
    return 0;
}

static int run_bench(const struct bench_options *options)
{
    struct bench b = {0};
    int rc = 0;
    vf_team_init(&b.team);
    VF_TRY(vf_open(&options->model, &b.embedder, &b.err));
    VF_TRY(corpus_read(&b.corpus, b.embedder, options->texts_path, &b.err));
    VF_TRY(list_sequences(&b));
    VF_TRY(open_network(&b, options));
    run_pass(&b, options->model.precision);
    memset(measured.shapes, 0, sizeof measured.shapes);
    measured.n = 0;
    int64_t begin = vf_now_ns();
    do {
        run_pass(&b, options->model.precision);
        b.passes++;
    } while (vf_seconds_since(begin) < options->seconds);
    printf("%s, 1 thread; %zu texts, %zu tokens, %zu passes\n", b.embedder->info.isa, b.corpus.n,
        b.corpus.n_tokens, b.passes);
    rc = print_table(&b);
out:
    if (rc)
        fprintf(stderr, "bench_forward: %s\n", b.err.msg);
    vf_activations_release(&b.activations);
    vf_packed_network_release(&b.packed);
    vf_int8_weights_release(&b.int8);
    corpus_release(&b.corpus);
    free(b.sequences);
    free(b.vectors);
    vf_close(b.embedder);
    vf_team_release(&b.team);
    return rc ? 1 : 0;
}

static const char usage[] = "usage: bench_forward [OPTION ...] --texts FILE MODEL\n"
                            "  --texts FILE    the texts, as JSON Lines: articles or strings\n"
                            "  --precision P   fp32, bf16 or int8, default fp32\n"
                            "  --max-isa TIER  highest instruction set, e.g. avx2\n"
                            "  --seconds S     how long, default 2\n"
                            "MODEL is a directory, or a name that the Hub cache has.\n";

int main(int argc, char **argv)
{
    struct bench_options options = bench_options_parse(argc, argv, "fpis", usage);
    options.model.threads = 1;
    if (!options.texts_path) {
        fputs(usage, stderr);
        return 2;
    }
    return run_bench(&options);
}
