#include "harness.h"
#include "support/tiny_model.h"
#include "unit/scratch.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vecfill/vecfill.h>

enum { DIMENSIONS = 32, POSITIONS = 64 };

/* ---- a model on disk, opened ---- */

struct fixture {
    struct scratch scratch;
    char directory[128];
};

static void fixture_init(struct fixture *f, const struct tiny_model *model)
{
    struct tiny_model plain;
    tiny_model_init(&plain);
    scratch_init(&f->scratch);
    snprintf(f->directory, sizeof f->directory, "%s", scratch_path(&f->scratch, "tiny"));
    assert_int_equal(mkdir(f->directory, 0700), 0);
    tiny_model_write(model ? model : &plain, f->directory);
}

static struct vf_embedder *open_with(const struct fixture *f, unsigned threads, bool tokenizer_only)
{
    struct vf_options options;
    struct vf_embedder *embedder = NULL;
    struct vf_err err = {0};
    vf_options_init(&options);
    options.model = f->directory;
    options.threads = threads;
    options.tokenizer_only = tokenizer_only;
    vf_check(vf_open(&options, &embedder, &err) == 0, "%s", err.msg);
    return embedder;
}

static struct vf_text text(const char *s)
{
    return (struct vf_text){.bytes = s, .n_bytes = strlen(s)};
}

/* ---- opening ---- */

static void test_identity(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct fixture f;
    struct vf_identity whole, without, linked;
    char weights[160], blobs[160], blob[240];
    fixture_init(&f, NULL);
    struct vf_embedder *e = open_with(&f, 1, false);
    assert_int_equal(vf_identify(e, &whole, NULL), 0);
    assert_int_equal(strspn(whole.weights_sha256, "0123456789abcdef"), VF_SHA256_DIGITS);
    assert_int_equal(strlen(whole.tokenizer_sha256), VF_SHA256_DIGITS);
    assert_string_not_equal(whole.weights_sha256, whole.tokenizer_sha256);
    vf_close(e);

    /* A link of the Hub cache names the content; any other is read. */
    snprintf(weights, sizeof weights, "%s/model.safetensors", f.directory);
    snprintf(blobs, sizeof blobs, "%s/blobs", f.directory);
    snprintf(blob, sizeof blob, "%s/%s", blobs, digits);
    assert_int_equal(mkdir(blobs, 0700), 0);
    assert_int_equal(rename(weights, blob), 0);
    assert_int_equal(symlink(blob, weights), 0);
    e = open_with(&f, 1, true);
    assert_int_equal(vf_identify(e, &linked, NULL), 0);
    assert_string_equal(linked.weights_sha256, digits);
    assert_string_equal(linked.tokenizer_sha256, whole.tokenizer_sha256);
    snprintf(blobs, sizeof blobs, "%s/elsewhere", f.directory);
    assert_int_equal(rename(blob, blobs), 0);
    assert_int_equal(unlink(weights), 0);
    assert_int_equal(symlink(blobs, weights), 0);
    assert_int_equal(vf_identify(e, &linked, NULL), 0);
    assert_string_equal(linked.weights_sha256, whole.weights_sha256);
    assert_int_equal(unlink(weights), 0);
    assert_int_equal(vf_identify(e, &without, NULL), 0);
    assert_string_equal(without.weights_sha256, "");
    vf_close(e);
    scratch_release(&f.scratch);
}

static void test_info(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct vf_embedder *e = open_with(&f, 2, false);
    const struct vf_model_info *info = vf_info(e);
    assert_string_equal(info->name, f.directory);
    assert_string_equal(info->directory, f.directory);
    assert_null(info->revision);
    assert_string_equal(info->architecture, "bert");
    assert_string_equal(info->pooling, "mean");
    assert_non_null(info->isa);
    assert_true(info->normalized);
    assert_int_equal(info->threads, 2);
    assert_int_equal(info->dimensions, DIMENSIONS);
    assert_int_equal(info->max_seq_length, POSITIONS);
    assert_int_equal(info->max_positions, POSITIONS);
    assert_int_equal(info->layers, 2);
    assert_int_equal(info->heads, 2);
    assert_true(info->parameters > 0);
    assert_non_null(strchr(vf_version(), '.'));
    vf_close(e);
    scratch_release(&f.scratch);
}

static void test_limit(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t wanted, model_max_length;
        int rc;
        size_t limit;
        const char *says; /* part of limit_source, or of the error's message or hint */
    } cases[] = {
        {"from the tokenizer's file", 0, 48, 0, 48, "tokenizer_config.json"},
        {"capped by positions", 0, 100000, 0, POSITIONS, ""},
        {"the option wins", 20, 48, 0, 20, "max_seq_length"},
        {"more than the file says", POSITIONS, 48, 0, POSITIONS, "max_seq_length"},
        {"more than positions", POSITIONS + 1, 48, VF_ERR_CONFIG, 0, "at most 64"},
        {"room for one token", 3, 48, 0, 3, "max_seq_length"},
        {"no room", 2, 48, VF_ERR_CONFIG, 0, "at least 3"},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct fixture f;
        struct tiny_model model;
        tiny_model_init(&model);
        model.model_max_length = cases[i].model_max_length;
        fixture_init(&f, &model);
        struct vf_options options;
        vf_options_init(&options);
        options.model = f.directory;
        options.max_seq_length = cases[i].wanted;
        options.tokenizer_only = true;
        struct vf_embedder *e = NULL;
        struct vf_err err = {0};
        int rc = vf_open(&options, &e, &err);
        vf_check(rc == cases[i].rc, "%s: %d %s", cases[i].name, rc, err.msg);
        if (rc == 0) {
            vf_check(vf_info(e)->max_seq_length == cases[i].limit, "%s: %zu", cases[i].name,
                vf_info(e)->max_seq_length);
            vf_check(strstr(vf_info(e)->limit_source, cases[i].says), "%s: %s", cases[i].name,
                vf_info(e)->limit_source);
        } else {
            vf_check(strstr(err.hint, cases[i].says), "%s: %s", cases[i].name, err.hint);
            vf_check(!e, "%s: an embedder after a failure", cases[i].name);
        }
        vf_close(e);
        scratch_release(&f.scratch);
    }
}

static void no_model(struct vf_options *o, struct tiny_model *m)
{
    (void)m;
    o->model = NULL;
}

static void missing_model(struct vf_options *o, struct tiny_model *m)
{
    (void)m;
    o->model = "/nowhere/to/be/found";
}

static void unknown_precision(struct vf_options *o, struct tiny_model *m)
{
    (void)m;
    o->precision = (enum vf_precision)99;
}

static void unknown_isa(struct vf_options *o, struct tiny_model *m)
{
    (void)m;
    o->max_isa = "abacus";
}

static void revision_of_directory(struct vf_options *o, struct tiny_model *m)
{
    (void)m;
    o->revision = "v1";
}

static void few_embeddings(struct vf_options *o, struct tiny_model *m)
{
    (void)o;
    m->vocab_size = 40;
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*change)(struct vf_options *options, struct tiny_model *model);
        int rc;
        const char *says;
    } cases[] = {
        {"no model named", no_model, VF_ERR_USAGE, "no model"},
        {"no such model", missing_model, VF_ERR_NOT_FOUND, "/nowhere/to/be/found"},
        {"precision", unknown_precision, VF_ERR_USAGE, "precision"},
        {"instruction set", unknown_isa, VF_ERR_USAGE, "abacus"},
        {"revision of a directory", revision_of_directory, VF_ERR_USAGE, "revision"},
        {"more tokens than embeddings", few_embeddings, VF_ERR_DATA, "40"},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct fixture f;
        struct tiny_model model;
        struct vf_options options;
        struct vf_embedder *e = NULL;
        struct vf_err err = {0};
        tiny_model_init(&model);
        vf_options_init(&options);
        options.model = f.directory;
        options.threads = 1;
        cases[i].change(&options, &model);
        fixture_init(&f, &model);
        int rc = vf_open(&options, &e, &err);
        vf_check(rc == cases[i].rc, "%s: %d %s", cases[i].name, rc, err.msg);
        vf_check(strstr(err.msg, cases[i].says), "%s: %s", cases[i].name, err.msg);
        vf_check(!e, "%s: an embedder after a failure", cases[i].name);
        scratch_release(&f.scratch);
    }
}

/* ---- tokens ---- */

static void test_tokenize(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct vf_embedder *e = open_with(&f, 1, true);
    struct vf_tokens tokens = {0};
    size_t n = 0;
    assert_int_equal(vf_tokenize(e, text("The bank"), &tokens, NULL), 0);
    assert_int_equal(tokens.n_ids, 4);
    assert_string_equal(vf_token_text(e, tokens.ids[0]), "[CLS]");
    assert_string_equal(vf_token_text(e, tokens.ids[1]), "the");
    assert_string_equal(vf_token_text(e, tokens.ids[2]), "bank");
    assert_string_equal(vf_token_text(e, tokens.ids[3]), "[SEP]");
    assert_false(tokens.truncated);
    assert_null(vf_token_text(e, 100000));
    assert_null(vf_token_text(e, -1));

    assert_int_equal(vf_tokenize(e, (struct vf_text){0}, &tokens, NULL), 0);
    assert_int_equal(tokens.n_ids, 2);

    char many[5 * 100 + 1] = "";
    for (size_t i = 0; i < 100; i++)
        memcpy(many + 5 * i, "bank ", 6);
    assert_int_equal(vf_tokenize(e, text(many), &tokens, NULL), 0);
    assert_int_equal(tokens.n_ids, POSITIONS);
    assert_true(tokens.truncated);
    assert_int_equal(vf_count_tokens(e, text(many), &n, NULL), 0);
    assert_int_equal(n, 102);
    vf_tokens_release(&tokens);
    assert_null(tokens.ids);
    vf_tokens_release(&tokens);
    vf_tokens_release(NULL);
    vf_close(e);
    scratch_release(&f.scratch);
}

/* ---- vectors ---- */

static void test_tokenizer_only(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    struct vf_embedder *e = open_with(&f, 1, true);
    struct vf_err err = {0};
    float vector[DIMENSIONS];
    struct vf_text one = text("oil");
    const int32_t ids[] = {2, 3};
    struct vf_sequence sequence = {.ids = ids, .n_ids = 2};
    assert_null(vf_info(e)->isa);
    assert_int_equal(vf_info(e)->parameters, 0);
    assert_int_equal(vf_embed(e, &one, 1, vector, NULL, &err), VF_ERR_USAGE);
    assert_int_equal(vf_encode(e, &sequence, 1, vector, &err), VF_ERR_USAGE);
    vf_close(e);
    scratch_release(&f.scratch);
}

static void test_encode_refusals(void **state)
{
    (void)state;
    static const int32_t good[POSITIONS + 1] = {2, 5, 3}, negative[] = {2, -1, 3},
                                          beyond[] = {2, 1000, 3};
    static const struct {
        const char *name;
        struct vf_sequence sequence;
    } cases[] = {
        {"no id", {good, 0}},
        {"too long", {good, POSITIONS + 1}},
        {"a negative id", {negative, 3}},
        {"an id outside of the vocabulary", {beyond, 3}},
    };
    struct fixture f;
    fixture_init(&f, NULL);
    struct vf_embedder *e = open_with(&f, 1, false);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_sequence both[2] = {{good, 3}, cases[i].sequence};
        float vectors[2 * DIMENSIONS] = {7.0f};
        struct vf_err err = {0};
        int rc = vf_encode(e, both, 2, vectors, &err);
        vf_check(rc == VF_ERR_USAGE, "%s: %d", cases[i].name, rc);
        vf_check(strstr(err.msg, "sequence 1"), "%s: %s", cases[i].name, err.msg);
        vf_check(vectors[0] == 7.0f, "%s: something was computed", cases[i].name);
    }
    assert_int_equal(vf_encode(e, NULL, 0, NULL, NULL), 0);
    assert_int_equal(vf_embed(e, NULL, 0, NULL, NULL, NULL), 0);
    vf_close(e);
    scratch_release(&f.scratch);
}

enum { N_TEXTS = 60 };

static char bodies[N_TEXTS][600];
static struct vf_text texts[N_TEXTS];

/* Texts of 0 to 100 words. */
static void make_texts(void)
{
    size_t n_words;
    const char *const *words = tiny_model_words(&n_words);
    for (size_t i = 0; i < N_TEXTS; i++) {
        size_t used = 0;
        for (size_t k = 0; k < i * 53 % 101; k++)
            used += (size_t)snprintf(bodies[i] + used, sizeof bodies[i] - used, "%.4s ",
                words[(i * 7 + k * k) % n_words]);
        texts[i] = text(bodies[i]);
    }
}

static void check_norms(const float *vectors)
{
    for (size_t i = 0; i < N_TEXTS; i++) {
        double squares = 0.0;
        for (size_t d = 0; d < DIMENSIONS; d++)
            squares += (double)vectors[i * DIMENSIONS + d] * (double)vectors[i * DIMENSIONS + d];
        vf_check(fabs(squares - 1.0) < 1e-5, "text %zu: %g", i, squares);
    }
}

/* Whatever is embedded beside a text, in which order and on how many threads: the same bits. */
static void test_same_bits(void **state)
{
    (void)state;
    static float all[N_TEXTS * DIMENSIONS], one[DIMENSIONS], turned[N_TEXTS * DIMENSIONS];
    struct vf_text reversed[N_TEXTS];
    struct vf_text_result results[N_TEXTS], alone;
    struct fixture f;
    make_texts();
    fixture_init(&f, NULL);
    for (size_t i = 0; i < N_TEXTS; i++)
        reversed[i] = texts[N_TEXTS - 1 - i];
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct vf_embedder *e = open_with(&f, threads, false);
        if (threads == 1)
            assert_int_equal(vf_embed(e, texts, N_TEXTS, all, results, NULL), 0);
        assert_int_equal(vf_embed(e, reversed, N_TEXTS, turned, NULL, NULL), 0);
        for (size_t i = 0; i < N_TEXTS; i++) {
            const float *expected = all + i * DIMENSIONS;
            assert_int_equal(vf_embed(e, &texts[i], 1, one, &alone, NULL), 0);
            vf_check(memcmp(one, expected, sizeof one) == 0, "text %zu alone", i);
            vf_check(memcmp(turned + (N_TEXTS - 1 - i) * DIMENSIONS, expected, sizeof one) == 0,
                "text %zu among others on %u threads", i, threads);
            vf_check(alone.n_tokens == results[i].n_tokens, "text %zu: %zu", i, alone.n_tokens);
            vf_check(alone.truncated == results[i].truncated, "text %zu", i);
        }
        vf_close(e);
    }
    check_norms(all);
    scratch_release(&f.scratch);
}

struct caller {
    struct vf_embedder *embedder;
    pthread_t thread;
    float vectors[N_TEXTS * DIMENSIONS];
    int rc;
};

static void *embed_all(void *argument)
{
    struct caller *caller = argument;
    caller->rc = vf_embed(caller->embedder, texts, N_TEXTS, caller->vectors, NULL, NULL);
    return NULL;
}

static void test_many_callers(void **state)
{
    (void)state;
    static struct caller callers[4];
    struct fixture f;
    make_texts();
    fixture_init(&f, NULL);
    struct vf_embedder *e = open_with(&f, 2, false);
    for (size_t i = 0; i < VF_COUNT(callers); i++) {
        callers[i].embedder = e;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, embed_all, &callers[i]), 0);
    }
    for (size_t i = 0; i < VF_COUNT(callers); i++) {
        pthread_join(callers[i].thread, NULL);
        vf_check(callers[i].rc == 0, "caller %zu", i);
        vf_check(memcmp(callers[i].vectors, callers[0].vectors, sizeof callers[0].vectors) == 0,
            "caller %zu", i);
    }
    check_norms(callers[0].vectors);
    vf_close(e);
    scratch_release(&f.scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_tokenize),
        cmocka_unit_test(test_tokenizer_only),
        cmocka_unit_test(test_encode_refusals),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_many_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
