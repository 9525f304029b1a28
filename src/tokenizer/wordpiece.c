#include "tokenizer/wordpiece.h"

#include "tokenizer/bert_pretokenizer.h"

#include <stdlib.h>
#include <string.h>

static int read_model(const json_t *json, struct vf_model_tables *tables, const char *where,
    struct vf_wordpiece *ret, struct vf_err *err)
{
    static const char *const required[] = {
        "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab", NULL};
    static const char *const optional[] = {"type", NULL};
    struct vf_wordpiece model = {0};
    const char *prefix, *unk;
    int rc;
    VF_TRY(vf_tokenizer_check_keys(json, where, required, optional, err));
    VF_TRY(vf_json_get_string(json, "unk_token", where, "[UNK]", &unk, err));
    VF_TRY(vf_json_get_string(json, "continuing_subword_prefix", where, "##", &prefix, err));
    VF_TRY(vf_json_get_size(
        json, "max_input_chars_per_word", where, 100, VF_WORD_MAX_CHARS, &model.max_chars, err));
    VF_TRY(vf_token_model_read_vocab(&tables->vocab, where, &model.vocab, err));
    model.unk_id = vf_vocab_find(&model.vocab, unk, strlen(unk));
    if (model.unk_id < 0) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"unk_token\" is \"%s\", which the vocabulary lacks",
            where, unk);
        goto out;
    }
    model.continuing_prefix = strdup(prefix);
    if (!model.continuing_prefix) {
        rc = vf_fail_memory(err, "the vocabulary");
        goto out;
    }
    model.prefix = vf_vocab_make_prefix(model.continuing_prefix, strlen(prefix));
out:
    *ret = model;
    return rc;
}

static void release(void *self)
{
    struct vf_wordpiece *wordpiece = self;
    if (!wordpiece)
        return;
    vf_vocab_release(&wordpiece->vocab);
    free(wordpiece->continuing_prefix);
    free(wordpiece);
}

static int read(const json_t *json, struct vf_model_tables *tables, const char *where, void **ret,
    struct vf_err *err)
{
    struct vf_wordpiece *wordpiece = calloc(1, sizeof *wordpiece);
    int rc = wordpiece ? read_model(json, tables, where, wordpiece, err)
                       : vf_fail_memory(err, "the vocabulary");
    if (rc)
        release(wordpiece);
    else
        *ret = wordpiece;
    return rc;
}

static size_t unknown(const struct vf_wordpiece *wordpiece, int32_t *ids)
{
    ids[0] = wordpiece->unk_id;
    return 1;
}

size_t vf_wordpiece_encode(const struct vf_wordpiece *wordpiece, const uint8_t *word, size_t n,
    size_t n_chars, int32_t *ids)
{
    if (n_chars > wordpiece->max_chars)
        return unknown(wordpiece, ids);
    const struct vf_vocab_prefix none = vf_vocab_make_prefix("", 0);
    const struct vf_vocab_prefix *prefix = &none;
    size_t n_ids = 0;
    for (size_t at = 0; at < n; prefix = &wordpiece->prefix) {
        size_t used;
        int32_t id = vf_vocab_longest(&wordpiece->vocab, prefix, word + at, n - at, &used);
        if (id < 0)
            return unknown(wordpiece, ids);
        ids[n_ids++] = id;
        at += used;
    }
    return n_ids;
}

static size_t count_characters(const uint8_t *word, size_t n)
{
    size_t n_chars = 0;
    for (size_t i = 0; i < n; i++)
        n_chars += (word[i] & 0xC0) != 0x80;
    return n_chars;
}

static int encode(const void *self, const uint8_t *word, size_t n, struct vf_buf *memory,
    struct vf_ids *ids, struct vf_err *err)
{
    const struct vf_wordpiece *wordpiece = self;
    size_t n_chars = count_characters(word, n);
    (void)memory;
    int rc = vf_ids_reserve(ids, n_chars, err);
    if (rc == 0)
        ids->n += vf_wordpiece_encode(wordpiece, word, n, n_chars, ids->ids + ids->n);
    return rc;
}

static const struct vf_vocab *vocab(const void *self)
{
    return &((const struct vf_wordpiece *)self)->vocab;
}

const struct vf_model_kind vf_wordpiece_model = {
    .type = "WordPiece", .read = read, .release = release, .vocab = vocab, .encode = encode};
