/* What is wrong with the kinds of tokenizers beyond those of BERT is said with file and key, a
 * vocab.txt alone serves for BERT, and tokenizer_config.json wins where it has to. */
#include "tokenizer/tokenizer.h"

#include "harness.h"
#include "support/tokenizer_file.h"

#include <pthread.h>
#include <string.h>

#define SPLIT(pattern)                                                                             \
    "{\"type\":\"Split\",\"pattern\":" pattern ",\"behavior\":\"Isolated\",\"invert\":false}"
#define REGEX(text) SPLIT("{\"Regex\":\"" text "\"}")

static void wrong_parts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *kind, *path, *json, *message;
    } cases[] = {
        {"merge of unknown tokens", "bpe_roberta", "model.merges.0", "[\"xyzzy\", \"e\"]",
            "model.merges[0]: \"xyzzy\", \"e\" or both together are not in the vocabulary"},
        {"merge of three", "bpe_roberta", "model.merges.1", "[\"a\", \"b\", \"c\"]",
            "model.merges[1]: not a pair of tokens"},
        {"merge without a blank", "bpe_roberta", "model.merges.1", "\"ab\"", "not a pair"},
        {"merge with two blanks", "bpe_roberta", "model.merges.1", "\"a b c\"", "not a pair"},
        {"merges are an object", "bpe_roberta", "model.merges", "{}", "model.merges: not an array"},
        {"no merges", "bpe_roberta", "model.merges", NULL, "model: \"merges\" is missing"},
        {"dropout", "bpe_roberta", "model.dropout", "0.1", "\"dropout\""},
        {"unknown option of BPE", "bpe_roberta", "model.cache", "1", "unknown option \"cache\""},
        {"unknown token of BPE", "bpe_roberta", "model.unk_token", "\"xyzzy\"",
            "\"xyzzy\", which the vocabulary lacks"},
        {"fuse_unk is a number", "bpe_roberta", "model.fuse_unk", "1", "\"fuse_unk\""},

        {"pieces are an object", "unigram_bytes", "model.vocab", "{}", "model.vocab: not an array"},
        {"no pieces", "unigram_bytes", "model.vocab", "[]", "model.vocab: not an array of 1"},
        {"piece without a score", "unigram_bytes", "model.vocab.0", "[\"a\"]",
            "model.vocab[0]: not a piece and its score"},
        {"score is text", "unigram_bytes", "model.vocab.0", "[\"a\", \"b\"]", "not a piece and"},
        {"piece twice", "unigram_bytes", "model.vocab.1", "[\"<unk>\", -1]", "occurs twice"},
        {"unk_id out of range", "unigram_bytes", "model.unk_id", "100000", "\"unk_id\" is 100000"},

        {"charsmap is not base64", "unigram_first", "normalizer.precompiled_charsmap", "\"AAA*\"",
            "normalizer: \"precompiled_charsmap\" is not base64"},
        {"charsmap ends early", "unigram_first", "normalizer.precompiled_charsmap", "\"AAA\"",
            "is not base64"},
        {"charsmap without a trie", "unigram_first", "normalizer.precompiled_charsmap",
            "\"AAAAAA==\"", "the charsmap is cut short"},
        {"charsmap with half a trie", "unigram_first", "normalizer.precompiled_charsmap",
            "\"CAAAAAAAAAA=\"", "the charsmap is cut short"},
        {"charsmap of invalid UTF-8", "unigram_first", "normalizer.precompiled_charsmap",
            "\"BAAAAAAAAAD/\"", "the charsmap is not UTF-8"},
        {"empty charsmap", "unigram_first", "normalizer.precompiled_charsmap", "\"\"", "cut short"},

        {"other prepend_scheme", "unigram_first", "pre_tokenizer.prepend_scheme", "\"last\"",
            "pre_tokenizer: unknown \"prepend_scheme\": last"},
        {"two replacements", "unigram_first", "pre_tokenizer.replacement", "\"__\"",
            "\"replacement\" is not one character"},
        {"normalizers are an object", "wordpiece_steps", "normalizer.normalizers", "{}",
            "normalizer.normalizers: not an array"},
        {"step is text", "wordpiece_steps", "normalizer.normalizers.1", "\"NFC\"",
            "normalizer.normalizers[1]: not an object"},
        {"unknown step", "wordpiece_steps", "normalizer.normalizers.1", "{\"type\":\"Nmt\"}",
            "normalizer.normalizers[1]: unknown \"type\": Nmt"},
        {"option of NFC", "wordpiece_steps", "normalizer.normalizers.1",
            "{\"type\":\"NFC\",\"x\":1}", "unknown option \"x\""},
        {"unknown behavior", "wordpiece_steps", "pre_tokenizer.pretokenizers.2.behavior",
            "\"Kept\"", "pre_tokenizer.pretokenizers[2]: unknown \"behavior\": Kept"},
        {"digits lack a key", "wordpiece_steps", "pre_tokenizer.pretokenizers.1.individual_digits",
            NULL, "pre_tokenizer.pretokenizers[1]: \"individual_digits\" is missing"},

        {"pattern of nothing", "bpe_cased", "pre_tokenizer", SPLIT("{\"String\":\"\"}"),
            "pre_tokenizer.pattern"},
        {"pattern is text", "bpe_cased", "pre_tokenizer", SPLIT("\"a\""), "pre_tokenizer.pattern"},
        {"pattern of another kind", "bpe_cased", "pre_tokenizer", SPLIT("{\"Glob\":\"a\"}"),
            "pre_tokenizer.pattern"},
        {"open group", "bpe_cased", "pre_tokenizer", REGEX("(a"), "the regular expression (a"},
        {"open class", "bpe_cased", "pre_tokenizer", REGEX("[a"), "a class without an end"},
        {"empty class", "bpe_cased", "pre_tokenizer", REGEX("[]a]"), "an empty class"},
        {"class within a class", "bpe_cased", "pre_tokenizer", REGEX("[a[b]]"), "within a class"},
        {"intersection", "bpe_cased", "pre_tokenizer", REGEX("[a-z&&b]"), "within a class"},
        {"unknown property", "bpe_cased", "pre_tokenizer", REGEX("\\\\p{Greek}"), "unknown \\p"},
        {"property without a name", "bpe_cased", "pre_tokenizer", REGEX("\\\\pL"),
            "without a name"},
        {"property without an end", "bpe_cased", "pre_tokenizer", REGEX("\\\\p{L"),
            "without an end"},
        {"case of a property", "bpe_cased", "pre_tokenizer", REGEX("(?i:\\\\p{Lu})"), "one case"},
        {"word boundary", "bpe_cased", "pre_tokenizer", REGEX("\\\\bx"), "an unknown \\"},
        {"hex digit", "bpe_cased", "pre_tokenizer", REGEX("\\\\h"), "an unknown \\"},
        {"trailing backslash", "bpe_cased", "pre_tokenizer", REGEX("a\\\\"), "a \\ at the end"},
        {"named group", "bpe_cased", "pre_tokenizer", REGEX("(?<x>a)"), "an unknown group"},
        {"dot of all", "bpe_cased", "pre_tokenizer", REGEX("(?m:.)"), "an unknown group"},
        {"count from nothing", "bpe_cased", "pre_tokenizer", REGEX("a{,3}"), "unknown quantifier"},
        {"count of a count", "bpe_cased", "pre_tokenizer", REGEX("a{3}+"), "unknown quantifier"},
        {"byte by number", "bpe_cased", "pre_tokenizer", REGEX("\\\\xff"), "a byte by its number"},

        {"processors are an object", "bpe_llama3", "post_processor.processors", "{}",
            "post_processor.processors: not an array"},
        {"two templates", "bpe_llama3", "post_processor.processors.0",
            "{\"type\":\"RobertaProcessing\",\"sep\":[\"a\",64],\"cls\":[\"a\",64],"
            "\"trim_offsets\":true,\"add_prefix_space\":true}",
            "post_processor.processors"},
    };
    struct scratch scratch;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_tokenizer *tokenizer = NULL;
        struct vf_err err = {0};
        tokenizer_file_write_kind(&scratch, cases[i].kind, cases[i].path, cases[i].json);
        int rc = vf_tokenizer_open(scratch.path, false, &tokenizer, &err);
        vf_check(rc == VF_ERR_DATA, "%s: %d: %s", cases[i].name, rc, err.msg);
        vf_check(!tokenizer, "%s: output", cases[i].name);
        vf_check(strstr(err.msg, "tokenizer.json"), "%s: \"%s\"", cases[i].name, err.msg);
        vf_check(strstr(err.msg, cases[i].message), "%s: \"%s\"", cases[i].name, err.msg);
    }
    scratch_release(&scratch);
}

static void a_character_without_any_token_is_an_error(void **state)
{
    (void)state;
    struct scratch scratch;
    struct vf_tokenizer *tokenizer;
    struct vf_ids ids = {0};
    struct vf_err err = {0};
    bool truncated;
    scratch_init(&scratch);
    tokenizer_file_write_kind(&scratch, "unigram_first", "model.unk_id", "null");
    assert_int_equal(vf_tokenizer_open(scratch.path, false, &tokenizer, &err), 0);
    assert_int_equal(
        vf_tokenizer_encode(tokenizer, "a\xE2\x98\x83", 4, 100, &ids, &truncated, &err),
        VF_ERR_DATA);
    assert_non_null(strstr(err.msg, "unk_id"));
    assert_int_equal(ids.n, 0);
    assert_int_equal(vf_tokenizer_encode(tokenizer, "a", 1, 100, &ids, &truncated, &err), 0);
    assert_true(ids.n > 0);
    vf_ids_release(&ids);
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 200 };

struct job {
    const struct vf_tokenizer *tokenizer;
    bool same; /* ids in every round */
};

static const char shared_text[] = "Brennock's 1234 claims\r\n  rose e\xCC\x81 \xE4\xB8\xAD\xFF!";

static void *encode_repeatedly(void *context)
{
    struct job *job = context;
    struct vf_ids first = {0}, ids = {0};
    bool truncated;
    job->same = vf_tokenizer_encode(job->tokenizer, shared_text, sizeof shared_text - 1, 100,
                    &first, &truncated, NULL) == 0;
    for (size_t i = 0; i < ROUNDS && job->same; i++)
        job->same = vf_tokenizer_encode(job->tokenizer, shared_text, sizeof shared_text - 1, 100,
                        &ids, &truncated, NULL) == 0 &&
                    ids.n == first.n && memcmp(ids.ids, first.ids, ids.n * sizeof *ids.ids) == 0;
    vf_ids_release(&first);
    vf_ids_release(&ids);
    return NULL;
}

static void threads_share_a_tokenizer(void **state)
{
    (void)state;
    struct scratch scratch;
    struct vf_tokenizer *tokenizer;
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    scratch_init(&scratch);
    tokenizer_file_write_kind(&scratch, "bpe_llama3", NULL, NULL);
    assert_int_equal(vf_tokenizer_open(scratch.path, false, &tokenizer, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.tokenizer = tokenizer};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_repeatedly, &jobs[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(jobs[i].same);
    }
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

/* ---- vocab.txt ---- */

#define VOCAB                                                                                      \
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\nA\n\xC3\xA9\ne\n\xE4\xB8\xAD\n##\xE4\xB8\xAD\n"

static void a_vocabulary_alone_serves_for_bert(void **state)
{
    (void)state;
    static const struct {
        const char *name, *vocab, *config, *text;
        size_t n;
        int32_t ids[8];
    } cases[] = {
        {"no config", VOCAB, NULL, "Ab \xC3\xA9 a\xE4\xB8\xAD", 7, {2, 5, 6, 9, 5, 10, 3}},
        {"Windows lines", "[UNK]\r\n[CLS]\r\n[SEP]\r\nab", NULL, "AB", 3, {1, 3, 2}},
        {"case is kept", VOCAB, "{\"do_lower_case\":false}", "Ab \xC3\xA9", 5, {2, 7, 6, 8, 3}},
        {"accents are kept", VOCAB, "{\"strip_accents\":false}", "Ab \xC3\x89", 5, {2, 5, 6, 8, 3}},
        {"accents go", VOCAB, "{\"do_lower_case\":false,\"strip_accents\":true}", "A\xC3\xA9", 3,
            {2, 1, 3}},
        {"ideographs are letters", VOCAB, "{\"tokenize_chinese_chars\":false}", "a\xE4\xB8\xAD", 4,
            {2, 5, 11, 3}},
        {"special tokens", VOCAB, NULL, "a[MASK][SEP]", 5, {2, 5, 4, 3, 3}},
        {"other special tokens", "<u>\n<c>\n<s>\na\n",
            "{\"unk_token\":\"<u>\",\"cls_token\":{\"content\":\"<c>\"},\"sep_token\":\"<s>\"}",
            "a b<s>", 5, {1, 3, 0, 2, 2}},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct scratch scratch;
        struct vf_tokenizer *tokenizer;
        struct vf_ids ids = {0};
        struct vf_err err = {0};
        bool truncated;
        const char *config = cases[i].config, *text = cases[i].text;
        scratch_init(&scratch);
        scratch_write(&scratch, "vocab.txt", cases[i].vocab, strlen(cases[i].vocab));
        if (config)
            scratch_write(&scratch, "tokenizer_config.json", config, strlen(config));
        vf_check(vf_tokenizer_open(scratch.path, false, &tokenizer, &err) == 0, "%s: %s",
            cases[i].name, err.msg);
        assert_int_equal(
            vf_tokenizer_encode(tokenizer, text, strlen(text), 100, &ids, &truncated, &err), 0);
        vf_check(ids.n == cases[i].n && memcmp(ids.ids, cases[i].ids, ids.n * sizeof *ids.ids) == 0,
            "%s: %zu ids", cases[i].name, ids.n);
        vf_ids_release(&ids);
        vf_tokenizer_close(tokenizer);
        scratch_release(&scratch);
    }
}

/* special_tokens_map.json wins, but not over the newer form of tokenizer_config.json. */
static void a_map_of_special_tokens_is_followed(void **state)
{
    static const char vocab[] = "[UNK]\n[CLS]\n[SEP]\n<s>\n</s>\na\n";
    static const char map[] = "{\"cls_token\":\"<s>\",\"sep_token\":{\"content\":\"</s>\"}}";
    static const struct {
        const char *name, *config;
        int32_t first, last;
    } cases[] = {
        {"no config", NULL, 3, 4},
        {"config", "{\"cls_token\":\"[CLS]\"}", 3, 4},
        {"newer config", "{\"cls_token\":\"[CLS]\",\"added_tokens_decoder\":{}}", 1, 2},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct scratch scratch;
        struct vf_tokenizer *tokenizer;
        struct vf_ids ids = {0};
        struct vf_err err = {0};
        bool truncated;
        scratch_init(&scratch);
        scratch_write(&scratch, "vocab.txt", vocab, strlen(vocab));
        scratch_write(&scratch, "special_tokens_map.json", map, strlen(map));
        if (cases[i].config)
            scratch_write(
                &scratch, "tokenizer_config.json", cases[i].config, strlen(cases[i].config));
        vf_check(vf_tokenizer_open(scratch.path, false, &tokenizer, &err) == 0, "%s: %s",
            cases[i].name, err.msg);
        assert_int_equal(vf_tokenizer_encode(tokenizer, "a", 1, 9, &ids, &truncated, &err), 0);
        vf_check(ids.n == 3 && ids.ids[0] == cases[i].first && ids.ids[2] == cases[i].last,
            "%s: %d", cases[i].name, (int)ids.ids[0]);
        vf_ids_release(&ids);
        vf_tokenizer_close(tokenizer);
        scratch_release(&scratch);
    }
}

/* ---- tokenizer_config.json ---- */

#define BERT_NORMALIZER(lowercase, strip_accents, chinese)                                         \
    "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"lowercase\":" lowercase                    \
    ",\"strip_accents\":" strip_accents ",\"handle_chinese_chars\":" chinese "}"
#define BYTE_LEVEL(add_prefix_space)                                                               \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":" add_prefix_space "}"

static struct vf_ids encode_in(const struct scratch *scratch, const char *text, const char *name)
{
    struct vf_tokenizer *tokenizer = NULL;
    struct vf_ids ids = {0};
    struct vf_err err = {0};
    bool truncated;
    vf_check(
        vf_tokenizer_open(scratch->path, false, &tokenizer, &err) == 0, "%s: %s", name, err.msg);
    assert_int_equal(
        vf_tokenizer_encode(tokenizer, text, strlen(text), 100, &ids, &truncated, &err), 0);
    vf_tokenizer_close(tokenizer);
    return ids;
}

/* A tokenizer.json with the part `has` and the config gives the ids of one with `means` alone. */
static void the_config_wins_where_transformers_has_it_so(void **state)
{
    static const char normalizer[] = "normalizer", pre[] = "pre_tokenizer";
    static const char upper[] = BERT_NORMALIZER("false", "null", "true"),
                      lower[] = BERT_NORMALIZER("true", "null", "true"),
                      accents[] = BERT_NORMALIZER("true", "false", "true"),
                      words[] = BERT_NORMALIZER("true", "null", "false");
    static const struct {
        const char *name, *kind, *path, *has, *config, *means;
    } cases[] = {
        {"case is kept", "wordpiece_mixed", normalizer, lower,
            "{\"tokenizer_class\":\"BertTokenizer\",\"do_lower_case\":false}", upper},
        {"lower case unless said otherwise", "wordpiece_mixed", normalizer, upper,
            "{\"tokenizer_class\":\"DistilBertTokenizerFast\"}", lower},
        {"no class", "wordpiece_mixed", normalizer, upper, "{\"do_lower_case\":true}", lower},
        {"a length that no integer holds", "wordpiece_mixed", normalizer, upper,
            "{\"model_max_length\":1000000000000000019884624838656}", lower},
        {"accents", "wordpiece_mixed", normalizer, lower,
            "{\"tokenizer_class\":\"MPNetTokenizer\",\"strip_accents\":false}", accents},
        {"accents of the file", "wordpiece_mixed", normalizer, accents,
            "{\"tokenizer_class\":\"ElectraTokenizer\",\"strip_accents\":null}", lower},
        {"ideographs", "wordpiece_mixed", normalizer, lower,
            "{\"tokenizer_class\":\"BertTokenizer\",\"tokenize_chinese_chars\":false}", words},
        {"the file as it is", "wordpiece_mixed", normalizer, upper,
            "{\"tokenizer_class\":\"PreTrainedTokenizerFast\",\"do_lower_case\":true}", upper},
        {"no config", "wordpiece_mixed", normalizer, upper, NULL, upper},
        {"a class that begins so", "wordpiece_mixed", normalizer, upper,
            "{\"tokenizer_class\":\"BertTokenizerSlow\"}", upper},
        {"a blank before a text", "bpe_roberta", pre, BYTE_LEVEL("false"),
            "{\"tokenizer_class\":\"RobertaTokenizer\",\"add_prefix_space\":true}",
            BYTE_LEVEL("true")},
        {"no blank unless said otherwise", "bpe_roberta", pre, BYTE_LEVEL("true"),
            "{\"tokenizer_class\":\"RobertaTokenizerFast\"}", BYTE_LEVEL("false")},
        {"another class", "bpe_roberta", pre, BYTE_LEVEL("true"),
            "{\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":false}",
            BYTE_LEVEL("true")},
    };
    static const char text[] = "The \xC3\x89t\xC3\xA9 \xC3\xA9 a\xE4\xB8\xAD\xE6\x96\x87 s";
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct scratch scratch;
        const char *config = cases[i].config;
        scratch_init(&scratch);
        tokenizer_file_write_kind(&scratch, cases[i].kind, cases[i].path, cases[i].means);
        struct vf_ids expected = encode_in(&scratch, text, cases[i].name);
        tokenizer_file_write_kind(&scratch, cases[i].kind, cases[i].path, cases[i].has);
        struct vf_ids without = encode_in(&scratch, text, cases[i].name);
        if (config)
            scratch_write(&scratch, "tokenizer_config.json", config, strlen(config));
        struct vf_ids ids = encode_in(&scratch, text, cases[i].name);
        bool changes = strcmp(cases[i].has, cases[i].means) != 0;
        vf_check(ids.n == expected.n && memcmp(ids.ids, expected.ids, ids.n * sizeof *ids.ids) == 0,
            "%s: %zu ids", cases[i].name, ids.n);
        vf_check(changes == (without.n != ids.n ||
                                memcmp(without.ids, ids.ids, ids.n * sizeof *ids.ids) != 0),
            "%s: no difference", cases[i].name);
        vf_ids_release(&expected);
        vf_ids_release(&without);
        vf_ids_release(&ids);
        scratch_release(&scratch);
    }
}

/* The blank of "first" goes before every word that begins with the text's first character, of which
 * earlier steps may have made many: here each of its two bytes is spelled, and cut off. */
static void the_first_character_is_followed_through_the_steps(void **state)
{
    static const char steps[] =
        "{\"type\":\"Sequence\",\"pretokenizers\":["
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"use_regex\":false}," SPLIT(
            "{\"Regex\":\"[A-Z\\u00C0-\\u00DE]\"}") ","
                                                    "{\"type\":\"Metaspace\",\"replacement\":\"_\","
                                                    "\"prepend_scheme\":\"first\"}]}";
    static const int32_t expected[] = {65, 223, 65, 130, 65, 105, 130, 105};
    struct scratch scratch;
    (void)state;
    scratch_init(&scratch);
    tokenizer_file_write_kind(&scratch, "bpe_prefixed", "pre_tokenizer", steps);
    struct vf_ids ids = encode_in(&scratch, "\xC3\xA9\xC3\xA9", "first");
    assert_int_equal(ids.n, VF_COUNT(expected));
    assert_memory_equal(ids.ids, expected, sizeof expected);
    vf_ids_release(&ids);
    scratch_release(&scratch);
}

/* Normalisers that multiply a text are stopped. */
static void a_text_that_grows_is_refused(void **state)
{
    static const char replace[] =
        "{\"type\":\"Sequence\",\"normalizers\":["
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaaaaaaaa\"},"
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaaaaaaaa\"},"
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaaaaaaaa\"},"
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaaaaaaaa\"}]}";
    struct scratch scratch;
    struct vf_tokenizer *tokenizer;
    struct vf_ids ids = {0};
    struct vf_err err = {0};
    bool truncated;
    (void)state;
    scratch_init(&scratch);
    tokenizer_file_write_kind(&scratch, "wordpiece_steps", "normalizer", replace);
    vf_check(vf_tokenizer_open(scratch.path, false, &tokenizer, &err) == 0, "%s", err.msg);
    assert_int_equal(vf_tokenizer_encode(tokenizer, "b", 1, 9, &ids, &truncated, &err), 0);
    assert_int_equal(
        vf_tokenizer_encode(tokenizer, "a", 1, 9, &ids, &truncated, &err), VF_ERR_DATA);
    assert_non_null(strstr(err.msg, "64 times"));
    vf_ids_release(&ids);
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

static void a_broken_vocabulary_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *vocab, *config, *message;
        size_t n;
    } cases[] = {
        {"empty", "", NULL, "vocab.txt: no tokens", 0},
        {"no [UNK]", "[CLS]\n[SEP]\n", NULL, "vocab.txt: \"[UNK]\" is missing", 12},
        {"not UTF-8", "[UNK]\n\xFF\n", NULL, "vocab.txt: line 2 is not UTF-8", 8},
        {"NUL", "[UNK]\n\0\n", NULL, "vocab.txt: holds a NUL", 8},
        {"config is broken", VOCAB, "{", "tokenizer_config.json: ", sizeof VOCAB - 1},
        {"config of another type", VOCAB, "{\"do_lower_case\":1}",
            "tokenizer_config.json: \"do_lower_case\"", sizeof VOCAB - 1},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct scratch scratch;
        struct vf_tokenizer *tokenizer = NULL;
        struct vf_err err = {0};
        const char *config = cases[i].config;
        scratch_init(&scratch);
        scratch_write(&scratch, "vocab.txt", cases[i].vocab, cases[i].n);
        if (config)
            scratch_write(&scratch, "tokenizer_config.json", config, strlen(config));
        int rc = vf_tokenizer_open(scratch.path, false, &tokenizer, &err);
        vf_check(rc == VF_ERR_DATA && !tokenizer, "%s: %d", cases[i].name, rc);
        vf_check(strstr(err.msg, cases[i].message), "%s: \"%s\"", cases[i].name, err.msg);
        scratch_release(&scratch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_parts_are_refused),
        cmocka_unit_test(a_character_without_any_token_is_an_error),
        cmocka_unit_test(threads_share_a_tokenizer),
        cmocka_unit_test(a_vocabulary_alone_serves_for_bert),
        cmocka_unit_test(a_map_of_special_tokens_is_followed),
        cmocka_unit_test(the_config_wins_where_transformers_has_it_so),
        cmocka_unit_test(the_first_character_is_followed_through_the_steps),
        cmocka_unit_test(a_text_that_grows_is_refused),
        cmocka_unit_test(a_broken_vocabulary_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
