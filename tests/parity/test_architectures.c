/* A small model of every architecture against transformers: the vectors of token ids and of texts,
 * on every tier, and the same bits however many threads there are and whatever else is encoded.
 *
 *     test_architectures          all models
 *     test_architectures MODEL    one of them
 */
#include <vecfill/vecfill.h>

#include "cpu/cpu.h"
#include "harness.h"
#include "support/architecture_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 1e-5;

static const char *const models[] = {"bert"};

static struct vf_embedder *open_model(
    const struct architecture_model *model, const char *name, const char *tier, unsigned threads)
{
    struct vf_options options;
    struct vf_embedder *embedder = NULL;
    struct vf_err err;
    vf_options_init(&options);
    options.model = model->scratch.path;
    options.max_isa = tier;
    options.threads = threads;
    int rc = vf_open(&options, &embedder, &err);
    vf_check(rc == 0, "%s: %s", name, err.msg);
    vf_check(vf_info(embedder)->dimensions == model->dimensions, "%s: %zu dimensions", name,
        vf_info(embedder)->dimensions);
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
static double compare_with_expected(
    const struct architecture_model *model, const char *name, const char *tier, float *vectors)
{
    double largest = 0;
    struct vf_embedder *embedder = open_model(model, name, tier, 1);
    for (size_t i = 0; i < model->n; i++) {
        const struct expected_vector *expected = &model->expected[i];
        float *vector = vectors + i * model->dimensions;
        embed_one(embedder, expected, vector);
        double difference = largest_difference(vector, expected->vector, model->dimensions);
        vf_check(difference <= TOLERANCE, "%s, %s, %s of %zu tokens: %g", name,
            vf_info(embedder)->isa, expected->text ? "a text" : "ids", expected->n, difference);
        if (difference > largest)
            largest = difference;
    }
    vf_close(embedder);
    return largest;
}

/* Encodes all sequences in one call on two threads: the bits of `vectors`. */
static void check_same_bits(const struct architecture_model *model, const char *name,
    const char *tier, const float *vectors)
{
    struct vf_err err;
    struct vf_embedder *embedder = open_model(model, name, tier, 2);
    struct vf_sequence *sequences = calloc(model->n, sizeof *sequences);
    float *together = calloc(model->n * model->dimensions, sizeof *together);
    size_t n = 0;
    assert_true(sequences && together);
    for (; n < model->n && model->expected[n].ids; n++)
        sequences[n] = (struct vf_sequence){model->expected[n].ids, model->expected[n].n};
    int rc = vf_encode(embedder, sequences, n, together, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_check(memcmp(vectors, together, n * model->dimensions * sizeof *together) == 0,
        "%s, %s: two threads give other bits", name, vf_info(embedder)->isa);
    free(together);
    free(sequences);
    vf_close(embedder);
}

static void check_model(const char *name)
{
    struct architecture_model model;
    size_t n_tiers;
    const struct vf_cpu_tier *tiers = vf_cpu_tiers(&n_tiers);
    architecture_model_init(&model, name);
    float *vectors = calloc(model.n * model.dimensions, sizeof *vectors);
    assert_non_null(vectors);
    for (size_t t = 0; t < n_tiers; t++) {
        double largest = compare_with_expected(&model, name, tiers[t].name, vectors);
        check_same_bits(&model, name, tiers[t].name, vectors);
        print_message("%-22s %-12s %.1e\n", name, tiers[t].name, largest);
    }
    free(vectors);
    architecture_model_release(&model);
}

static const char *only_model;

static void test_models(void **state)
{
    (void)state;
    if (only_model)
        check_model(only_model);
    for (size_t i = 0; !only_model && i < VF_COUNT(models); i++)
        check_model(models[i]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_models)};
    only_model = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
