/* Text to tokens by a small tokenizer.json, changed here and there. What is expected is what the
 * reference library gives. */
#include "tokenizer/tokenizer.h"

#include "harness.h"
#include "support/tokenizer_file.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NO_LIMIT SIZE_MAX
#define TEXT(literal) literal, sizeof(literal) - 1

/* ---- helpers ---- */

static struct vf_tokenizer *open_changed(
    const struct scratch *scratch, const char *path, const char *json)
{
    struct vf_tokenizer *tokenizer;
    struct vf_err err = {0};
    tokenizer_file_write(scratch, path, json);
    vf_check(
        vf_tokenizer_open(scratch->path, false, &tokenizer, &err) == 0, "%s: %s", path, err.msg);
    return tokenizer;
}

/* Fails unless the ids are those of the tokens, which '|' separates. */
static void check_tokens(const char *name, const struct vf_tokenizer *tokenizer,
    const struct vf_ids *ids, const char *expected)
{
    char got[1024] = "";
    size_t n = 0;
    for (size_t i = 0; i < ids->n; i++) {
        const char *token = vf_tokenizer_token(tokenizer, ids->ids[i]);
        vf_check(token, "%s: id %d", name, ids->ids[i]);
        n += (size_t)snprintf(got + n, sizeof got - n, "%s%s", i ? "|" : "", token);
        assert_true(n < sizeof got);
    }
    vf_check(strcmp(got, expected) == 0, "%s: %s, not %s", name, got, expected);
}

struct text_case {
    const char *name, *text;
    size_t n;
    const char *expected;
};

static void check_text(const struct vf_tokenizer *tokenizer, const struct text_case *c)
{
    struct vf_ids ids = {0};
    bool truncated = true;
    size_t count = 0;
    int rc = vf_tokenizer_encode(tokenizer, c->text, c->n, NO_LIMIT, &ids, &truncated, NULL);
    vf_check(rc == 0 && !truncated, "%s: %d", c->name, rc);
    check_tokens(c->name, tokenizer, &ids, c->expected);
    assert_int_equal(vf_tokenizer_count(tokenizer, c->text, c->n, &count, NULL), 0);
    vf_check(count == ids.n, "%s: %zu counted", c->name, count);
    vf_ids_release(&ids);
}

/* ---- text to tokens ---- */

static void text_becomes_tokens(void **state)
{
    (void)state;
    static const struct text_case cases[] = {
        {"nothing", TEXT(""), "[CLS]|[SEP]"},
        {"blanks", TEXT(" \t\r\n "), "[CLS]|[SEP]"},
        {"more than the file's truncation", TEXT("hello world a"), "[CLS]|hello|world|a|[SEP]"},
        {"case and punctuation", TEXT("HeLLo,world."), "[CLS]|hello|,|world|.|[SEP]"},
        {"ASCII symbols are punctuation", TEXT("$!"), "[CLS]|$|!|[SEP]"},
        {"pieces", TEXT("unaffable"), "[CLS]|un|##aff|##able|[SEP]"},
        {"last piece unknown", TEXT("unaffablez"), "[CLS]|[UNK]|[SEP]"},
        {"longest word", TEXT("aaaaaaaaaa"), "[CLS]|a|##a|##a|##a|##a|##a|##a|##a|##a|##a|[SEP]"},
        {"word too long", TEXT("aaaaaaaaaaa"), "[CLS]|[UNK]|[SEP]"},
        {"words are measured in characters", TEXT("\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"),
            "[CLS]|e|##e|##e|##e|##e|##e|[SEP]"},
        {"special token in the text", TEXT("a[SEP]b"), "[CLS]|a|[SEP]|b|[SEP]"},
        {"special token in lower case", TEXT("[sep]"), "[CLS]|[|[UNK]|]|[SEP]"},
        {"special token in brackets", TEXT("[[MASK]]"), "[CLS]|[|[MASK]|]|[SEP]"},
        {"special token cut short", TEXT("[CL"), "[CLS]|[|[UNK]|[SEP]"},
        {"continuation typed out", TEXT("a##a"), "[CLS]|a|[UNK]|[UNK]|a|[SEP]"},
        {"NUL and control characters vanish", TEXT("\0a\0b\a"), "[CLS]|a|##b|[SEP]"},
        {"zero-width space vanishes", TEXT("a\u200bb"), "[CLS]|a|##b|[SEP]"},
        {"spaces of all kinds", TEXT("a\u00a0b\u3000c\u2028a"), "[CLS]|a|b|c|a|[SEP]"},
        {"ideographs stand alone", TEXT("a中国b"), "[CLS]|a|中|国|b|[SEP]"},
        {"accents", TEXT("\u00c9\u00e9e\u0301"), "[CLS]|e|##e|##e|[SEP]"},
        {"two marks", TEXT("e\u0323\u0301"), "[CLS]|e|[SEP]"},
        {"only a mark", TEXT("\u0301"), "[CLS]|[SEP]"},
        {"mark that is kept", TEXT("a\u302eb"), "[CLS]|[UNK]|[SEP]"},
        {"capital I with a dot", TEXT("\u0130"), "[CLS]|i|[SEP]"},
        {"no final sigma", TEXT("\u03a3\u03a3"), "[CLS]|\u03c3|##\u03c3|[SEP]"},
        {"Hangul is decomposed", TEXT("\uac00"), "[CLS]|\u1100|##\u1161|[SEP]"},
        {"invalid byte",
            TEXT("a\xff"
                 "b"),
            "[CLS]|a|##b|[SEP]"},
        {"only invalid bytes", TEXT("\xe4\xb8"), "[CLS]|[SEP]"},
        {"sequence cut by a token", TEXT("a\xc3[SEP]"), "[CLS]|a|[SEP]|[SEP]"},
    };
    struct scratch scratch;
    scratch_init(&scratch);
    struct vf_tokenizer *tokenizer = open_changed(&scratch, NULL, NULL);
    for (size_t i = 0; i < VF_COUNT(cases); i++)
        check_text(tokenizer, &cases[i]);
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

static void the_file_is_obeyed(void **state)
{
    (void)state;
    static const struct {
        const char *path, *json;
        struct text_case text;
    } cases[] = {
        {"normalizer.lowercase", "false",
            {"cased keeps accents", TEXT("HELLO hello"), "[CLS]|[UNK]|hello|[SEP]"}},
        {"normalizer.strip_accents", "false",
            {"accents kept", TEXT("\u00c9 \u0130"), "[CLS]|\u00e9|i\u0307|[SEP]"}},
        {"normalizer.clean_text", "false", {"not cleaned", TEXT("a\0b"), "[CLS]|[UNK]|[SEP]"}},
        {"normalizer.handle_chinese_chars", "false",
            {"ideographs together", TEXT("中国"), "[CLS]|[UNK]|[SEP]"}},
        {"normalizer", "null",
            {"no normalizer", TEXT("Hello hello\u00a0a"), "[CLS]|[UNK]|hello|a|[SEP]"}},
        {"normalizer", NULL, {"normalizer missing", TEXT("Hello a"), "[CLS]|[UNK]|a|[SEP]"}},
        {"post_processor", "null", {"no post-processor", TEXT("a"), "a"}},
        {"post_processor",
            "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]}",
            {"BertProcessing", TEXT("a"), "[CLS]|a|[SEP]"}},
        {"post_processor.special_tokens.[CLS]",
            "{\"id\":\"[CLS]\",\"ids\":[2,4],\"tokens\":[\"[CLS]\",\"[MASK]\"]}",
            {"name of two tokens", TEXT("a"), "[CLS]|[MASK]|a|[SEP]"}},
        {"model.max_input_chars_per_word", "2",
            {"words of two", TEXT("abc a"), "[CLS]|[UNK]|a|[SEP]"}},
        {"model.max_input_chars_per_word", "0", {"no words", TEXT("a"), "[CLS]|[UNK]|[SEP]"}},
        {"model.continuing_subword_prefix", "\"\"",
            {"no prefix", TEXT("helloworld"), "[CLS]|hello|world|[SEP]"}},
        {"model.unk_token", "\"a\"", {"other unknown token", TEXT("zz"), "[CLS]|a|[SEP]"}},
        {"model.type", NULL, {"early file", TEXT("ab"), "[CLS]|a|##b|[SEP]"}},
        {"added_tokens", "[]", {"no added tokens", TEXT("[SEP]"), "[CLS]|[|[UNK]|]|[SEP]"}},
        {"added_tokens", "[" ADDED(44, "<y>", PLAIN) "]",
            {"new token", TEXT("a<y>b"), "[CLS]|a|<y>|b|[SEP]"}},
        {"added_tokens", "[" ADDED(15, "world", SINGLE_WORD) "]",
            {"single word", TEXT("aworld world's world_"),
                "[CLS]|[UNK]|world|'|[UNK]|world|[UNK]|[SEP]"}},
        {"added_tokens", "[" ADDED(44, "New York", NORMALIZED) "]",
            {"looked for in normal text", TEXT("New  york NEW YORK"),
                "[CLS]|new|york|New York|[SEP]"}},
        {"added_tokens", "[" ADDED(44, "new york", PLAIN) "]",
            {"looked for in the text", TEXT("NEW YORK new york"), "[CLS]|new|york|new york|[SEP]"}},
        {"added_tokens", "[" ADDED(44, "<y>", STRIPS) "]",
            {"strips", TEXT("a <y> b"), "[CLS]|a|<y>|b|[SEP]"}},
        {"added_tokens", "[" ADDED(44, "ab", PLAIN) "," ADDED(45, "abc", PLAIN) "]",
            {"longest", TEXT("abcd"), "[CLS]|abc|[UNK]|[SEP]"}},
        {"added_tokens", "[" ADDED(44, "ab", SINGLE_WORD) "," ADDED(45, "bd", PLAIN) "]",
            {"refused match covers its bytes", TEXT("wabd"), "[CLS]|[UNK]|[SEP]"}},
    };
    struct scratch scratch;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_tokenizer *tokenizer = open_changed(&scratch, cases[i].path, cases[i].json);
        check_text(tokenizer, &cases[i].text);
        vf_tokenizer_close(tokenizer);
    }
    scratch_release(&scratch);
}

/* ---- limits ---- */

static void the_limit_keeps_the_specials(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        size_t limit;
        const char *expected;
        bool truncated;
    } cases[] = {
        {"exactly full", "a b", 4, "[CLS]|a|b|[SEP]", false},
        {"full, blanks follow", "a b  \n", 4, "[CLS]|a|b|[SEP]", false},
        {"full, what vanishes follows", "a b \u200b", 4, "[CLS]|a|b|[SEP]", false},
        {"one word over", "a b c", 4, "[CLS]|a|b|[SEP]", true},
        {"one piece over", "a abc", 5, "[CLS]|a|a|##b|[SEP]", true},
        {"cut within a word that is unknown", "aaaz", 4, "[CLS]|[UNK]|[SEP]", false},
        {"special token over", "a b[SEP]", 4, "[CLS]|a|b|[SEP]", true},
        {"room for one", "unaffable", 3, "[CLS]|un|[SEP]", true},
        {"no text", "", 3, "[CLS]|[SEP]", false},
    };
    struct scratch scratch;
    struct vf_ids ids = {0};
    scratch_init(&scratch);
    struct vf_tokenizer *tokenizer = open_changed(&scratch, NULL, NULL);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const char *text = cases[i].text;
        bool truncated = !cases[i].truncated;
        int rc = vf_tokenizer_encode(
            tokenizer, text, strlen(text), cases[i].limit, &ids, &truncated, NULL);
        vf_check(rc == 0, "%s: %d", cases[i].name, rc);
        check_tokens(cases[i].name, tokenizer, &ids, cases[i].expected);
        vf_check(truncated == cases[i].truncated, "%s: truncated", cases[i].name);
    }
    bool truncated;
    struct vf_err err = {0};
    assert_int_equal(
        vf_tokenizer_encode(tokenizer, "a", 1, 2, &ids, &truncated, &err), VF_ERR_USAGE);
    assert_int_equal(ids.n, 0);
    assert_non_null(strstr(err.msg, "2 special tokens"));
    vf_ids_release(&ids);
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

/* The text is said to go on behind a page that must not be touched. */
static void nothing_behind_a_full_limit_is_read(void **state)
{
    (void)state;
    enum { READABLE = 64 * 1024 };
    struct scratch scratch;
    struct vf_ids ids = {0};
    bool truncated = false;
    scratch_init(&scratch);
    struct vf_tokenizer *tokenizer = open_changed(&scratch, NULL, NULL);
    char *text = mmap(NULL, 2 * READABLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(text != MAP_FAILED);
    assert_int_equal(mprotect(text, READABLE, PROT_READ | PROT_WRITE), 0);
    for (size_t i = 0; i < READABLE; i++)
        text[i] = i % 6 == 5 ? ' ' : "hello"[i % 6];
    assert_int_equal(
        vf_tokenizer_encode(tokenizer, text, 2 * READABLE, 512, &ids, &truncated, NULL), 0);
    assert_int_equal(ids.n, 512);
    assert_true(truncated);
    munmap(text, 2 * READABLE);
    vf_ids_release(&ids);
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

/* A text of many stretches: words, tokens and refused matches lie across where they are cut. */
static void long_texts_are_cut_at_no_seam(void **state)
{
    (void)state;
    static const char unit[] = "unaffable new york, aworld hello[SEP]world ";
    enum { REPEATS = 4000, IDS_OF_UNIT = 9 };
    struct scratch scratch;
    struct vf_ids once = {0}, all = {0};
    bool truncated;
    scratch_init(&scratch);
    struct vf_tokenizer *tokenizer = open_changed(&scratch, "added_tokens",
        "[" ADDED(3, "[SEP]", PLAIN) "," ADDED(44, "new york", PLAIN) "," ADDED(
            15, "world", SINGLE_WORD) "]");
    size_t n = sizeof unit - 1;
    char *text = malloc(REPEATS * n);
    assert_non_null(text);
    for (size_t i = 0; i < REPEATS; i++)
        memcpy(text + i * n, unit, n);
    assert_int_equal(vf_tokenizer_encode(tokenizer, text, n, NO_LIMIT, &once, &truncated, NULL), 0);
    assert_int_equal(
        vf_tokenizer_encode(tokenizer, text, REPEATS * n, NO_LIMIT, &all, &truncated, NULL), 0);
    assert_int_equal(once.n, IDS_OF_UNIT + 2);
    assert_int_equal(all.n, REPEATS * IDS_OF_UNIT + 2);
    for (size_t i = 0; i < REPEATS; i++)
        vf_check(
            memcmp(all.ids + 1 + i * IDS_OF_UNIT, once.ids + 1, IDS_OF_UNIT * sizeof *all.ids) == 0,
            "repeat %zu", i);
    free(text);
    vf_ids_release(&once);
    vf_ids_release(&all);
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

/* ---- queries ---- */

static void queries_tell_about_the_vocabulary(void **state)
{
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    struct vf_tokenizer *tokenizer =
        open_changed(&scratch, "added_tokens", "[" ADDED(44, "<y>", PLAIN) "]");
    assert_int_equal(vf_tokenizer_specials(tokenizer), 2);
    assert_int_equal(vf_tokenizer_vocab_size(tokenizer), 45);
    assert_string_equal(vf_tokenizer_token(tokenizer, 0), "[PAD]");
    assert_string_equal(vf_tokenizer_token(tokenizer, 43), "\uac00\uac01");
    assert_string_equal(vf_tokenizer_token(tokenizer, 44), "<y>");
    assert_null(vf_tokenizer_token(tokenizer, 45));
    assert_null(vf_tokenizer_token(tokenizer, -1));
    assert_null(vf_tokenizer_token(tokenizer, INT32_MAX));
    vf_tokenizer_close(tokenizer);
    vf_tokenizer_close(NULL);
    vf_ids_release(NULL);
    scratch_release(&scratch);
}

/* ---- threads ---- */

enum { N_THREADS = 4, ROUNDS = 200 };

/* Returns NULL when all counts were right. */
static void *count_often(void *tokenizer)
{
    static const char text[] = "Hello[SEP] unaffable \u00c9 new york \u302e\u302f";
    for (size_t i = 0; i < ROUNDS; i++) {
        size_t n = 0;
        if (vf_tokenizer_count(tokenizer, text, sizeof text - 1, &n, NULL) || n != 11)
            return tokenizer;
    }
    return NULL;
}

static void one_tokenizer_serves_many_threads(void **state)
{
    (void)state;
    struct scratch scratch;
    pthread_t threads[N_THREADS];
    scratch_init(&scratch);
    struct vf_tokenizer *tokenizer = open_changed(&scratch, NULL, NULL);
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_often, tokenizer), 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_tokens),
        cmocka_unit_test(the_file_is_obeyed),
        cmocka_unit_test(the_limit_keeps_the_specials),
        cmocka_unit_test(nothing_behind_a_full_limit_is_read),
        cmocka_unit_test(long_texts_are_cut_at_no_seam),
        cmocka_unit_test(queries_tell_about_the_vocabulary),
        cmocka_unit_test(one_tokenizer_serves_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
