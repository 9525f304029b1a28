/* Weights rounded to eight bits: the same for any number of threads and any machine, kept in files
 * that are checked, and close enough. */
#include "encoder/encoder.h"

#include "encoder/int8_file.h"
#include "harness.h"
#include "support/tiny_model.h"
#include "unit/scratch.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rounding that is as good as it can be reaches this on models of 52 numbers a token. */
static const double LEAST_COSINE = 0.999;

enum { SEQUENCES = 24, TOKENS = 60 };

struct fixture {
    struct scratch scratch;
    char directory[128];
    struct vf_model *model;
    size_t hidden;
    int32_t ids[SEQUENCES][TOKENS];
    struct vf_sequence_ref sequences[SEQUENCES];
    float *vectors;
};

static void open_fixture(struct fixture *f, const char *nan_word, size_t intermediate)
{
    struct vf_err err;
    struct tiny_model model;
    uint64_t random = 7;
    tiny_model_init(&model);
    model.hidden = 52;
    model.heads = 4;
    model.intermediate = intermediate;
    model.nan_word = nan_word;
    *f = (struct fixture){.hidden = model.hidden};
    scratch_init(&f->scratch);
    snprintf(f->directory, sizeof(f->directory), "%s", scratch_path(&f->scratch, "tiny"));
    assert_int_equal(mkdir(f->directory, 0700), 0);
    tiny_model_write(&model, f->directory);
    vf_check(vf_model_open(f->directory, NULL, true, &f->model, &err) == 0, "%s", err.msg);
    f->vectors = calloc(SEQUENCES * f->hidden, sizeof(float));
    vf_check(f->vectors, "vectors");
    for (size_t i = 0; i < SEQUENCES; i++) {
        for (size_t j = 0; j < TOKENS; j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            f->ids[i][j] =
                (int32_t)((random >> 33) % vf_model_config(f->model)->network.vocab_size);
        }
        f->sequences[i] = (struct vf_sequence_ref){
            f->ids[i], i % 4 ? TOKENS / (i % 4) : TOKENS, f->vectors + i * f->hidden, 0};
    }
}

static void close_fixture(struct fixture *f)
{
    free(f->vectors);
    vf_model_close(f->model);
    scratch_release(&f->scratch);
}

static struct vf_int8_weights make(const struct fixture *f, unsigned threads)
{
    struct vf_err err;
    struct vf_int8_weights weights;
    int rc = vf_int8_weights_make(f->model, f->sequences, SEQUENCES, threads, &weights, &err);
    vf_check(rc == 0, "%s", err.msg);
    return weights;
}

static struct vf_buf bytes_of(struct vf_int8_weights weights)
{
    struct vf_err err;
    struct vf_buf bytes = {0};
    int rc = vf_int8_weights_write(&weights, &bytes, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_int8_weights_release(&weights);
    return bytes;
}

/* 600 inner numbers are two blocks of inputs. */
static void test_same_weights_everywhere(void **state)
{
    (void)state;
    static const struct {
        unsigned threads;
        const char *max_isa;
    } ways[] = {{2, NULL}, {3, NULL}, {8, NULL}, {64, NULL}, {1, "ref"}, {2, "ref"}
#if defined(__x86_64__)
        ,
        {2, "avx2"}
#endif
    };
    struct fixture f;
    open_fixture(&f, NULL, 600);
    struct vf_buf expected = bytes_of(make(&f, 1));
    for (size_t i = 0; i < VF_COUNT(ways); i++) {
        if (ways[i].max_isa)
            setenv("VECFILL_MAX_ISA", ways[i].max_isa, 1);
        struct vf_buf bytes = bytes_of(make(&f, ways[i].threads));
        unsetenv("VECFILL_MAX_ISA");
        vf_check(bytes.size == expected.size && memcmp(bytes.data, expected.data, bytes.size) == 0,
            "%u threads, %s", ways[i].threads, ways[i].max_isa ? ways[i].max_isa : "no cap");
        vf_buf_release(&bytes);
    }
    vf_buf_release(&expected);
    close_fixture(&f);
}

static void run(const struct fixture *f, enum vf_precision precision,
    const struct vf_int8_weights *int8, float *vectors)
{
    struct vf_err err;
    struct vf_encoder *encoder = NULL;
    const struct vf_encoder_options options = {
        .threads = 2, .precision = precision, .int8 = int8, .max_tokens = TOKENS};
    int rc = vf_encoder_new(f->model, &options, &encoder, &err);
    vf_check(rc == 0, "%s", err.msg);
    rc = vf_encoder_run(encoder, f->sequences, SEQUENCES, &err);
    vf_check(rc == 0, "%s", err.msg);
    memcpy(vectors, f->vectors, SEQUENCES * f->hidden * sizeof(float));
    vf_encoder_free(encoder);
}

static double cosine(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t j = 0; j < n; j++) {
        ab += (double)a[j] * (double)b[j];
        aa += (double)a[j] * (double)a[j];
        bb += (double)b[j] * (double)b[j];
    }
    return ab / sqrt(aa * bb);
}

static void test_vectors_are_close(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f, NULL, 600);
    struct vf_int8_weights weights = make(&f, 2);
    float *exact = calloc(SEQUENCES * f.hidden, sizeof(float));
    float *rounded = calloc(SEQUENCES * f.hidden, sizeof(float));
    vf_check(exact && rounded, "vectors");
    run(&f, VF_PRECISION_FP32, NULL, exact);
    run(&f, VF_PRECISION_INT8, &weights, rounded);
    for (size_t i = 0; i < SEQUENCES; i++) {
        double c = cosine(exact + i * f.hidden, rounded + i * f.hidden, f.hidden);
        vf_check(c >= LEAST_COSINE, "sequence %zu: cosine %.7f", i, c);
    }
    free(exact);
    free(rounded);
    vf_int8_weights_release(&weights);
    close_fixture(&f);
}

static void test_numbers_that_are_not_finite(void **state)
{
    (void)state;
    size_t n;
    struct vf_err err;
    struct fixture f;
    struct vf_int8_weights weights;
    open_fixture(&f, tiny_model_words(&n)[0], 64);
    int rc = vf_int8_weights_make(f.model, f.sequences, SEQUENCES, 2, &weights, &err);
    assert_int_equal(rc, VF_ERR_DATA);
    assert_non_null(strstr(err.msg, "not finite"));
    close_fixture(&f);
}

/* ---- bytes ---- */

static void check_refused(const struct vf_buf *bytes, size_t size, const char *what, size_t at)
{
    struct vf_err err;
    struct vf_int8_weights weights;
    int rc = vf_int8_weights_read((const uint8_t *)bytes->data, size, &weights, &err);
    vf_check(rc == VF_ERR_DATA, "%s %zu: %d", what, at, rc);
}

static void test_bytes(void **state)
{
    (void)state;
    struct vf_err err;
    struct fixture f;
    struct vf_int8_weights weights;
    open_fixture(&f, NULL, 64);
    struct vf_buf bytes = bytes_of(make(&f, 1));
    int rc = vf_int8_weights_read((const uint8_t *)bytes.data, bytes.size, &weights, &err);
    vf_check(rc == 0, "%s", err.msg);
    struct vf_buf again = bytes_of(weights);
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    for (size_t size = 0; size < bytes.size; size += size < 64 ? 1 : 997)
        check_refused(&bytes, size, "cut at", size);
    for (size_t at = 0; at < bytes.size; at += at < 64 ? 1 : 997) {
        bytes.data[at] ^= 1;
        check_refused(&bytes, bytes.size, "changed at", at);
        bytes.data[at] ^= 1;
    }
    vf_buf_release(&bytes);
    vf_buf_release(&again);
    close_fixture(&f);
}

static void test_weights_of_another_model(void **state)
{
    (void)state;
    struct vf_err err;
    struct fixture f, other;
    struct vf_encoder *encoder = NULL;
    open_fixture(&f, NULL, 64);
    open_fixture(&other, NULL, 68);
    struct vf_int8_weights weights = make(&other, 1);
    const struct vf_encoder_options options = {
        .threads = 1, .precision = VF_PRECISION_INT8, .int8 = &weights, .max_tokens = TOKENS};
    assert_int_equal(vf_encoder_new(f.model, &options, &encoder, &err), VF_ERR_DATA);
    assert_null(encoder);
    vf_int8_weights_release(&weights);
    close_fixture(&other);
    close_fixture(&f);
}

/* ---- the library's cache ---- */

static const char sentence[] = "a small text";

static void embed(const struct fixture *f, float *vector)
{
    struct vf_err err;
    struct vf_options options;
    struct vf_embedder *embedder = NULL;
    const struct vf_text text = {sentence, strlen(sentence)};
    vf_options_init(&options);
    options.model = f->directory;
    options.threads = 2;
    options.precision = VF_PRECISION_INT8;
    int rc = vf_open(&options, &embedder, &err);
    vf_check(rc == 0, "%s", err.msg);
    rc = vf_embed(embedder, &text, 1, vector, NULL, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_close(embedder);
}

/* The only file in `folder`; false when there is none. */
static bool find_file(const char *folder, char path[static 512])
{
    size_t n = 0;
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        if (entry->d_name[0] != '.') {
            snprintf(path, 512, "%s/%s", folder, entry->d_name);
            n++;
        }
    if (directory)
        closedir(directory);
    vf_check(n <= 1, "%s has %zu files", folder, n);
    return n == 1;
}

static long file_size(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (long)st.st_size;
}

static void change_byte(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int byte = getc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(putc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
}

static void test_cache(void **state)
{
    (void)state;
    struct fixture f;
    char folder[256], files[300], path[512];
    float expected[52], vector[52];
    open_fixture(&f, NULL, 64);
    snprintf(folder, sizeof(folder), "%s/cache", f.directory);
    snprintf(files, sizeof(files), "%s/int8", folder);

    setenv("VECFILL_CACHE_DIR", "", 1);
    embed(&f, expected);
    assert_false(find_file(files, path));

    setenv("VECFILL_CACHE_DIR", folder, 1);
    embed(&f, vector);
    assert_memory_equal(vector, expected, sizeof(vector));
    assert_true(find_file(files, path));
    long size = file_size(path);
    for (int step = 0; step < 3; step++) {
        if (step == 1)
            change_byte(path, size / 2);
        if (step == 2)
            assert_int_equal(truncate(path, size / 2), 0);
        embed(&f, vector);
        assert_memory_equal(vector, expected, sizeof(vector));
        assert_int_equal(file_size(path), size);
    }

    /* A folder that cannot be made. */
    snprintf(folder, sizeof(folder), "%s/config.json", f.directory);
    setenv("VECFILL_CACHE_DIR", folder, 1);
    embed(&f, vector);
    assert_memory_equal(vector, expected, sizeof(vector));
    unsetenv("VECFILL_CACHE_DIR");
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_weights_everywhere),
        cmocka_unit_test(test_vectors_are_close),
        cmocka_unit_test(test_numbers_that_are_not_finite),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_weights_of_another_model),
        cmocka_unit_test(test_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
