/* Long texts as the mean of their windows, against windows that the test cuts and averages. */
#include "harness.h"
#include "support/tiny_model.h"
#include "unit/scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <vecfill/vecfill.h>

enum { DIMENSIONS = 32, LIMIT = 16, MAX_TOKENS = 6000 };

struct fixture {
    struct scratch scratch;
    char directory[128];
};

static void fixture_init(struct fixture *f, bool normalize)
{
    struct tiny_model model;
    tiny_model_init(&model);
    model.normalize = normalize;
    scratch_init(&f->scratch);
    snprintf(f->directory, sizeof f->directory, "%s", scratch_path(&f->scratch, "tiny"));
    assert_int_equal(mkdir(f->directory, 0700), 0);
    tiny_model_write(&model, f->directory);
}

static int open_model(const struct fixture *f, enum vf_long_text long_text, size_t overlap,
    struct vf_embedder **ret, struct vf_err *err)
{
    struct vf_options options;
    vf_options_init(&options);
    options.model = f->directory;
    options.threads = 2;
    options.max_seq_length = LIMIT;
    options.long_text = long_text;
    options.chunk_overlap = overlap;
    return vf_open(&options, ret, err);
}

/* `n` words of one token each. */
static struct vf_text make_text(size_t n, char *bytes, size_t size)
{
    size_t n_words, used = 0;
    const char *const *words = tiny_model_words(&n_words);
    for (size_t i = 0; i < n; i++)
        used +=
            (size_t)snprintf(bytes + used, size - used, "%s ", words[(i * i + i / 3) % n_words]);
    assert_true(used < size);
    return (struct vf_text){.bytes = bytes, .n_bytes = used};
}

/* The mean as it is defined: window by window, each alone, with an embedder that truncates. */
static void average_by_hand(
    struct vf_embedder *e, const struct vf_tokens *all, size_t overlap, bool normalize, float *ret)
{
    double sum[DIMENSIONS] = {0}, squares = 0.0, weight = 0.0;
    size_t n_text = all->n_ids - 2, room = LIMIT - 2;
    for (size_t begin = 0;; begin += room - overlap) {
        int32_t ids[LIMIT];
        float vector[DIMENSIONS];
        size_t n = n_text - begin < room ? n_text - begin : room;
        ids[0] = all->ids[0];
        memcpy(ids + 1, all->ids + 1 + begin, n * sizeof *ids);
        ids[n + 1] = all->ids[all->n_ids - 1];
        const struct vf_sequence window = {.ids = ids, .n_ids = n + 2};
        assert_int_equal(vf_encode(e, &window, 1, vector, NULL), 0);
        for (size_t d = 0; d < DIMENSIONS; d++)
            sum[d] += (double)n * (double)vector[d];
        weight += (double)n;
        if (begin + n == n_text)
            break;
    }
    for (size_t d = 0; d < DIMENSIONS; d++)
        squares += sum[d] * sum[d];
    for (size_t d = 0; d < DIMENSIONS; d++)
        ret[d] = (float)(sum[d] / (normalize ? sqrt(squares) : weight));
}

static const struct {
    const char *name;
    size_t words, overlap;
    bool normalize;
} cases[] = {
    {"short", 3, 4, true},
    {"full to the last token", LIMIT - 2, 4, true},
    {"one token over", LIMIT - 1, 4, true},
    {"one token over, nothing shared", LIMIT - 1, 0, true},
    {"windows that end with the text", 14 + 10 + 10, 4, true},
    {"a last window of what is shared and one", 14 + 10 + 1, 4, true},
    {"windows that move by one token", 40, LIMIT - 3, true},
    {"many windows", 1000, 2, true},
    {"more windows than are encoded together", 4000, 2, true},
    {"not normalised", 100, 4, false},
};

static void test_by_hand(void **state)
{
    (void)state;
    static char bytes[8 * MAX_TOKENS];
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct fixture f;
        struct vf_embedder *chunked = NULL, *truncating = NULL;
        struct vf_tokens tokens = {0};
        struct vf_text_result result;
        float made[DIMENSIONS], expected[DIMENSIONS];
        fixture_init(&f, cases[i].normalize);
        assert_int_equal(
            open_model(&f, VF_LONG_TEXT_CHUNK_MEAN, cases[i].overlap, &chunked, NULL), 0);
        assert_int_equal(open_model(&f, VF_LONG_TEXT_TRUNCATE, 0, &truncating, NULL), 0);
        struct vf_text text = make_text(cases[i].words, bytes, sizeof bytes);
        assert_int_equal(vf_tokenize(chunked, text, &tokens, NULL), 0);
        vf_check(tokens.n_ids == cases[i].words + 2, "%s: %zu ids", cases[i].name, tokens.n_ids);
        vf_check(!tokens.truncated, "%s: truncated", cases[i].name);
        assert_int_equal(vf_embed(chunked, &text, 1, made, &result, NULL), 0);
        vf_check(result.n_tokens == tokens.n_ids && !result.truncated, "%s: %zu tokens",
            cases[i].name, result.n_tokens);
        average_by_hand(truncating, &tokens, cases[i].overlap, cases[i].normalize, expected);
        for (size_t d = 0; d < DIMENSIONS; d++)
            vf_check(fabsf(made[d] - expected[d]) <= 1e-6f, "%s: %g, not %g at %zu", cases[i].name,
                (double)made[d], (double)expected[d], d);
        vf_tokens_release(&tokens);
        vf_close(chunked);
        vf_close(truncating);
        scratch_release(&f.scratch);
    }
}

/* Texts with few and many windows in one call, and each alone: the same bits. */
static void test_same_bits(void **state)
{
    (void)state;
    enum { N = 40 };
    static char bytes[N][8 * 2000];
    static float together[N * DIMENSIONS], alone[DIMENSIONS];
    struct vf_text texts[N];
    struct fixture f;
    struct vf_embedder *e = NULL;
    fixture_init(&f, true);
    assert_int_equal(open_model(&f, VF_LONG_TEXT_CHUNK_MEAN, VF_CHUNK_OVERLAP_AUTO, &e, NULL), 0);
    for (size_t i = 0; i < N; i++)
        texts[i] = make_text(i * i, bytes[i], sizeof bytes[i]);
    assert_int_equal(vf_embed(e, texts, N, together, NULL, NULL), 0);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(vf_embed(e, &texts[i], 1, alone, NULL, NULL), 0);
        vf_check(memcmp(alone, together + i * DIMENSIONS, sizeof alone) == 0, "text %zu", i);
    }
    vf_close(e);
    scratch_release(&f.scratch);
}

static void test_overlap(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum vf_long_text long_text;
        size_t overlap;
        int rc;
        size_t expected;
    } rows[] = {
        {"an eighth", VF_LONG_TEXT_CHUNK_MEAN, VF_CHUNK_OVERLAP_AUTO, 0, LIMIT / 8},
        {"none", VF_LONG_TEXT_CHUNK_MEAN, 0, 0, 0},
        {"the most", VF_LONG_TEXT_CHUNK_MEAN, LIMIT - 3, 0, LIMIT - 3},
        {"too much", VF_LONG_TEXT_CHUNK_MEAN, LIMIT - 2, VF_ERR_CONFIG, 0},
        {"without windows", VF_LONG_TEXT_TRUNCATE, 5, 0, 0},
        {"unknown treatment", (enum vf_long_text)7, 5, VF_ERR_USAGE, 0},
    };
    struct fixture f;
    fixture_init(&f, true);
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        struct vf_embedder *e = NULL;
        struct vf_err err = {0};
        int rc = open_model(&f, rows[i].long_text, rows[i].overlap, &e, &err);
        vf_check(rc == rows[i].rc, "%s: %d %s", rows[i].name, rc, err.msg);
        if (rc)
            continue;
        vf_check(vf_info(e)->chunk_overlap == rows[i].expected, "%s: %zu", rows[i].name,
            vf_info(e)->chunk_overlap);
        vf_check(vf_info(e)->long_text == rows[i].long_text, "%s", rows[i].name);
        vf_close(e);
    }
    scratch_release(&f.scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
