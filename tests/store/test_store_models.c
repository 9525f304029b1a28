/* What store.h promises of the encoders behind the vectors, on SQLite and on PostgreSQL alike. */
#include "store_fixture.h"

#include "store/model_record.h"

#include <stdio.h>
#include <string.h>

/* A string that may be written to, as records have them. */
#define TEXT(s) ((char[]){s})

static struct vf_model_record record(char *model, char *revision)
{
    static char weights[] = "00ff", tokenizer[] = "11ee", pooling[] = "mean", cut[] = "truncate";
    return (struct vf_model_record){.model = model,
        .revision = revision,
        .weights_sha256 = weights,
        .tokenizer_sha256 = tokenizer,
        .pooling = pooling,
        .long_text = cut,
        .normalized = true,
        .max_seq_length = 512,
        .dimensions = 4};
}

static void check_record(const struct vf_model_record *found, const struct vf_model_record *wanted)
{
    assert_string_equal(found->model, wanted->model);
    assert_int_equal(!found->revision, !wanted->revision);
    if (wanted->revision)
        assert_string_equal(found->revision, wanted->revision);
    assert_string_equal(found->weights_sha256, wanted->weights_sha256);
    assert_string_equal(found->tokenizer_sha256, wanted->tokenizer_sha256);
    assert_string_equal(found->pooling, wanted->pooling);
    assert_null(found->prompt);
    assert_string_equal(found->long_text, wanted->long_text);
    assert_int_equal(found->normalized, wanted->normalized);
    assert_int_equal(found->max_seq_length, wanted->max_seq_length);
    assert_int_equal(found->dimensions, wanted->dimensions);
}

static struct vf_model_state find(struct vf_store *store, const char *model_id)
{
    struct vf_model_state state;
    struct vf_err err;
    expect_ok(vf_store_find_model(store, model_id, &state, &err), &err, "find");
    return state;
}

static const struct article_spec articles[] = {
    {"1", "2025-01-01T00:00:00Z", "en", "one", "1"},
    {"2", "2025-01-02T00:00:00Z", "en", "two", NULL},
    {"3", "2025-01-03T00:00:00Z", "en", NULL, "three"},
};

static void test_record(void **state)
{
    struct vf_store *store = fixture_open_ready(*state, NULL);
    const struct vf_model_record first = record(TEXT("org/first"), TEXT("c0ffee"));
    const struct vf_model_record second = record(TEXT("./second 'model'"), NULL);
    struct vf_model_record kept;
    struct vf_model_state found = find(store, "m");
    struct vf_err err;
    assert_true(found.has_table && !found.has_record && !found.has_vectors);
    expect_ok(vf_store_record_model(store, "m", &first, &kept, &err), &err, "record");
    check_record(&kept, &first);
    vf_model_record_release(&kept);

    /* The first one wins. */
    expect_ok(vf_store_record_model(store, "m", &second, &kept, &err), &err, "record again");
    check_record(&kept, &first);
    vf_model_record_release(&kept);
    found = find(store, "m");
    assert_true(found.has_record && !found.has_vectors);
    check_record(&found.record, &first);
    vf_model_record_release(&found.record);

    expect_ok(vf_store_record_model(store, "n", &second, &kept, &err), &err, "another");
    check_record(&kept, &second);
    vf_model_record_release(&kept);
    vf_store_close(store);
}

static void test_replace(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    const struct vf_model_record first = record(TEXT("first"), NULL);
    const struct vf_model_record second = record(TEXT("second"), TEXT("1"));
    struct vf_selection selection = select_all();
    struct vf_model_state found;
    struct vf_err err;
    import_articles(store, articles, VF_COUNT(articles));
    assert_int_equal(embed_all(store, &selection), 3);
    selection.model_id = "n";
    assert_int_equal(embed_all(store, &selection), 3);
    selection.model_id = "m";
    assert_true(find(store, "m").has_vectors);
    expect_ok(vf_store_replace_model(store, "m", &first, &err), &err, "without a record");
    expect_ok(vf_store_replace_model(store, "m", &second, &err), &err, "with one");
    found = find(store, "m");
    check_record(&found.record, &second);
    vf_model_record_release(&found.record);

    /* Some now, the rest in another run; the other model_id is left alone. */
    assert_string_equal(counts_text(count_selection(store, &selection)), "0 3 0 0");
    selection.until_us = INT64_C(1735776000000000); /* 2025-01-02 */
    assert_int_equal(embed_all(store, &selection), 1);
    selection.until_us = VF_INSTANT_MAX;
    assert_string_equal(counts_text(count_selection(store, &selection)), "0 2 1 0");
    selection.model_id = "n";
    assert_string_equal(counts_text(count_selection(store, &selection)), "0 0 3 0");
    vf_store_close(store);
}

/* Tables of before text_embedding_models, and of before text_hash. */
static void test_without_the_table(void **state)
{
    struct fixture *f = *state;
    struct vf_store *store = fixture_open_ready(f, NULL);
    struct vf_selection selection = select_all();
    struct vf_model_state found;
    struct vf_store_info info;
    struct vf_err err;
    import_articles(store, articles, 1);
    embed_all(store, &selection);
    fixture_run(f, "DROP TABLE text_embedding_models");
    found = find(store, "m");
    assert_true(!found.has_table && !found.has_record && found.has_vectors);
    expect_ok(vf_store_init(store, NULL, NULL, &err), &err, "init");
    fixture_run(f, "ALTER TABLE text_embeddings DROP COLUMN text_hash");
    vf_store_close(store);

    store = fixture_open(f, NULL);
    const struct vf_model_record any = record(TEXT("any"), NULL);
    expect_ok(vf_store_replace_model(store, "m", &any, &err), &err, "replace");
    expect_ok(vf_store_check(store, 4, true, &info, &err), &err, "check");
    assert_false(info.has_text_hash);
    found = find(store, "m");
    assert_true(found.has_record);
    vf_model_record_release(&found.record);
    vf_store_close(store);
}

static void test_other_schema(void **state)
{
    struct fixture *f = *state;
    const struct vf_store_names names = {
        .embeddings_table = f->sqlite ? "main.\"my vectors\"" : "vectors.\"my vectors\""};
    const struct vf_model_record any = record(TEXT("any"), NULL);
    struct vf_model_record kept;
    struct vf_err err;
    if (!f->sqlite)
        fixture_run(f, "CREATE SCHEMA vectors");
    struct vf_store *store = fixture_open(f, &names);
    expect_ok(vf_store_init(store, NULL, NULL, &err), &err, "init");
    expect_ok(vf_store_record_model(store, "m", &any, &kept, &err), &err, "record");
    vf_model_record_release(&kept);
    fixture_run_either(
        f, "SELECT * FROM text_embedding_models", "SELECT * FROM vectors.text_embedding_models");
    vf_store_close(store);
}

/* ---- samples ---- */

struct seen {
    char ids[100];
    size_t n;
};

static int note(void *context, const struct vf_article *article, const float *vector,
    size_t dimensions, struct vf_err *err)
{
    (void)err;
    struct seen *seen = context;
    vf_check(dimensions == 4 && vector[1] == -1 && strlen(article->text) == article->n_text,
        "article %s", article->id);
    size_t n = strlen(seen->ids);
    snprintf(seen->ids + n, sizeof seen->ids - n, "%s=%s ", article->id, article->text);
    seen->n++;
    return 0;
}

static void test_sample(void **state)
{
    static const struct {
        const char *name, *change, *expected; /* of the article left over; NULL: none */
    } cases[] = {
        {"as it is", NULL, "1=one 1 "},
        {"an article that changed", "UPDATE news_articles SET body = '2' WHERE article_id = 1", ""},
        {"one whose hash is not known", "UPDATE text_embeddings SET text_hash = NULL", "1=one 2 "},
        {"one that became empty",
            "UPDATE news_articles SET headline = ' ', body = NULL WHERE article_id = 1", ""},
        {"one that is gone", "DELETE FROM news_articles", ""},
        {"a vector of something else", "UPDATE text_embeddings SET source_id = 'x'", ""},
        {"no vector", "UPDATE text_embeddings SET vector = NULL", ""},
    };
    struct vf_store *store = fixture_open_ready(*state, NULL);
    struct vf_selection selection = select_all();
    import_articles(store, articles, 1);
    embed_all(store, &selection);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct seen seen = {0};
        struct vf_err err;
        if (cases[i].change)
            fixture_run(*state, cases[i].change);
        expect_ok(vf_store_sample(store, "m", 5, note, &seen, &err), &err, cases[i].name);
        vf_check(strcmp(seen.ids, cases[i].expected) == 0, "%s: %s", cases[i].name, seen.ids);
    }
    vf_store_close(store);
}

static void test_sample_size(void **state)
{
    struct vf_store *store = fixture_open_ready(*state, NULL);
    struct vf_selection selection = select_all();
    import_articles(store, articles, VF_COUNT(articles));
    embed_all(store, &selection);
    for (size_t n = 0; n <= VF_COUNT(articles) + 1; n++) {
        struct seen seen = {0};
        struct vf_err err;
        expect_ok(vf_store_sample(store, "m", n, note, &seen, &err), &err, "sample");
        assert_int_equal(seen.n, n < VF_COUNT(articles) ? n : VF_COUNT(articles));
    }
    vf_store_close(store);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fixture_new_database, fixture_drop_database)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_record),
        TEST(test_replace),
        TEST(test_without_the_table),
        TEST(test_other_schema),
        TEST(test_sample),
        TEST(test_sample_size),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, fixture_start_sqlite, fixture_stop);
    failed +=
        cmocka_run_group_tests_name("PostgreSQL", tests, fixture_start_postgres, fixture_stop);
    return failed;
}
