/* Measures every kernel of every tier on one thread, in GFLOP/s and as a part of the peak that a
 * loop of multiply-adds of the same type on registers reaches in the same run.
 *
 * Operations counted: 2 m n k for a linear map, 4 m n d for attention (scores and weighted sum,
 * not the softmax; that of 16-bit integers relates to the peak of floats). Normalisation and
 * pooling are bound by memory: they show GB/s moved. */
#include "base/error.h"
#include "cpu/cpu.h"
#include "kernels/kernels.h"
#include "timing.h"

#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEAK_ROUNDS = 20000, ALIGNMENT = 64, ROTATED_HEAD = 64 };

enum kind {
    LINEAR,
    LINEAR_BF16,
    LINEAR_INT8,
    ATTENTION,
    ATTENTION_INT16,
    ATTENTION_INT8,
    QUANTIZE,
    ADD_NORM,
    ADD_RMS_NORM,
    ROTATE,
    GATE,
    POOL_MEAN,
    POOL_MAX
};

/* The shapes of all-MiniLM-L6-v2. */
static const struct row {
    const char *name;
    enum kind kind;
    enum vf_epilogue epilogue;
    size_t m, n, k; /* attention: queries, keys, head size */
} rows[] = {
    {"linear qkv", LINEAR, VF_EPILOGUE_NONE, 128, 1152, 384},
    {"linear out", LINEAR, VF_EPILOGUE_NONE, 128, 384, 384},
    {"linear ffn1 gelu", LINEAR, VF_EPILOGUE_GELU_ERF, 128, 1536, 384},
    {"linear ffn1 gelu_tanh", LINEAR, VF_EPILOGUE_GELU_TANH, 128, 1536, 384},
    {"linear ffn2", LINEAR, VF_EPILOGUE_NONE, 128, 384, 1536},
    {"linear qkv, 1 row", LINEAR, VF_EPILOGUE_NONE, 1, 1152, 384},
    {"linear qkv, 16 rows", LINEAR, VF_EPILOGUE_NONE, 16, 1152, 384},
    {"linear_bf16 qkv", LINEAR_BF16, VF_EPILOGUE_NONE, 128, 1152, 384},
    {"linear_bf16 ffn1 gelu", LINEAR_BF16, VF_EPILOGUE_GELU_ERF, 128, 1536, 384},
    {"linear_bf16 ffn2", LINEAR_BF16, VF_EPILOGUE_NONE, 128, 384, 1536},
    {"linear_int8 qkv", LINEAR_INT8, VF_EPILOGUE_NONE, 128, 1152, 384},
    {"linear_int8 qkv", LINEAR_INT8, VF_EPILOGUE_NONE, 256, 1152, 384},
    {"linear_int8 out", LINEAR_INT8, VF_EPILOGUE_NONE, 128, 384, 384},
    {"linear_int8 ffn1 gelu", LINEAR_INT8, VF_EPILOGUE_GELU_ERF, 128, 1536, 384},
    {"linear_int8 ffn2", LINEAR_INT8, VF_EPILOGUE_NONE, 128, 384, 1536},
    {"quantize_int8", QUANTIZE, VF_EPILOGUE_NONE, 128, 384, 0},
    {"quantize_int8", QUANTIZE, VF_EPILOGUE_NONE, 128, 1536, 0},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 16, 16, 32},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 64, 64, 32},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 178, 178, 32},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 512, 512, 32},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 2048, 2048, 32},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 8192, 8192, 32},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 178, 178, 64},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 512, 512, 64},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 8192, 8192, 64},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 512, 512, 128},
    {"attention", ATTENTION, VF_EPILOGUE_NONE, 8192, 8192, 128},
    {"attention int16", ATTENTION_INT16, VF_EPILOGUE_NONE, 16, 16, 32},
    {"attention int16", ATTENTION_INT16, VF_EPILOGUE_NONE, 64, 64, 32},
    {"attention int16", ATTENTION_INT16, VF_EPILOGUE_NONE, 178, 178, 32},
    {"attention int16", ATTENTION_INT16, VF_EPILOGUE_NONE, 512, 512, 32},
    {"attention int16", ATTENTION_INT16, VF_EPILOGUE_NONE, 2048, 2048, 32},
    {"attention int16", ATTENTION_INT16, VF_EPILOGUE_NONE, 8192, 8192, 32},
    {"attention int16", ATTENTION_INT16, VF_EPILOGUE_NONE, 512, 512, 128},
    {"attention int8", ATTENTION_INT8, VF_EPILOGUE_NONE, 16, 16, 32},
    {"attention int8", ATTENTION_INT8, VF_EPILOGUE_NONE, 64, 64, 32},
    {"attention int8", ATTENTION_INT8, VF_EPILOGUE_NONE, 178, 178, 32},
    {"attention int8", ATTENTION_INT8, VF_EPILOGUE_NONE, 512, 512, 32},
    {"add_norm", ADD_NORM, VF_EPILOGUE_NONE, 128, 384, 0},
    {"add_norm rms", ADD_RMS_NORM, VF_EPILOGUE_NONE, 128, 384, 0},
    {"rotate", ROTATE, VF_EPILOGUE_NONE, 128, 384, 0},
    {"gate relu", GATE, VF_EPILOGUE_RELU, 128, 1536, 0},
    {"pool mean", POOL_MEAN, VF_EPILOGUE_NONE, 256, 384, 0},
    {"pool max", POOL_MAX, VF_EPILOGUE_NONE, 256, 384, 0},
};

/* A row with its operands, for one tier. */
struct subject {
    const struct row *row;
    const struct vf_kernels *kernels;
    struct vf_linear_f32 linear;
    struct vf_linear_bf16 linear_bf16;
    struct vf_linear_int8 linear_int8;
    struct vf_quantized quantized;
    struct vf_norm_f32 norm;
    struct vf_attention_f32 attention;
    float *a, *weights, *out; /* `weights` also holds keys and values, or what is added */
    float *vectors;           /* bias, or gamma and beta */
    float *scratch;
};

static float *new_floats(size_t n, float scale)
{
    size_t bytes = (n * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    float *floats = aligned_alloc(ALIGNMENT, bytes);
    if (!floats) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        exit(1);
    }
    for (size_t i = 0; i < n; i++)
        floats[i] = scale * ((float)(i * 2654435761u % 65536) / 32768 - 1);
    return floats;
}

static void prepare_linear(struct subject *s)
{
    const struct row *row = s->row;
    const struct vf_kernels *kernels = s->kernels;
    size_t columns = kernels->panel_columns;
    float *source = new_floats(row->n * row->k, 0.05f);
    s->a = new_floats(row->m * row->k, 1);
    s->out = new_floats(row->m * row->n, 0);
    s->vectors = new_floats(row->n, 1);
    s->weights = new_floats(vf_panel_floats(kernels, row->n, row->k), 0);
    for (size_t first = 0; first < row->n; first += columns)
        kernels->pack_panel_f32(source + first * row->k, row->k,
            row->n - first < columns ? row->n - first : columns, row->k,
            s->weights + first * row->k);
    free(source);
    s->linear =
        (struct vf_linear_f32){.n = row->n, .k = row->k, .panels = s->weights, .bias = s->vectors};
}

static void prepare_bf16(struct subject *s)
{
    const struct row *row = s->row;
    const struct vf_kernels *kernels = s->kernels;
    size_t columns = kernels->panel_columns_bf16, inputs = row->k + row->k % 2;
    float *source = new_floats(row->n * row->k, 0.05f);
    s->a = new_floats(row->m * row->k, 1);
    s->out = new_floats(row->m * row->n, 0);
    s->vectors = new_floats(row->n, 1);
    s->weights = new_floats(vf_panel_bf16s(kernels, row->n, row->k) / 2, 0);
    s->scratch = new_floats(kernels->linear_scratch_bf16(row->k), 0);
    for (size_t first = 0; first < row->n; first += columns)
        vf_pack_panel_bf16(kernels, source + first * row->k, row->k,
            row->n - first < columns ? row->n - first : columns, row->k,
            (vf_bf16 *)(void *)s->weights + first * inputs);
    free(source);
    s->linear_bf16 =
        (struct vf_linear_bf16){row->n, row->k, (vf_bf16 *)(void *)s->weights, s->vectors};
}

/* Room for quantised rows of k inputs: the rows, then scales and zero points. */
static struct vf_quantized new_quantized(const struct vf_kernels *kernels, size_t m, size_t k)
{
    size_t ld = vf_quantized_bytes(kernels, k);
    float *bytes = new_floats(m * ld / sizeof(float) + 2 * m, 0);
    float *scales = bytes + m * ld / sizeof(float);
    return (struct vf_quantized){(uint8_t *)bytes, ld, scales, (int32_t *)(void *)(scales + m)};
}

static void prepare_int8(struct subject *s)
{
    const struct row *row = s->row;
    const struct vf_kernels *kernels = s->kernels;
    size_t columns = kernels->panel_columns_int8, group = VF_INT8_GROUP;
    size_t inputs = (row->k + group - 1) / group * group;
    int8_t *source = (int8_t *)new_floats(row->n * row->k / sizeof(float) + 1, 0.05f);
    for (size_t i = 0; i < row->n * row->k; i++)
        source[i] = (int8_t)((int)(i * 2654435761u >> 8 & 0xFF) - 128 + (i % 2));
    s->a = new_floats(row->m * row->k, 1);
    s->out = new_floats(row->m * row->n, 0);
    s->vectors = new_floats(3 * row->n, 1);
    s->weights = new_floats(vf_panel_int8s(kernels, row->n, row->k) / sizeof(float), 0);
    int32_t *sums = (int32_t *)(void *)(s->vectors + 2 * row->n);
    int8_t *panels = (int8_t *)s->weights;
    for (size_t first = 0; first < row->n; first += columns)
        vf_pack_panel_int8(kernels, source + first * row->k, row->k,
            row->n - first < columns ? row->n - first : columns, row->k, panels + first * inputs,
            sums + first);
    free(source);
    s->quantized = new_quantized(kernels, row->m, row->k);
    kernels->quantize_int8(s->a, row->k, row->m, row->k, NULL, &s->quantized);
    s->linear_int8 =
        (struct vf_linear_int8){row->n, row->k, panels, sums, s->vectors + row->n, s->vectors};
}

static vf_attention_scratch_fn *scratch_of(const struct vf_kernels *kernels, enum kind kind)
{
    if (kind == ATTENTION_INT8)
        return kernels->attention_scratch_int8;
    return kind == ATTENTION_INT16 ? kernels->attention_scratch_int16
                                   : kernels->attention_scratch_f32;
}

/* Queries, keys and values lie side by side, as in the encoder. */
static void prepare_attention(struct subject *s)
{
    const struct row *row = s->row;
    size_t size = row->k, ld = 3 * 384;
    s->a = new_floats(row->n * ld, 0.5f);
    s->out = new_floats(row->m * 384, 0);
    s->scratch = new_floats(scratch_of(s->kernels, row->kind)(row->n, size), 0);
    s->attention = (struct vf_attention_f32){.m = row->m,
        .n = row->n,
        .head_size = size,
        .before = SIZE_MAX,
        .after = SIZE_MAX,
        .q = s->a,
        .ldq = ld,
        .k = s->a + 384,
        .v = s->a + 768,
        .ldkv = ld,
        .out = s->out,
        .ldo = 384,
        .scratch = s->scratch};
}

/* Cosines and sines of an angle for each row and pair, so that repeating it keeps the lengths. */
static void prepare_rotate(struct subject *s)
{
    size_t m = s->row->m, half = ROTATED_HEAD / 2;
    s->a = new_floats(m * s->row->n, 1);
    s->vectors = new_floats(m * ROTATED_HEAD, 0);
    for (size_t i = 0; i < m * half; i++) {
        float *turns = s->vectors + i / half * ROTATED_HEAD + i % half;
        turns[0] = cosf((float)i);
        turns[half] = sinf((float)i);
    }
}

/* What is multiplied with the gate is 1, so that repeating it changes nothing. */
static void prepare_gate(struct subject *s)
{
    size_t m = s->row->m, n = s->row->n;
    s->a = new_floats(m * 2 * n, 1);
    for (size_t i = 0; i < m * n; i++)
        s->a[i / n * 2 * n + n + i % n] = 1;
}

static void prepare_rows(struct subject *s)
{
    size_t m = s->row->m, n = s->row->n;
    s->a = new_floats(m * n, 1);
    s->weights = new_floats(m * n, 1);
    s->vectors = new_floats(2 * n, 1);
    s->out = new_floats(n, 0);
    s->quantized = new_quantized(s->kernels, m, n);
    s->norm = (struct vf_norm_f32){.n = n,
        .rms = s->row->kind == ADD_RMS_NORM,
        .eps = 1e-12f,
        .gamma = s->vectors,
        .beta = s->vectors + n};
}

static void prepare(struct subject *s)
{
    switch (s->row->kind) {
    case LINEAR:
        prepare_linear(s);
        break;
    case LINEAR_BF16:
        prepare_bf16(s);
        break;
    case LINEAR_INT8:
        prepare_int8(s);
        break;
    case ATTENTION:
    case ATTENTION_INT16:
    case ATTENTION_INT8:
        prepare_attention(s);
        break;
    case ROTATE:
        prepare_rotate(s);
        break;
    case GATE:
        prepare_gate(s);
        break;
    default:
        prepare_rows(s);
    }
}

static void release(struct subject *s)
{
    free(s->a);
    free(s->weights);
    free(s->out);
    free(s->vectors);
    free(s->scratch);
    free(s->quantized.bytes);
}

static void run(void *context)
{
    struct subject *s = context;
    const struct row *row = s->row;
    switch (row->kind) {
    case LINEAR:
        s->kernels->linear_f32(&s->linear, row->epilogue, s->a, row->k, row->m, s->out, row->n);
        break;
    case LINEAR_BF16:
        s->kernels->linear_bf16(
            &s->linear_bf16, row->epilogue, s->a, row->k, row->m, s->out, row->n, s->scratch);
        break;
    case LINEAR_INT8:
        s->kernels->linear_int8(
            &s->linear_int8, row->epilogue, &s->quantized, row->m, s->out, row->n);
        break;
    case QUANTIZE:
        s->kernels->quantize_int8(s->a, row->n, row->m, row->n, NULL, &s->quantized);
        break;
    case ATTENTION:
        s->kernels->attention_f32(&s->attention);
        break;
    case ATTENTION_INT16:
        s->kernels->attention_int16(&s->attention);
        break;
    case ATTENTION_INT8:
        s->kernels->attention_int8(&s->attention);
        break;
    case ADD_NORM:
    case ADD_RMS_NORM:
        s->kernels->add_norm_f32(&s->norm, s->a, row->n, s->weights, row->n, row->m, s->a, row->n);
        break;
    case ROTATE:
        s->kernels->rotate_f32(
            s->vectors, ROTATED_HEAD, ROTATED_HEAD, row->n / ROTATED_HEAD, s->a, row->n, row->m);
        break;
    case GATE:
        s->kernels->gate_f32(row->epilogue, s->a, 2 * row->n, row->m, row->n);
        break;
    case POOL_MEAN:
        s->kernels->pool_mean_f32(s->a, row->n, row->m, row->n, s->out);
        break;
    case POOL_MAX:
        s->kernels->pool_max_f32(s->a, row->n, row->m, row->n, s->out);
        break;
    }
}

static void run_peak(void *context)
{
    vf_peak_fn *const *peak = context;
    (*peak)(PEAK_ROUNDS);
}

/* The peak that a row is a part of. */
static vf_peak_fn *peak_of(const struct subject *s)
{
    switch (s->row->kind) {
    case LINEAR_BF16:
        return s->kernels->peak_bf16;
    case LINEAR_INT8:
        return s->kernels->peak_int8;
    default:
        return s->kernels->peak_f32;
    }
}

/* Floating-point operations, or bytes moved, of one call; in billions. */
static double work(const struct row *row)
{
    double elements = (double)row->m * (double)row->n;
    switch (row->kind) {
    case LINEAR:
    case LINEAR_BF16:
    case LINEAR_INT8:
        return 2e-9 * elements * (double)row->k;
    case ATTENTION:
    case ATTENTION_INT16:
    case ATTENTION_INT8:
        return 4e-9 * elements * (double)row->k;
    case ADD_NORM:
    case ADD_RMS_NORM:
    case GATE:
        return 3e-9 * sizeof(float) * elements;
    case ROTATE:
        return 2e-9 * sizeof(float) * elements;
    case QUANTIZE:
        return 1e-9 * (sizeof(float) + sizeof(uint8_t)) * elements;
    default:
        return 1e-9 * sizeof(float) * elements;
    }
}

static double peak_gflops(vf_peak_fn *peak, double seconds)
{
    double operations = peak(PEAK_ROUNDS);
    return 1e-9 * operations / timing_of(run_peak, &peak, seconds).best;
}

/* Measures one row and returns it as a JSON object. The peak is taken before and after, and the
 * higher one counts, for the clock of the processor moves. */
static json_t *measure(struct vf_kernels *kernels, const struct row *row, double seconds)
{
    struct subject s = {.row = row, .kernels = kernels};
    prepare(&s);
    double before = peak_gflops(peak_of(&s), seconds / 4);
    struct timing timing = timing_of(run, &s, seconds);
    double after = peak_gflops(peak_of(&s), seconds / 4);
    release(&s);
    double peak = before > after ? before : after;
    double best = work(row) / timing.best, median = work(row) / timing.median;
    char shape[48];
    snprintf(shape, sizeof shape, row->k ? "%zux%zux%zu" : "%zux%zu", row->m, row->n, row->k);
    printf("%-11s %-22s %-13s %9.1f %9.1f", kernels->tier, row->name, shape, best, median);
    json_t *result = json_pack("{s:s, s:s, s:s, s:f, s:i}", "tier", kernels->tier, "kernel",
        row->name, "shape", shape, "seconds", timing.best, "samples", (int)timing.samples);
    if (row->k) {
        printf(" GFLOP/s %6.1f %% of %.1f\n", 100 * best / peak, peak);
        json_object_set_new(result, "gflops", json_real(best));
        json_object_set_new(result, "gflops_median", json_real(median));
        json_object_set_new(result, "gflops_peak", json_real(peak));
    } else {
        printf(" GB/s\n");
        json_object_set_new(result, "gbytes_per_second", json_real(best));
        json_object_set_new(result, "gbytes_per_second_median", json_real(median));
    }
    fflush(stdout);
    return result;
}

static const char usage[] =
    "usage: bench_kernels [--tier NAME] [--kernel NAME] [--seconds S] [--json FILE]\n"
    "  --tier NAME    only this tier, e.g. avx2; VECFILL_MAX_ISA caps them all\n"
    "  --kernel NAME  only kernels whose name begins so, e.g. attention\n"
    "  --seconds S    time for each line, default 0.3\n"
    "  --json FILE    write the figures to FILE as well\n";

struct options {
    const char *tier, *kernel, *json_path;
    double seconds;
};

/* Returns the exit status to end with, or -1 to go on. */
static int parse(int argc, char **argv, struct options *ret)
{
    static const struct option known[] = {{"tier", required_argument, NULL, 't'},
        {"kernel", required_argument, NULL, 'k'}, {"seconds", required_argument, NULL, 's'},
        {"json", required_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        char *end = NULL;
        switch (option) {
        case 't':
            ret->tier = optarg;
            break;
        case 'k':
            ret->kernel = optarg;
            break;
        case 'j':
            ret->json_path = optarg;
            break;
        case 's':
            ret->seconds = strtod(optarg, &end);
            if (end != optarg && *end == '\0' && ret->seconds > 0)
                break;
            fputs(usage, stderr);
            return 2;
        default:
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind == argc)
        return -1;
    fputs(usage, stderr);
    return 2;
}

static json_t *measure_all(const struct options *options, unsigned flags)
{
    size_t n_tiers;
    const struct vf_cpu_tier *tiers = vf_cpu_tiers(&n_tiers);
    json_t *results = json_array();
    for (size_t t = 0; t < n_tiers; t++) {
        struct vf_kernels kernels;
        vf_kernels_init(&kernels, flags & tiers[t].flags);
        if (strcmp(kernels.tier, tiers[t].name) != 0 ||
            (options->tier && strcmp(options->tier, kernels.tier) != 0))
            continue;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            if (strncmp(rows[i].name, options->kernel, strlen(options->kernel)) == 0)
                json_array_append_new(results, measure(&kernels, &rows[i], options->seconds));
    }
    return results;
}

int main(int argc, char **argv)
{
    struct options options = {.kernel = "", .seconds = 0.3};
    int status = parse(argc, argv, &options);
    if (status >= 0)
        return status;
    unsigned flags;
    struct vf_err err;
    if (vf_cpu_flags(NULL, &flags, &err)) {
        fprintf(stderr, "bench_kernels: %s\n", err.msg);
        return 2;
    }
    printf("%-11s %-22s %-13s %9s %9s\n", "tier", "kernel", "shape", "best", "median");
    json_t *results = measure_all(&options, flags);
    status = 0;
    if (json_array_size(results) == 0) {
        fprintf(stderr, "bench_kernels: no such tier or kernel on this machine\n");
        status = 2;
    } else if (options.json_path &&
               json_dump_file(results, options.json_path, JSON_INDENT(2)) != 0) {
        perror(options.json_path);
        status = 1;
    }
    json_decref(results);
    return status;
}
