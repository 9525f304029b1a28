/* What is wrong with a tokenizer.json is said with file and key, and nothing is guessed. */
#include "tokenizer/tokenizer.h"

#include "harness.h"
#include "support/tokenizer_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opens what is in the directory; fails unless that fails with the code and the part of the
 * message. */
static void check_refused(
    const struct scratch *scratch, const char *name, int code, const char *message)
{
    struct vf_tokenizer *tokenizer = NULL;
    struct vf_err err = {0};
    int rc = vf_tokenizer_open(scratch->path, false, &tokenizer, &err);
    vf_check(rc == code, "%s: %d: %s", name, rc, err.msg);
    vf_check(!tokenizer, "%s: output", name);
    vf_check(strstr(err.msg, "tokenizer.json"), "%s: no file in \"%s\"", name, err.msg);
    vf_check(strstr(err.msg, message), "%s: \"%s\"", name, err.msg);
    if (strstr(err.msg, "unknown"))
        vf_check(err.hint[0], "%s: no hint", name);
}

static void what_is_no_tokenizer_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        {"empty file", "", "not valid JSON"},
        {"text", "hello", "not valid JSON"},
        {"cut short", "{\"model\": {", "not valid JSON"},
        {"array", "[]", "not an object"},
        {"empty object", "{}", "\"model\" is missing"},
        {"key twice", "{\"model\": {}, \"model\": {}}", "duplicate"},
        {"a model's config.json", "{\"model_type\": \"bert\"}", "\"model\" is missing"},
    };
    struct scratch scratch;
    scratch_init(&scratch);
    check_refused(&scratch, "no file", VF_ERR_NOT_FOUND, "");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        scratch_write(&scratch, "tokenizer.json", cases[i].text, strlen(cases[i].text));
        check_refused(&scratch, cases[i].name, VF_ERR_DATA, cases[i].message);
    }
    scratch_release(&scratch);
}

static void wrong_parts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *path, *json, *message;
    } cases[] = {
        {"unknown top key", "stride", "1", "unknown option \"stride\""},
        {"later version", "version", "\"2.0\"", "unknown \"version\": 2.0"},
        {"version is a number", "version", "1", "\"version\""},

        {"model is null", "model", "null", "model: not an object"},
        {"model is an array", "model", "[]", "model: not an object"},
        {"other model", "model.type", "\"WordLevel\"", "model: unknown \"type\": WordLevel"},
        {"unknown model option", "model.dropout", "0.1", "model: unknown option \"dropout\""},
        {"no vocabulary", "model.vocab", NULL, "model: \"vocab\" is missing"},
        {"vocabulary of pieces", "model.vocab", "[[\"a\", -1.5]]", "model.vocab: not an object"},
        {"empty vocabulary", "model.vocab", "{}", "\"unk_token\" is \"[UNK]\""},
        {"negative id", "model.vocab.a", "-1", "the id of \"a\" is -1"},
        {"huge id", "model.vocab.a", "4294967296", "the id of \"a\" is 4294967296"},
        {"id over the limit", "model.vocab.a", "16777216", "outside of 0 to 16777215"},
        {"id twice", "model.vocab.a", "6", "have the same id 6"},
        {"id is text", "model.vocab.a", "\"5\"", "the id of \"a\" is not an integer"},
        {"id is real", "model.vocab.a", "5.0", "the id of \"a\" is not an integer"},
        {"empty token", "model.vocab", "{\"\": 0}", "is empty"},
        {"no unknown token", "model.unk_token", NULL, "model: \"unk_token\" is missing"},
        {"unknown token unknown", "model.unk_token", "\"<unk>\"", "\"<unk>\", which the voc"},
        {"prefix is a number", "model.continuing_subword_prefix", "2", "continuing_subword"},
        {"endless words", "model.max_input_chars_per_word", "4097", "outside of 0 to 4096"},
        {"negative words", "model.max_input_chars_per_word", "-1", "outside of 0 to 4096"},

        {"other normalizer", "normalizer.type", "\"Nmt\"", "normalizer: unknown \"type\": Nmt"},
        {"normalizer is text", "normalizer", "\"BertNormalizer\"", "normalizer"},
        {"normalizer lacks a key", "normalizer.lowercase", NULL, "\"lowercase\" is missing"},
        {"normalizer has more", "normalizer.nfkc", "true", "normalizer: unknown option \"nfkc\""},
        {"case is a number", "normalizer.lowercase", "1", "normalizer: \"lowercase\""},

        {"pre-tokenizer is text", "pre_tokenizer", "\"BertPreTokenizer\"", "pre_tokenizer"},
        {"other pre-tokenizer", "pre_tokenizer.type", "\"UnicodeScripts\"",
            "pre_tokenizer: unknown \"type\": UnicodeScripts"},
        {"pre-tokenizer has more", "pre_tokenizer.x", "1", "pre_tokenizer: unknown option \"x\""},

        {"added tokens are an object", "added_tokens", "{}", "added_tokens: not an array"},
        {"added token is text", "added_tokens.0", "\"[PAD]\"", "added_tokens[0]: not an object"},
        {"added token lacks a key", "added_tokens.1.lstrip", NULL,
            "added_tokens[1]: \"lstrip\" is missing"},
        {"added token has more", "added_tokens.0.x", "1", "added_tokens[0]: unknown option \"x\""},
        {"added token has another id", "added_tokens.0.id", "7", "has id 7 where 0 is expected"},
        {"added token has a negative id", "added_tokens.0.id", "-7", "is -7, outside of 0"},
        {"added token is empty", "added_tokens.0.content", "\"\"", "is empty"},
        {"added token with NUL", "added_tokens.0.content", "\"a\\u0000\"", "contains a NUL"},
        {"added token of a replacement", "added_tokens.0.content", "\"\\ufffd\"", "holds U+FFFD"},
        {"added tokens leave a gap", "added_tokens", "[" ADDED(45, "<y>", PLAIN) "]",
            "has id 45 where 44 is expected"},
        {"added token twice", "added_tokens", "[" ADDED(5, "a", PLAIN) "," ADDED(5, "a", PLAIN) "]",
            "\"a\" occurs twice"},
        {"two added tokens with one normal form", "added_tokens",
            "[" ADDED(44, "AB", NORMALIZED) "," ADDED(45, "ab", NORMALIZED) "]",
            "\"ab\" occurs twice"},
        {"added token that normalises away", "added_tokens",
            "[" ADDED(44, "\\u0301", NORMALIZED) "]", "nothing is left"},

        {"other post-processor", "post_processor.type", "\"PairProcessing\"",
            "post_processor: unknown \"type\": PairProcessing"},
        {"template lacks its tokens", "post_processor.special_tokens", NULL,
            "\"special_tokens\" is missing"},
        {"template names no such token", "post_processor.special_tokens.[SEP]", NULL,
            "post_processor.special_tokens: \"[SEP]\" is missing"},
        {"special token is not in the vocabulary", "post_processor.special_tokens.[SEP].tokens",
            "[\"<sep>\"]", "\"<sep>\" is not in the vocabulary"},
        {"special token has another id", "post_processor.special_tokens.[SEP].ids", "[4]",
            "\"[SEP]\" has id 4, but 3"},
        {"special token has a negative id", "post_processor.special_tokens.[SEP].ids", "[-3]",
            "the id of \"[SEP]\" is -3"},
        {"more ids than tokens", "post_processor.special_tokens.[SEP].ids", "[3, 3]",
            "not arrays of one length"},
        {"template without text", "post_processor.single",
            "[{\"SpecialToken\": {\"id\": \"[CLS]\", \"type_id\": 0}}]",
            "the Sequence \"A\" is missing"},
        {"template with the text twice", "post_processor.single",
            "[{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}, "
            "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}]",
            "more than the one Sequence"},
        {"template with a second text", "post_processor.single",
            "[{\"Sequence\": {\"id\": \"B\", \"type_id\": 0}}]", "more than the one Sequence"},
        {"template of strings", "post_processor.single", "[\"$A\"]",
            "neither a Sequence nor a SpecialToken"},
        {"template is an object", "post_processor.single", "{}", "single: not an array"},
        {"text of another type", "post_processor.single",
            "[{\"Sequence\": {\"id\": \"A\", \"type_id\": 1}}]", "\"type_id\" is 1"},
        {"cls without an id", "post_processor",
            "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\"]}",
            "post_processor.cls: not an array of token and id"},
        {"sep that is no token", "post_processor",
            "{\"type\":\"BertProcessing\",\"sep\":[\"</s>\",3],\"cls\":[\"[CLS]\",2]}",
            "\"</s>\" is not in the vocabulary"},
    };
    struct scratch scratch;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        tokenizer_file_write(&scratch, cases[i].path, cases[i].json);
        check_refused(&scratch, cases[i].name, VF_ERR_DATA, cases[i].message);
    }
    scratch_release(&scratch);
}

static void the_longest_token_is_known(void **state)
{
    (void)state;
    enum { LONGEST = 1024 };
    static const char specials[] =
        "\"[PAD]\": 0, \"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3, \"[MASK]\": 4";
    struct scratch scratch;
    struct vf_tokenizer *tokenizer;
    char json[LONGEST + 128], token[LONGEST + 2] = "";
    scratch_init(&scratch);
    memset(token, 'x', LONGEST);
    (void)snprintf(json, sizeof json, "{%s, \"%s\": 5}", specials, token);
    tokenizer_file_write(&scratch, "model.vocab", json);
    assert_int_equal(vf_tokenizer_open(scratch.path, false, &tokenizer, NULL), 0);
    assert_string_equal(vf_tokenizer_token(tokenizer, 5), token);
    vf_tokenizer_close(tokenizer);

    token[LONGEST] = 'x';
    (void)snprintf(json, sizeof json, "{%s, \"%s\": 5}", specials, token);
    tokenizer_file_write(&scratch, "model.vocab", json);
    check_refused(&scratch, "one byte more", VF_ERR_DATA, "has 1025 bytes");
    scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_tokenizer_is_refused),
        cmocka_unit_test(wrong_parts_are_refused),
        cmocka_unit_test(the_longest_token_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
