/* A small model of every architecture against transformers: the vectors of token ids and of texts,
 * on every tier, and the same bits however many threads there are and whatever else is encoded;
 * and their directions in lower precisions.
 *
 *     test_architectures             all models
 *     test_architectures MODEL...    those
 */
#include <vecfill/vecfill.h>

#include "cpu/cpu.h"
#include "harness.h"
#include "support/architecture_model.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 1e-5;

/* What the reference, which is made to be read, computes in a second. */
enum { MAX_REFERENCE_TOKENS = 600 };

static const struct {
    const char *name;
    enum vf_precision precision;
    double least_cosine; /* what is promised */
} lower_precisions[] = {{"bf16", VF_PRECISION_BF16, 0.9999}};

static const struct {
    const char *name, *task; /* the task whose adapter was used; NULL: there are none */
} models[] = {
    {"bert", NULL},
    {"distilbert", NULL},
    {"roberta", NULL},
    {"xlm_roberta", NULL},
    {"camembert", NULL},
    {"mpnet", NULL},
    {"albert", NULL},
    {"electra", NULL},
    {"deberta_v2", NULL},
    {"nomic_bert", NULL},
    {"nomic_bert_remote", NULL},
    {"modernbert", NULL},
    {"gte", NULL},
    {"gte_remote", NULL},
    {"eurobert", NULL},
    {"jina_embeddings_v3", NULL},
    {"jina_v3_remote", "retrieval.passage"},
    {"qwen3", NULL},
    {"gemma3_text", NULL},
    {"bert_tanh", NULL},
    {"electra_wide", NULL},
    {"albert_groups", NULL},
    {"deberta_v2_exact", NULL},
    {"deberta_v2_unshared", NULL},
    {"deberta_v2_absolute", NULL},
    {"modernbert_biases", NULL},
    {"eurobert_biases", NULL},
    {"qwen3_windows", NULL},
    {"qwen3_bidirectional", NULL},
    {"gemma3_causal", NULL},
    {"heads_of_32", NULL},
    {"heads_of_64", NULL},
    {"heads_of_96", NULL},
    {"heads_of_128", NULL},
    {"wide", NULL},
};

/* A model as one tier computes it. */
struct run {
    const struct architecture_model *model;
    const char *name, *task, *tier;
    enum vf_precision precision;
    size_t n;       /* expectations that are compared, the first ones */
    float *vectors; /* [n][dimensions] */
};

static struct vf_embedder *open_model(const struct run *run, unsigned threads)
{
    struct vf_options options;
    struct vf_embedder *embedder = NULL;
    struct vf_err err;
    vf_options_init(&options);
    options.model = run->model->scratch.path;
    options.task = run->task;
    options.max_isa = run->tier;
    options.precision = run->precision;
    options.threads = threads;
    int rc = vf_open(&options, &embedder, &err);
    vf_check(rc == 0, "%s: %s", run->name, err.msg);
    vf_check(vf_info(embedder)->dimensions == run->model->dimensions, "%s: %zu dimensions",
        run->name, vf_info(embedder)->dimensions);
    return embedder;
}

/* Embeds one expectation alone. */
static void embed_one(
    struct vf_embedder *embedder, const struct expected_vector *expected, float *vector)
{
    struct vf_err err;
    struct vf_text_result result = {.n_tokens = expected->n};
    int rc;
    if (expected->text)
        rc = vf_embed(embedder, &(struct vf_text){expected->text, strlen(expected->text)}, 1,
            vector, &result, &err);
    else
        rc =
            vf_encode(embedder, &(struct vf_sequence){expected->ids, expected->n}, 1, vector, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_check(result.n_tokens == expected->n, "%zu tokens, not %zu: %s", result.n_tokens,
        expected->n, expected->text);
}

static double largest_difference(const float *a, const float *b, size_t n)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        if (!(difference <= largest))
            largest = difference;
    }
    return largest;
}

/* Embeds everything alone on one thread; returns the largest difference from what is expected. */
static double compare_with_expected(const struct run *run, struct vf_embedder *embedder)
{
    double largest = 0;
    size_t dimensions = run->model->dimensions;
    for (size_t i = 0; i < run->n; i++) {
        const struct expected_vector *expected = &run->model->expected[i];
        float *vector = run->vectors + i * dimensions;
        embed_one(embedder, expected, vector);
        double difference = largest_difference(vector, expected->vector, dimensions);
        vf_check(difference <= TOLERANCE, "%s, %s, %s of %zu tokens: %g", run->name, run->tier,
            expected->text ? "a text" : "ids", expected->n, difference);
        if (difference > largest)
            largest = difference;
    }
    return largest;
}

/* Encodes all sequences in one call on two threads, and the longest alone, so that both threads
 * work on it: the same bits. */
static void check_same_bits(const struct run *run)
{
    struct vf_err err;
    size_t n = 0, dimensions = run->model->dimensions, longest = 0;
    struct vf_embedder *embedder = open_model(run, 2);
    struct vf_sequence *sequences = calloc(run->n, sizeof *sequences);
    float *together = calloc(run->n * dimensions, sizeof *together);
    assert_true(sequences && together);
    for (; n < run->n && run->model->expected[n].ids; n++)
        sequences[n] = (struct vf_sequence){run->model->expected[n].ids, run->model->expected[n].n};
    int rc = vf_encode(embedder, sequences, n, together, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_check(memcmp(run->vectors, together, n * dimensions * sizeof *together) == 0,
        "%s, %s: two threads give other bits", run->name, run->tier);
    for (size_t i = 1; i < n; i++)
        longest = sequences[i].n_ids > sequences[longest].n_ids ? i : longest;
    rc = vf_encode(embedder, &sequences[longest], 1, together, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_check(
        memcmp(run->vectors + longest * dimensions, together, dimensions * sizeof *together) == 0,
        "%s, %s: two threads on one text give other bits", run->name, run->tier);
    free(together);
    free(sequences);
    vf_close(embedder);
}

static double cosine(const float *a, const float *b, size_t n)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return dot / sqrt(aa * bb);
}

static double least_cosine(const struct run *run)
{
    double least = 1;
    struct vf_embedder *embedder = open_model(run, 1);
    for (size_t i = 0; i < run->n; i++) {
        const struct expected_vector *expected = &run->model->expected[i];
        embed_one(embedder, expected, run->vectors);
        double found = cosine(run->vectors, expected->vector, run->model->dimensions);
        if (!(found >= least))
            least = found;
    }
    vf_close(embedder);
    return least;
}

static size_t count_expected(const struct architecture_model *model, bool is_reference)
{
    size_t n = 0;
    while (n < model->n && (!is_reference || model->expected[n].n <= MAX_REFERENCE_TOKENS))
        n++;
    return n;
}

static void check_model(const char *name, const char *task)
{
    struct architecture_model model;
    const char *last = "";
    size_t n_tiers;
    const struct vf_cpu_tier *tiers = vf_cpu_tiers(&n_tiers);
    architecture_model_init(&model, name);
    float *vectors = calloc(model.n * model.dimensions, sizeof *vectors);
    assert_non_null(vectors);
    for (size_t t = 0; t < n_tiers; t++) {
        size_t n = count_expected(&model, tiers[t].flag == VF_TIER_REF);
        const struct run run = {&model, name, task, tiers[t].name, VF_PRECISION_FP32, n, vectors};
        struct vf_embedder *embedder = open_model(&run, 1);
        const char *kernels = vf_info(embedder)->isa;
        if (strcmp(kernels, last) != 0) { /* else a tier without kernels of its own for float32 */
            double largest = compare_with_expected(&run, embedder);
            check_same_bits(&run);
            print_message("%-20s %-8s %.1e\n", name, kernels, largest);
        }
        last = kernels;
        vf_close(embedder);
    }
    for (size_t i = 0; i < VF_COUNT(lower_precisions); i++) {
        const struct run run = {&model, name, task, NULL, lower_precisions[i].precision,
            count_expected(&model, true), vectors};
        double least = least_cosine(&run);
        print_message("%-20s %-8s %.6f\n", name, lower_precisions[i].name, least);
        vf_check(least >= lower_precisions[i].least_cosine, "%s, %s: cosine %g", name,
            lower_precisions[i].name, least);
    }
    free(vectors);
    architecture_model_release(&model);
}

static char **wanted; /* names, ended by NULL; none: all models */

static bool is_wanted(const char *name)
{
    if (!*wanted)
        return true;
    for (char **one = wanted; *one; one++)
        if (strcmp(*one, name) == 0)
            return true;
    return false;
}

static void test_models(void **state)
{
    (void)state;
    size_t checked = 0;
    for (size_t i = 0; i < VF_COUNT(models); i++) {
        if (!is_wanted(models[i].name))
            continue;
        check_model(models[i].name, models[i].task);
        checked++;
    }
    size_t expected = *wanted ? 0 : VF_COUNT(models);
    for (char **one = wanted; *one; one++)
        expected++;
    assert_int_equal(checked, expected);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_models)};
    wanted = argv + (argc > 0 ? 1 : 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
