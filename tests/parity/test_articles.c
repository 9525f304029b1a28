/* The vectors of the real model for the sample articles against those of transformers, component
 * by component, and those in bf16 and int8 by their directions. Skipped where the model or the
 * articles are not on this machine: VECFILL_TEST_MODEL names the model's directory, else it is
 * looked for in the Hub's cache; VECFILL_TEST_DATA names the articles' folder, else they are looked
 * for beside the checkout. */
#include "encoder/encoder.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "embed/calibration_texts.h"
#include "encoder/int8_weights.h"
#include "harness.h"
#include "hub/hub.h"
#include "tokenizer/tokenizer.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "sentence-transformers/all-MiniLM-L6-v2"

static const double TOLERANCE = 1e-6;
static const double LEAST_COSINE_BF16 = 0.9999;
static const double LEAST_COSINE_INT8 = 0.999, MEAN_COSINE_INT8 = 0.9995;

enum { DIMENSIONS = 384, MAX_ARTICLES = 1000 };

/* The opened model; without one, `model` is NULL. */
struct fixture {
    struct vf_model *model;
    struct vf_tokenizer *tokenizer;
    struct vf_encoder *encoder, *bf16_encoder, *int8_encoder;
};

static char *model_directory(void)
{
    const char *named = getenv("VECFILL_TEST_MODEL");
    struct vf_hub_location location;
    struct vf_err err;
    if (named)
        return strdup(named);
    if (vf_hub_resolve(MODEL, NULL, NULL, &location, &err))
        return NULL;
    char *directory = strdup(location.directory);
    vf_hub_location_release(&location);
    return directory;
}

/* An encoder with weights that are rounded for the library's own texts. */
static struct vf_encoder *open_int8(
    const struct vf_model *model, const struct vf_tokenizer *tokenizer)
{
    struct vf_err err;
    struct vf_encoder *encoder = NULL;
    struct vf_calibration_texts texts;
    struct vf_int8_weights int8;
    int rc = vf_calibration_texts_read(tokenizer, VF_CALIBRATION_TOKENS, &texts, &err);
    vf_check(rc == 0, "%s", err.msg);
    rc = vf_int8_weights_make(model, texts.sequences, texts.n, 2, &int8, &err);
    vf_check(rc == 0, "%s", err.msg);
    rc = vf_encoder_new(model,
        &(struct vf_encoder_options){
            .threads = 2, .precision = VF_PRECISION_INT8, .int8 = &int8, .max_tokens = 512},
        &encoder, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_int8_weights_release(&int8);
    vf_calibration_texts_release(&texts);
    return encoder;
}

static int open_fixture(void **state)
{
    static struct fixture fixture;
    struct vf_err err;
    char *directory = model_directory();
    *state = &fixture;
    if (!directory)
        return 0;
    int rc = vf_model_open(directory, NULL, true, &fixture.model, &err);
    vf_check(rc == 0, "%s", err.msg);
    rc = vf_tokenizer_open(directory, false, &fixture.tokenizer, &err);
    vf_check(rc == 0, "%s", err.msg);
    rc = vf_encoder_new(fixture.model,
        &(struct vf_encoder_options){.threads = 2, .max_tokens = 512}, &fixture.encoder, &err);
    vf_check(rc == 0, "%s", err.msg);
    rc = vf_encoder_new(fixture.model,
        &(struct vf_encoder_options){
            .threads = 2, .precision = VF_PRECISION_BF16, .max_tokens = 512},
        &fixture.bf16_encoder, &err);
    vf_check(rc == 0, "%s", err.msg);
    fixture.int8_encoder = open_int8(fixture.model, fixture.tokenizer);
    free(directory);
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    vf_encoder_free(fixture->encoder);
    vf_encoder_free(fixture->bf16_encoder);
    vf_encoder_free(fixture->int8_encoder);
    vf_tokenizer_close(fixture->tokenizer);
    vf_model_close(fixture->model);
    return 0;
}

/* The path of a sample file; false when it is not there. */
static bool find_sample(const char *name, char path[static 512])
{
    const char *folder = getenv("VECFILL_TEST_DATA"), *root = getenv("VECFILL_TEST_ROOT");
    (void)snprintf(path, 512, "%s%s/%s", folder ? folder : (root ? root : "."),
        folder ? "" : "/../shared/data", name);
    return vf_is_file(path) && !strchr(path, '\'');
}

/* The rows of a two-dimensional float32 .npy file, whose header ends with the first newline. */
static float *read_vectors(const char *path, size_t n)
{
    FILE *file = fopen(path, "rb");
    vf_check(file, "%s", path);
    for (int c = 0; c != '\n' && c != EOF;)
        c = getc(file);
    float *vectors = calloc(n * DIMENSIONS, sizeof(*vectors));
    vf_check(vectors, "vectors");
    size_t rows = fread(vectors, DIMENSIONS * sizeof(*vectors), n, file);
    vf_check(rows == n && getc(file) == EOF, "%s: %zu rows", path, rows);
    fclose(file);
    return vectors;
}

static void encode_line(const struct vf_tokenizer *tokenizer, const char *line, size_t max_ids,
    struct vf_sequence_ref *ret)
{
    struct vf_err err;
    struct vf_buf text = {0};
    struct vf_ids ids = {0};
    const char *headline, *body;
    json_t *row;
    bool truncated;
    assert_int_equal(vf_json_parse(line, strlen(line), "article", &row, &err), 0);
    assert_int_equal(vf_json_get_string(row, "headline", "article", "", &headline, &err), 0);
    assert_int_equal(vf_json_get_string(row, "body", "article", "", &body, &err), 0);
    assert_int_equal(vf_buf_printf(&text, &err, "%s %s", headline, body), 0);
    int rc = vf_tokenizer_encode(tokenizer, text.data, text.size, max_ids, &ids, &truncated, &err);
    vf_check(rc == 0, "%s", err.msg);
    *ret = (struct vf_sequence_ref){.ids = ids.ids, .n = ids.n};
    vf_buf_release(&text);
    json_decref(row);
}

/* Tokenizes all articles; returns their number. */
static size_t read_sequences(const struct vf_tokenizer *tokenizer, const char *path, size_t max_ids,
    struct vf_sequence_ref sequences[static MAX_ARTICLES])
{
    char command[640], *line = NULL;
    size_t capacity = 0, n = 0;
    (void)snprintf(command, sizeof(command), "gzip -dc '%s'", path);
    FILE *articles = popen(command, "r");
    vf_check(articles, "%s", command);
    for (; getline(&line, &capacity, articles) > 0; n++) {
        vf_check(n < MAX_ARTICLES, "%s has too many articles", path);
        encode_line(tokenizer, line, max_ids, &sequences[n]);
    }
    vf_check(pclose(articles) == 0 && n > 0, "%s: %zu articles", command, n);
    free(line);
    return n;
}

static void check_components(const float *got, const float *expected, size_t article)
{
    for (size_t j = 0; j < DIMENSIONS; j++) {
        double difference = fabs((double)got[j] - (double)expected[j]);
        vf_check(difference <= TOLERANCE, "article %zu, component %zu: %g", article, j, difference);
    }
}

static void encode(struct vf_encoder *encoder, const struct vf_sequence_ref *sequences, size_t n)
{
    struct vf_err err;
    int rc = vf_encoder_run(encoder, sequences, n, &err);
    vf_check(rc == 0, "%s", err.msg);
}

static double cosine(const float *got, const float *expected)
{
    double dot = 0, squares = 0;
    for (size_t j = 0; j < DIMENSIONS; j++) {
        dot += (double)got[j] * (double)expected[j];
        squares += (double)got[j] * (double)got[j];
    }
    /* The expected vector's norm is 1. */
    return dot / sqrt(squares);
}

/* Encodes all, and checks the cosine of each vector and their mean. */
static void check_directions(const char *precision, struct vf_encoder *encoder,
    const struct vf_sequence_ref *sequences, size_t n, const float *expected, double least,
    double mean)
{
    double sum = 0;
    encode(encoder, sequences, n);
    for (size_t i = 0; i < n; i++) {
        double one = cosine(sequences[i].vector, expected + i * DIMENSIONS);
        vf_check(one >= least, "article %zu, %s: cosine %.7f", i, precision, one);
        sum += one;
    }
    vf_check(sum / (double)n >= mean, "%s: mean cosine %.7f", precision, sum / (double)n);
}

static void check_vectors(const struct fixture *fixture, size_t max_ids, const char *golden)
{
    char articles[512], vectors_path[512];
    struct vf_sequence_ref sequences[MAX_ARTICLES];
    if (!fixture->model || !find_sample("reuters-600.jsonl.gz", articles) ||
        !find_sample(golden, vectors_path))
        skip();
    size_t n = read_sequences(fixture->tokenizer, articles, max_ids, sequences);
    float *expected = read_vectors(vectors_path, n);
    float *vectors = calloc(n * DIMENSIONS, sizeof(*vectors));
    vf_check(vectors, "vectors");
    for (size_t i = 0; i < n; i++)
        sequences[i].vector = vectors + i * DIMENSIONS;
    encode(fixture->encoder, sequences, n);
    for (size_t i = 0; i < n; i++)
        check_components(sequences[i].vector, expected + i * DIMENSIONS, i);
    check_directions("bf16", fixture->bf16_encoder, sequences, n, expected, LEAST_COSINE_BF16,
        LEAST_COSINE_BF16);
    check_directions(
        "int8", fixture->int8_encoder, sequences, n, expected, LEAST_COSINE_INT8, MEAN_COSINE_INT8);
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)sequences[i].ids);
    free(vectors);
    free(expected);
}

static void test_at_512_tokens(void **state)
{
    check_vectors(*state, 512, "reuters-600.minilm-l6.512.npy");
}

static void test_at_256_tokens(void **state)
{
    check_vectors(*state, 256, "reuters-600.minilm-l6.256.npy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_512_tokens),
        cmocka_unit_test(test_at_256_tokens),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
