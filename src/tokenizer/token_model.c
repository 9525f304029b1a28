#include "tokenizer/token_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct vf_model_kind *const kinds[] = {
    &vf_wordpiece_model, &vf_bpe_model, &vf_unigram_model};

/* Early files have no "type"; the reference then takes the first kind that the keys fit. */
static const char *guess_type(const json_t *json)
{
    return json_object_get(json, "merges")   ? "BPE"
           : json_object_get(json, "unk_id") ? "Unigram"
                                             : "WordPiece";
}

int vf_token_model_read(
    const json_t *json, const char *where, struct vf_token_model *ret, struct vf_err *err)
{
    const char *type;
    *ret = (struct vf_token_model){0};
    if (!json_is_object(json))
        return vf_fail(err, VF_ERR_DATA, "%s: not an object", where);
    int rc = vf_json_get_string(json, "type", where, guess_type(json), &type, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        void *self;
        if (strcmp(type, kinds[i]->type) != 0)
            continue;
        rc = kinds[i]->read(json, where, &self, err);
        if (rc == 0)
            *ret = (struct vf_token_model){
                .kind = kinds[i], .self = self, .vocab = kinds[i]->vocab(self)};
        return rc;
    }
    return vf_tokenizer_fail_kind(type, where, err);
}

void vf_token_model_release(struct vf_token_model *model)
{
    if (!model || !model->kind)
        return;
    model->kind->release(model->self);
    *model = (struct vf_token_model){0};
}

int vf_token_model_read_vocab(
    const json_t *json, const char *where, struct vf_vocab *ret, struct vf_err *err)
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
    VF_TRY(vf_vocab_init(ret, entries, n, vocab_where, err));
out:
    free(entries);
    return rc;
}

void vf_token_model_find_bytes(const struct vf_vocab *vocab, int32_t ret[256])
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char token[8];
        int n = snprintf(token, sizeof token, "<0x%02X>", byte);
        ret[byte] = vf_vocab_find(vocab, token, (size_t)n);
    }
}
