#include "tokenizer/wordpiece.h"

#include "tokenizer/bert_pretokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_vocab(
    const json_t *json, const char *where, struct vf_vocab *vocab, struct vf_err *err)
{
    char vocab_where[VF_WHERE_BYTES];
    struct vf_vocab_entry *entries = NULL;
    const char *token;
    json_t *id;
    size_t n = 0;
    int rc = 0;
    (void)snprintf(vocab_where, sizeof vocab_where, "%s.vocab", where);
    if (!json_is_object(json))
        return vf_fail(err, VF_ERR_DATA, "%s: not an object", vocab_where);
    entries = calloc(json_object_size(json) + 1, sizeof *entries);
    if (!entries)
        return vf_fail_memory(err, "the vocabulary");
    json_object_foreach((json_t *)(uintptr_t)json, token, id)
    {
        entries[n].text = token;
        entries[n].n = strlen(token);
        VF_TRY(vf_tokenizer_get_id(id, token, vocab_where, &entries[n].id, err));
        n++;
    }
    VF_TRY(vf_vocab_init(vocab, entries, n, vocab_where, err));
out:
    free(entries);
    return rc;
}

int vf_wordpiece_read(
    const json_t *json, const char *where, struct vf_wordpiece *ret, struct vf_err *err)
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
    VF_TRY(read_vocab(json_object_get(json, "vocab"), where, &model.vocab, err));
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
    if (rc)
        vf_wordpiece_release(&model);
    *ret = model;
    return rc;
}

void vf_wordpiece_release(struct vf_wordpiece *wordpiece)
{
    if (!wordpiece)
        return;
    vf_vocab_release(&wordpiece->vocab);
    free(wordpiece->continuing_prefix);
    *wordpiece = (struct vf_wordpiece){0};
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
