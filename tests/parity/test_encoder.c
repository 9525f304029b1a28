/* The encoder against a naive forward pass, and against itself: the same bits however the work is
 * cut, ordered and spread over threads. */
#include "encoder/encoder.h"

#include "encoder/int8_weights.h"
#include "encoder/packed_network.h"
#include "harness.h"
#include "naive_network.h"
#include "support/architecture_model.h"
#include "support/tiny_model.h"
#include "unit/scratch.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* float32 rounds each of the some hundred operations on the way of a value that is of order 1 or
 * (normalised) below; wrong arithmetic is off by far more. */
static const double TOLERANCE = 1e-5;

/* What bf16 promises. */
static const double LEAST_COSINE = 0.9999;

enum { MAX_TOKENS = 300, SEQUENCES = 41 };

static const char *const tiers[] = {"ref",
#if defined(__x86_64__)
    "avx2", "avx512"
#endif
};

/* A tiny model on disk and some sequences for it. */
struct fixture {
    struct scratch scratch;
    struct vf_model *model;
    size_t hidden;
    int32_t ids[SEQUENCES][MAX_TOKENS];
    struct vf_sequence_ref sequences[SEQUENCES]; /* vectors in `vectors` */
    float *vectors;
};

/* Opens the model that is written already. */
static void open_directory(struct fixture *fixture, const char *directory)
{
    struct vf_err err;
    uint64_t random = 1;
    int rc = vf_model_open(directory, NULL, true, &fixture->model, &err);
    vf_check(rc == 0, "%s", err.msg);
    const struct vf_network *network = &vf_model_config(fixture->model)->network;
    size_t vocab = network->vocab_size;
    fixture->hidden = network->hidden_size;
    fixture->vectors = calloc(SEQUENCES * fixture->hidden, sizeof(float));
    vf_check(fixture->vectors, "vectors");
    for (size_t i = 0; i < SEQUENCES; i++) {
        for (size_t j = 0; j < MAX_TOKENS; j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            fixture->ids[i][j] = (int32_t)((random >> 33) % vocab);
        }
        /* Every length up to 20, then longer ones, in no order; one of each extreme. */
        size_t n = i == 0 ? MAX_TOKENS : i < 21 ? 21 - i : i * 37 % 90 + 1;
        fixture->sequences[i] =
            (struct vf_sequence_ref){fixture->ids[i], n, fixture->vectors + i * fixture->hidden, 0};
    }
}

static void close_model(struct fixture *fixture)
{
    free(fixture->vectors);
    vf_model_close(fixture->model);
}

static void open_fixture(struct fixture *fixture, const struct tiny_model *model)
{
    scratch_init(&fixture->scratch);
    tiny_model_write(model, fixture->scratch.path);
    open_directory(fixture, fixture->scratch.path);
}

static void close_fixture(struct fixture *fixture)
{
    close_model(fixture);
    scratch_release(&fixture->scratch);
}

static struct vf_encoder *new_precise_encoder(const struct fixture *fixture,
    enum vf_precision precision, unsigned threads, const char *max_isa)
{
    int rc = 0;
    struct vf_err err;
    struct vf_encoder *encoder = NULL;
    struct vf_int8_weights int8 = {0};
    if (precision == VF_PRECISION_INT8)
        rc = vf_int8_weights_make(
            fixture->model, fixture->sequences, SEQUENCES, threads, &int8, &err);
    vf_check(rc == 0, "%s", err.msg);
    rc = vf_encoder_new(fixture->model,
        &(struct vf_encoder_options){.threads = threads,
            .precision = precision,
            .int8 = precision == VF_PRECISION_INT8 ? &int8 : NULL,
            .max_isa = max_isa,
            .max_tokens = MAX_TOKENS},
        &encoder, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_int8_weights_release(&int8);
    return encoder;
}

static struct vf_encoder *new_encoder(
    const struct fixture *fixture, unsigned threads, const char *max_isa)
{
    return new_precise_encoder(fixture, VF_PRECISION_FP32, threads, max_isa);
}

static void run(struct vf_encoder *encoder, const struct vf_sequence_ref *sequences, size_t n)
{
    struct vf_err err;
    int rc = vf_encoder_run(encoder, sequences, n, &err);
    vf_check(rc == 0, "%s", err.msg);
}

static double cosine(const double *a, const float *b, size_t n)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t j = 0; j < n; j++) {
        dot += a[j] * (double)b[j];
        aa += a[j] * a[j];
        bb += (double)b[j] * (double)b[j];
    }
    return dot / sqrt(aa * bb);
}

/* The naive vectors of the sequences that are compared: all of the short ones, some of the others.
 */
struct naive {
    size_t n, index[SEQUENCES]; /* of the sequence */
    double *vectors;            /* [n][hidden] */
};

static struct naive compute_naive(const struct fixture *fixture)
{
    struct naive naive = {.vectors = calloc(SEQUENCES * fixture->hidden, sizeof(double))};
    vf_check(naive.vectors, "memory");
    for (size_t i = 0; i < SEQUENCES; i += i < 20 ? 1 : 7) {
        naive_network(fixture->model, fixture->ids[i], fixture->sequences[i].n,
            naive.vectors + naive.n * fixture->hidden);
        naive.index[naive.n++] = i;
    }
    return naive;
}

static void compare_components(
    const struct fixture *fixture, const struct naive *naive, const char *what, const char *tier)
{
    for (size_t i = 0; i < naive->n; i++) {
        const struct vf_sequence_ref *sequence = &fixture->sequences[naive->index[i]];
        for (size_t j = 0; j < fixture->hidden; j++) {
            double expected = naive->vectors[i * fixture->hidden + j];
            double difference = fabs(expected - (double)sequence->vector[j]);
            vf_check(difference <= TOLERANCE, "%s, %s, %zu tokens, component %zu: %g", what, tier,
                sequence->n, j, difference);
        }
    }
}

static void compare_directions(
    const struct fixture *fixture, const struct naive *naive, const char *what, const char *tier)
{
    for (size_t i = 0; i < naive->n; i++) {
        const struct vf_sequence_ref *sequence = &fixture->sequences[naive->index[i]];
        double got =
            cosine(naive->vectors + i * fixture->hidden, sequence->vector, fixture->hidden);
        vf_check(got >= LEAST_COSINE, "%s, %s, %zu tokens: %g", what, tier, sequence->n, got);
    }
}

static void test_equals_naive(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t hidden, intermediate, layers, heads;
        const char *pooling, *activation;
        bool normalize;
    } cases[] = {
        {"head size 32", 64, 128, 2, 2, "mean", "gelu", true},
        {"head size 1", 5, 7, 1, 5, "mean", "gelu", false},
        {"no multiple of any tile", 52, 201, 2, 4, "cls", "gelu_new", false},
        {"head size 20", 60, 100, 3, 3, "max", "relu", false},
        {"head size 64", 64, 48, 2, 1, "cls", "silu", true},
        {"head size 96", 96, 48, 1, 1, "max", "gelu", true},
        {"head size 128", 128, 48, 1, 1, "mean", "gelu", true},
        {"inner size 4096", 8, 4096, 1, 1, "mean", "gelu", true},
        {"32 layers", 8, 12, 32, 2, "cls", "gelu", true},
        {"head size 256", 256, 64, 1, 1, "cls", "relu", true},
        {"two of everything", 2, 2, 2, 2, "mean", "gelu", false},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct tiny_model model;
        struct fixture fixture;
        tiny_model_init(&model);
        model.hidden = cases[i].hidden;
        model.intermediate = cases[i].intermediate;
        model.layers = cases[i].layers;
        model.heads = cases[i].heads;
        model.pooling = cases[i].pooling;
        model.activation = cases[i].activation;
        model.normalize = cases[i].normalize;
        model.max_positions = MAX_TOKENS;
        open_fixture(&fixture, &model);
        struct naive naive = compute_naive(&fixture);
        for (size_t t = 0; t < VF_COUNT(tiers); t++) {
            struct vf_encoder *encoder = new_encoder(&fixture, 2, tiers[t]);
            run(encoder, fixture.sequences, SEQUENCES);
            compare_components(&fixture, &naive, cases[i].name, vf_encoder_isa(encoder));
            vf_encoder_free(encoder);
            encoder = new_precise_encoder(&fixture, VF_PRECISION_BF16, 2, tiers[t]);
            run(encoder, fixture.sequences, SEQUENCES);
            compare_directions(&fixture, &naive, cases[i].name, vf_encoder_isa(encoder));
            vf_encoder_free(encoder);
        }
        free(naive.vectors);
        close_fixture(&fixture);
    }
}

static void open_default(struct fixture *fixture)
{
    struct tiny_model model;
    tiny_model_init(&model);
    model.hidden = 52;
    model.heads = 4;
    model.max_positions = MAX_TOKENS;
    open_fixture(fixture, &model);
}

/* Runs the sequences in the order i * step mod SEQUENCES (a prime), `batch` at a time. */
static void run_cut(
    struct vf_encoder *encoder, const struct fixture *fixture, size_t step, size_t batch)
{
    struct vf_sequence_ref order[SEQUENCES];
    memset(fixture->vectors, 0xff, SEQUENCES * fixture->hidden * sizeof(float));
    for (size_t i = 0; i < SEQUENCES; i++)
        order[i] = fixture->sequences[i * step % SEQUENCES];
    for (size_t i = 0; i < SEQUENCES; i += batch)
        run(encoder, order + i, SEQUENCES - i < batch ? SEQUENCES - i : batch);
}

static void check_same_bits(enum vf_precision precision)
{
    static const struct {
        size_t step, batch;
    } cuts[] = {{1, SEQUENCES}, {40, 7}, {13, 1}, {5, 2}, {29, 16}};
    struct fixture fixture;
    open_default(&fixture);
    size_t bytes = SEQUENCES * fixture.hidden * sizeof(float);
    float *expected = malloc(bytes);
    vf_check(expected, "memory");
    for (size_t t = 0; t < VF_COUNT(tiers); t++) {
        for (unsigned threads = 1; threads <= 8; threads++) {
            struct vf_encoder *encoder =
                new_precise_encoder(&fixture, precision, threads, tiers[t]);
            if (threads == 1) {
                run_cut(encoder, &fixture, 1, 1);
                memcpy(expected, fixture.vectors, bytes);
            }
            for (size_t i = 0; i < VF_COUNT(cuts); i++) {
                run_cut(encoder, &fixture, cuts[i].step, cuts[i].batch);
                vf_check(memcmp(expected, fixture.vectors, bytes) == 0,
                    "%s, %u threads, step %zu, batch %zu", vf_encoder_isa(encoder), threads,
                    cuts[i].step, cuts[i].batch);
            }
            vf_encoder_free(encoder);
        }
    }
    free(expected);
    close_fixture(&fixture);
}

static void test_same_bits(void **state)
{
    (void)state;
    check_same_bits(VF_PRECISION_FP32);
}

static void test_same_bits_bf16(void **state)
{
    (void)state;
    check_same_bits(VF_PRECISION_BF16);
}

static void test_same_bits_int8(void **state)
{
    (void)state;
    check_same_bits(VF_PRECISION_INT8);
}

static void attention_in_16_bits(const struct vf_attention_f32 *attention)
{
    (void)attention;
}

static void attention_in_8_bits(const struct vf_attention_f32 *attention)
{
    (void)attention;
}

/* Which a processor without dot products of integers could not tell from the results. */
static void test_lower_precisions_attend_in_integers(void **state)
{
    (void)state;
    struct tiny_model model;
    struct fixture fixture;
    struct vf_kernels kernels;
    struct vf_int8_weights int8 = {0};
    struct vf_err err;
    vf_kernels_init(&kernels, 0);
    kernels.attention_int16 = attention_in_16_bits;
    kernels.attention_int8 = attention_in_8_bits;
    vf_attention_f32_fn *const wanted[] = {
        [VF_PRECISION_FP32] = kernels.attention_f32,
        [VF_PRECISION_BF16] = attention_in_16_bits,
        [VF_PRECISION_INT8] = attention_in_8_bits,
    };
    tiny_model_init(&model);
    open_fixture(&fixture, &model);
    int rc = vf_int8_weights_make(fixture.model, fixture.sequences, SEQUENCES, 1, &int8, &err);
    vf_check(rc == 0, "%s", err.msg);
    for (enum vf_precision p = VF_PRECISION_FP32; p <= VF_PRECISION_INT8; p++) {
        struct vf_packed_network packed;
        const struct vf_encoder_options options = {.threads = 1,
            .precision = p,
            .int8 = p == VF_PRECISION_INT8 ? &int8 : NULL,
            .max_tokens = model.max_positions};
        rc = vf_packed_network_init(&packed, fixture.model, &kernels, &options, &err);
        vf_check(rc == 0, "%s", err.msg);
        vf_check(packed.attend == wanted[p], "precision %d", (int)p);
        vf_packed_network_release(&packed);
    }
    vf_int8_weights_release(&int8);
    close_fixture(&fixture);
}

/* Half the memory, but for the positions, biases and norms. */
static void test_bf16_halves_weights(void **state)
{
    (void)state;
    struct tiny_model model;
    struct fixture fixture;
    tiny_model_init(&model);
    model.hidden = 256;
    model.intermediate = 1024;
    model.max_positions = MAX_TOKENS;
    open_fixture(&fixture, &model);
    struct vf_encoder *whole = new_encoder(&fixture, 1, NULL);
    struct vf_encoder *half = new_precise_encoder(&fixture, VF_PRECISION_BF16, 1, NULL);
    size_t matrices = model.layers * (4 * 256 * 256 + 2 * 256 * 1024);
    assert_int_equal(vf_encoder_weight_bytes(whole) - vf_encoder_weight_bytes(half), 2 * matrices);
    vf_encoder_free(whole);
    vf_encoder_free(half);
    close_fixture(&fixture);
}

struct caller {
    pthread_t thread;
    struct vf_encoder *encoder;
    const struct fixture *fixture;
    size_t first;
    float *vectors;
};

enum { CALLERS = 4, CALLS = 6 };

static void *call_repeatedly(void *arg)
{
    struct caller *caller = arg;
    struct vf_sequence_ref mine[SEQUENCES];
    struct vf_err err;
    for (size_t i = 0; i < SEQUENCES; i++) {
        mine[i] = caller->fixture->sequences[i];
        mine[i].vector = caller->vectors + i * caller->fixture->hidden;
    }
    for (size_t call = 0; call < CALLS; call++) {
        size_t first = (caller->first + call * 5) % SEQUENCES;
        if (vf_encoder_run(caller->encoder, mine + first, SEQUENCES - first, &err) ||
            vf_encoder_run(caller->encoder, mine, first, &err))
            return NULL;
    }
    return arg;
}

/* Calls from several threads share the workers and do not disturb each other. */
static void test_concurrent_calls(void **state)
{
    (void)state;
    struct fixture fixture;
    struct caller callers[CALLERS];
    open_default(&fixture);
    struct vf_encoder *encoder = new_encoder(&fixture, 3, NULL);
    run_cut(encoder, &fixture, 1, 1);
    size_t bytes = SEQUENCES * fixture.hidden * sizeof(float);
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){
            .encoder = encoder, .fixture = &fixture, .first = i * 3, .vectors = malloc(bytes)};
        vf_check(callers[i].vectors, "memory");
        int code = pthread_create(&callers[i].thread, NULL, call_repeatedly, &callers[i]);
        vf_check(code == 0, "thread %zu", i);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        void *result;
        pthread_join(callers[i].thread, &result);
        vf_check(result, "caller %zu", i);
        vf_check(memcmp(fixture.vectors, callers[i].vectors, bytes) == 0, "caller %zu", i);
        free(callers[i].vectors);
    }
    vf_encoder_free(encoder);
    close_fixture(&fixture);
}

/* Puts padding tokens inside, which tokenizers do not make of a text without their names. */
static void fill_with_padding(struct fixture *fixture, int32_t padding_id)
{
    for (size_t i = 0; i < SEQUENCES; i++)
        for (size_t j = i % 5; j < MAX_TOKENS; j += 4 + i % 3)
            fixture->ids[i][j] = padding_id;
}

/* Every piece that there is, in small models that test_architectures compares with transformers. */
static void test_architectures_equal_naive(void **state)
{
    (void)state;
    static const char *const names[] = {"albert", "deberta_v2", "electra", "eurobert", "gte",
        "modernbert", "mpnet", "nomic_bert", "qwen3", "roberta"};
    for (size_t i = 0; i < VF_COUNT(names); i++) {
        struct architecture_model files;
        struct fixture fixture;
        architecture_model_init(&files, names[i]);
        open_directory(&fixture, files.scratch.path);
        int32_t padding_id = vf_model_config(fixture.model)->network.padding_id;
        if (padding_id >= 0)
            fill_with_padding(&fixture, padding_id);
        struct naive naive = compute_naive(&fixture);
        struct vf_encoder *encoder = new_encoder(&fixture, 2, NULL);
        run(encoder, fixture.sequences, SEQUENCES);
        compare_components(&fixture, &naive, names[i], vf_encoder_isa(encoder));
        vf_encoder_free(encoder);
        free(naive.vectors);
        close_model(&fixture);
        architecture_model_release(&files);
    }
}

/* A text of `n` tokens in a model that takes as many. */
static void open_long(struct fixture *fixture, int32_t *ids, size_t n, const char *pooling)
{
    struct tiny_model model;
    tiny_model_init(&model);
    model.hidden = 8;
    model.intermediate = 16;
    model.layers = 2;
    model.heads = 1;
    model.max_positions = n;
    model.pooling = pooling;
    open_fixture(fixture, &model);
    size_t vocab = vf_model_config(fixture->model)->network.vocab_size;
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(i * i % vocab);
}

static void run_long(const struct fixture *fixture, const int32_t *ids, size_t n, unsigned threads,
    const char *tier, float *vector)
{
    struct vf_err err;
    struct vf_encoder *encoder = NULL;
    int rc = vf_encoder_new(fixture->model,
        &(struct vf_encoder_options){.threads = threads, .max_isa = tier, .max_tokens = n},
        &encoder, &err);
    vf_check(rc == 0, "%s", err.msg);
    run(encoder, &(struct vf_sequence_ref){.ids = ids, .n = n, .vector = vector}, 1);
    vf_encoder_free(encoder);
}

/* Texts longer than a span, which idle workers share. */
static void test_long_texts(void **state)
{
    (void)state;
    static const char *const poolings[] = {"mean", "cls"};
    static const size_t lengths[] = {257, 1000, 8192};
    enum { LONGEST = 8192, HIDDEN = 8, NAIVE = 1000 };
    static int32_t ids[LONGEST];
    double naive[HIDDEN];
    float alone[HIDDEN], shared[HIDDEN];
    for (size_t i = 0; i < VF_COUNT(lengths) * VF_COUNT(poolings); i++) {
        size_t n = lengths[i / VF_COUNT(poolings)];
        struct fixture fixture;
        open_long(&fixture, ids, n, poolings[i % VF_COUNT(poolings)]);
        if (n <= NAIVE)
            naive_network(fixture.model, ids, n, naive);
        for (size_t t = 0; t < VF_COUNT(tiers); t++) {
            if (n > NAIVE && strcmp(tiers[t], "ref") == 0)
                continue; /* slow */
            run_long(&fixture, ids, n, 1, tiers[t], alone);
            for (size_t j = 0; j < HIDDEN && n <= NAIVE; j++)
                vf_check(fabs(naive[j] - (double)alone[j]) <= TOLERANCE, "%zu tokens, %s: %g", n,
                    tiers[t], naive[j] - (double)alone[j]);
            for (unsigned threads = 2; threads <= 5; threads += 3) {
                run_long(&fixture, ids, n, threads, tiers[t], shared);
                vf_check(memcmp(alone, shared, sizeof alone) == 0, "%zu tokens, %s, %u threads", n,
                    tiers[t], threads);
            }
        }
        close_fixture(&fixture);
    }
}

#if defined(__linux__)

/* Each node has weights of its own, and nobody sees it in the vectors. */
static void test_memory_nodes(void **state)
{
    (void)state;
    static const struct {
        unsigned threads;
        size_t copies;
    } cases[] = {{1, 1}, {2, 2}, {3, 3}, {5, 3}};
    struct scratch root;
    struct fixture fixture;
    open_default(&fixture);
    scratch_init(&root);
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "sys/devices/system/node/node%d/cpulist", i);
        scratch_write(&root, name, "0-4095\n", 7);
    }
    size_t bytes = SEQUENCES * fixture.hidden * sizeof(float);
    float *expected = malloc(bytes);
    vf_check(expected, "memory");
    struct vf_encoder *single = new_encoder(&fixture, 1, NULL);
    run_cut(single, &fixture, 1, SEQUENCES);
    memcpy(expected, fixture.vectors, bytes);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_encoder *encoder = NULL;
        int rc = vf_encoder_new(fixture.model,
            &(struct vf_encoder_options){
                .threads = cases[i].threads, .max_tokens = MAX_TOKENS, .system_root = root.path},
            &encoder, &err);
        vf_check(rc == 0, "%u threads: %s", cases[i].threads, err.msg);
        size_t copies = vf_encoder_weight_bytes(encoder) / vf_encoder_weight_bytes(single);
        vf_check(copies == cases[i].copies, "%u threads: %zu copies", cases[i].threads, copies);
        for (size_t batch = 1; batch <= SEQUENCES; batch += SEQUENCES - 1) {
            run_cut(encoder, &fixture, 1, batch);
            vf_check(memcmp(expected, fixture.vectors, bytes) == 0, "%u threads, batch %zu",
                cases[i].threads, batch);
        }
        vf_encoder_free(encoder);
    }
    vf_encoder_free(single);
    scratch_release(&root);
    free(expected);
    close_fixture(&fixture);
}

#endif

static void test_no_sequences(void **state)
{
    (void)state;
    struct fixture fixture;
    open_default(&fixture);
    struct vf_encoder *encoder = new_encoder(&fixture, 2, NULL);
    run(encoder, NULL, 0);
    vf_encoder_free(encoder);
    vf_encoder_free(NULL);
    close_fixture(&fixture);
}

static void test_bad_options(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct vf_encoder_options options;
    } cases[] = {
        {"no threads", {.threads = 0, .max_tokens = 8}},
        {"too many threads", {.threads = 1000000, .max_tokens = 8}},
        {"no tokens", {.threads = 1, .max_tokens = 0}},
        {"more tokens than positions", {.threads = 1, .max_tokens = MAX_TOKENS + 1}},
        {"unknown tier", {.threads = 1, .max_tokens = 8, .max_isa = "avx9"}},
    };
    struct fixture fixture;
    open_default(&fixture);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_encoder *encoder = NULL;
        int rc = vf_encoder_new(fixture.model, &cases[i].options, &encoder, &err);
        vf_check(rc == VF_ERR_USAGE && !encoder, "%s: %d", cases[i].name, rc);
        vf_check(err.code == VF_ERR_USAGE && err.msg[0], "%s: %s", cases[i].name, err.msg);
    }
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_naive),
        cmocka_unit_test(test_architectures_equal_naive),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_same_bits_bf16),
        cmocka_unit_test(test_same_bits_int8),
        cmocka_unit_test(test_lower_precisions_attend_in_integers),
        cmocka_unit_test(test_bf16_halves_weights),
        cmocka_unit_test(test_concurrent_calls),
        cmocka_unit_test(test_long_texts),
#if defined(__linux__)
        cmocka_unit_test(test_memory_nodes),
#endif
        cmocka_unit_test(test_no_sequences),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
