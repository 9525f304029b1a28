#include "tokenizer/bert_vocab.h"

#include "base/file.h"
#include "tokenizer/tokenizer_config.h"

#include <stdlib.h>
#include <string.h>

#define MAX_VOCAB_BYTES ((size_t)64 << 20)
#define MAX_CONFIG_BYTES ((size_t)4 << 20)

enum special { UNK, SEP, PAD, CLS, MASK, N_SPECIALS };

/* What the two files beside the vocabulary say. */
struct config {
    const json_t *json; /* borrowed; NULL without tokenizer_config.json */
    json_t *special;    /* of special_tokens_map.json; owned; the same */
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

/* special_tokens_map.json wins over tokenizer_config.json, unless that is of the newer form, which
 * has all added tokens. */
static int read_config(const char *special_path, struct config *config, struct vf_err *err)
{
    static const char *const fallbacks[N_SPECIALS] = {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"};
    int rc;
    memcpy(config->specials, fallbacks, sizeof fallbacks);
    VF_TRY(read_specials(config->json, "tokenizer_config.json", config, err));
    if (json_object_get(config->json, "added_tokens_decoder") || !vf_is_file(special_path))
        goto out;
    VF_TRY(vf_json_load(special_path, MAX_CONFIG_BYTES, &config->special, err));
    VF_TRY(read_specials(config->special, special_path, config, err));
out:
    return rc;
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
    json_t *model = json_pack("{s:s, s:s, s:s, s:i, s:n}", "type", "WordPiece", "unk_token",
        config->specials[UNK], "continuing_subword_prefix", "##", "max_input_chars_per_word", 100,
        "vocab");
    return json_pack("{s:{s:s, s:b}, s:{s:s}, s:o, s:o, s:o}", "normalizer", "type",
        "BertNormalizer", "clean_text", 1, "pre_tokenizer", "type", "BertPreTokenizer", "model",
        model, "added_tokens", make_added_tokens(config, vocab), "post_processor",
        make_processor(config, vocab));
}

int vf_bert_vocab_load(const char *directory, const char *path, const json_t *json, bool lowercase,
    struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    char *vocab_path = vf_path_join(directory, "vocab.txt"), *text = NULL;
    char *special_path = vf_path_join(directory, "special_tokens_map.json");
    json_t *vocab = json_object(), *root = NULL;
    struct config config = {.json = json};
    int rc = 0;
    if (!vocab_path || !special_path || !vocab)
        VF_TRY(vf_fail_memory(err, "the vocabulary"));
    VF_TRY(read_config(special_path, &config, err));
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
    VF_TRY(vf_tokenizer_config_normalizer(json, json_object_get(root, "normalizer"), err));
    struct vf_model_tables tables = {
        .vocab = {.p = text, .end = text + strlen(text), .where = vocab_path}};
    VF_TRY(vf_tokenizer_build(root, &tables, path, lowercase, tokenizer, err));
out:
    free(text);
    json_decref(root);
    json_decref(config.special);
    json_decref(vocab);
    free(vocab_path);
    free(special_path);
    return rc;
}
