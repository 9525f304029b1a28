#include "tokenizer/bert_vocab.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define MAX_VOCAB_BYTES ((size_t)64 << 20)
#define MAX_CONFIG_BYTES ((size_t)4 << 20)

enum special { UNK, SEP, PAD, CLS, MASK, N_SPECIALS };

/* What tokenizer_config.json may say, and what holds where it does not. */
struct config {
    json_t *json;    /* owned; NULL without the file */
    json_t *special; /* of special_tokens_map.json; the same */
    bool lowercase;
    bool chinese;
    const json_t *strip_accents; /* borrowed; NULL: as `lowercase` is */
    const char *specials[N_SPECIALS];
};

/* A token is a string, or an object that has it as "content". */
static int read_special(
    const json_t *json, const char *key, const char *where, const char **ret, struct vf_err *err)
{
    const json_t *token = json_object_get(json, key);
    return json_is_object(token) ? vf_json_get_string(token, "content", where, *ret, ret, err)
                                 : vf_json_get_string(json, key, where, *ret, ret, err);
}

static int read_specials(
    const json_t *json, const char *where, struct config *ret, struct vf_err *err)
{
    static const char *const keys[N_SPECIALS] = {
        "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};
    int rc = 0;
    for (size_t i = 0; i < N_SPECIALS && rc == 0; i++)
        rc = read_special(json, keys[i], where, &ret->specials[i], err);
    return rc;
}

static int load_optional(const char *path, json_t **ret, struct vf_err *err)
{
    return vf_is_file(path) ? vf_json_load(path, MAX_CONFIG_BYTES, ret, err) : 0;
}

static int read_config(const char *path, struct config *ret, struct vf_err *err)
{
    static const char *const fallbacks[N_SPECIALS] = {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
    bool strips;
    int rc = 0;
    *ret = (struct config){.lowercase = true, .chinese = true};
    memcpy(ret->specials, fallbacks, sizeof fallbacks);
    VF_TRY(load_optional(path, &ret->json, err));
    VF_TRY(vf_json_get_bool(ret->json, "do_lower_case", path, true, &ret->lowercase, err));
    VF_TRY(vf_json_get_bool(ret->json, "tokenize_chinese_chars", path, true, &ret->chinese, err));
    VF_TRY(vf_json_get_bool(ret->json, "strip_accents", path, true, &strips, err));
    ret->strip_accents = json_object_get(ret->json, "strip_accents");
    rc = read_specials(ret->json, path, ret, err);
out:
    return rc;
}

/* special_tokens_map.json wins over tokenizer_config.json, unless that is of the newer form, which
 * has all added tokens. */
static int read_special_map(const char *path, struct config *ret, struct vf_err *err)
{
    if (json_object_get(ret->json, "added_tokens_decoder"))
        return 0;
    int rc = load_optional(path, &ret->special, err);
    return rc ? rc : read_specials(ret->special, path, ret, err);
}

/* The tokens are numbered by their lines. */
static int read_vocab(const char *path, json_t *ret, struct vf_err *err)
{
    struct vf_buf text = {0};
    json_int_t id = 0;
    int rc;
    VF_TRY(vf_read_file(path, MAX_VOCAB_BYTES, &text, err));
    if (text.size > 0 && memchr(text.data, 0, text.size)) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: holds a NUL character", path);
        goto out;
    }
    for (char *line = text.data, *end; line && *line; line = end + 1, id++) {
        end = strchr(line, '\n');
        if (!end)
            end = line + strlen(line);
        size_t n = (size_t)(end - line) - (end > line && end[-1] == '\r');
        bool is_last = !*end;
        line[n] = '\0';
        if (json_object_set_new(ret, line, json_integer(id))) {
            rc = vf_fail(err, VF_ERR_DATA, "%s: line %lld is not UTF-8", path, (long long)id + 1);
            goto out;
        }
        if (is_last)
            break;
    }
    if (json_object_size(ret) == 0)
        rc = vf_fail(err, VF_ERR_DATA, "%s: no tokens", path);
out:
    vf_buf_release(&text);
    return rc;
}

static json_t *make_added_tokens(const struct config *config, const json_t *vocab)
{
    json_t *added = json_array();
    for (size_t i = 0; i < N_SPECIALS; i++) {
        const json_t *id = json_object_get(vocab, config->specials[i]);
        if (id && json_array_append_new(
                      added, json_pack("{s:O, s:s, s:b, s:b, s:b, s:b, s:b}", "id", id, "content",
                                 config->specials[i], "single_word", 0, "lstrip", 0, "rstrip", 0,
                                 "normalized", 0, "special", 1)))
            break;
    }
    return added;
}

static json_t *make_processor(const struct config *config, const json_t *vocab)
{
    const char *sep = config->specials[SEP], *cls = config->specials[CLS];
    return json_pack("{s:s, s:[s, O], s:[s, O]}", "type", "BertProcessing", "sep", sep,
        json_object_get(vocab, sep), "cls", cls, json_object_get(vocab, cls));
}

static json_t *make_root(const struct config *config, const json_t *vocab)
{
    json_t *normalizer = json_pack("{s:s, s:b, s:b, s:b, s:O*}", "type", "BertNormalizer",
        "clean_text", 1, "handle_chinese_chars", config->chinese, "lowercase", config->lowercase,
        "strip_accents", config->strip_accents);
    json_t *model = json_pack("{s:s, s:s, s:s, s:i, s:n}", "type", "WordPiece", "unk_token",
        config->specials[UNK], "continuing_subword_prefix", "##", "max_input_chars_per_word", 100,
        "vocab");
    return json_pack("{s:o, s:{s:s}, s:o, s:o, s:o}", "normalizer", normalizer, "pre_tokenizer",
        "type", "BertPreTokenizer", "model", model, "added_tokens",
        make_added_tokens(config, vocab), "post_processor", make_processor(config, vocab));
}

int vf_bert_vocab_load(const char *directory, const char *path, bool lowercase,
    struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    char *vocab_path = vf_path_join(directory, "vocab.txt"), *text = NULL;
    char *config_path = vf_path_join(directory, "tokenizer_config.json");
    char *special_path = vf_path_join(directory, "special_tokens_map.json");
    json_t *vocab = json_object(), *root = NULL;
    struct config config = {0};
    int rc = 0;
    if (!vocab_path || !config_path || !special_path || !vocab)
        VF_TRY(vf_fail_memory(err, "the vocabulary"));
    VF_TRY(read_config(config_path, &config, err));
    VF_TRY(read_special_map(special_path, &config, err));
    VF_TRY(read_vocab(vocab_path, vocab, err));
    for (size_t i = UNK; i <= CLS; i++) {
        if (i == PAD || json_object_get(vocab, config.specials[i]))
            continue;
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is missing", vocab_path, config.specials[i]);
        goto out;
    }
    root = make_root(&config, vocab);
    text = json_dumps(vocab, JSON_COMPACT);
    if (!root || !text) {
        rc = vf_fail_memory(err, "the vocabulary");
        goto out;
    }
    struct vf_model_tables tables = {
        .vocab = {.p = text, .end = text + strlen(text), .where = vocab_path}};
    VF_TRY(vf_tokenizer_build(root, &tables, path, lowercase, tokenizer, err));
out:
    free(text);
    json_decref(root);
    json_decref(config.json);
    json_decref(config.special);
    json_decref(vocab);
    free(vocab_path);
    free(config_path);
    free(special_path);
    return rc;
}
