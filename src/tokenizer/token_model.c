#include "tokenizer/token_model.h"

#include "base/buf.h"

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

int vf_token_model_read(const json_t *json, struct vf_model_tables *tables, const char *where,
    struct vf_token_model *ret, struct vf_err *err)
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
        rc = kinds[i]->read(json, tables, where, &self, err);
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

/* Reads a token and its id. */
static int read_entry(
    struct vf_json_table *table, const char *where, struct vf_vocab_entry *ret, struct vf_err *err)
{
    int rc;
    double id;
    bool is_integer;
    VF_TRY(vf_json_table_string(table, &ret->text, &ret->n, err));
    VF_TRY(vf_json_table_mark(table, ':', err));
    if (vf_json_table_is(table, '"'))
        return vf_tokenizer_check_id(0, false, ret->text, where, &ret->id, err);
    VF_TRY(vf_json_table_number(table, &id, &is_integer, err));
    rc = vf_tokenizer_check_id(id, is_integer, ret->text, where, &ret->id, err);
out:
    return rc;
}

int vf_token_model_read_vocab(
    struct vf_json_table *table, const char *where, struct vf_vocab *ret, struct vf_err *err)
{
    char vocab_where[VF_WHERE_BYTES];
    struct vf_buf entries = {0}; /* of struct vf_vocab_entry */
    bool more;
    int rc;
    (void)snprintf(vocab_where, sizeof vocab_where, "%s.vocab", where);
    table->where = vocab_where;
    if (!vf_json_table_is(table, '{')) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: not an object", vocab_where);
        goto out;
    }
    for (;;) {
        struct vf_vocab_entry entry;
        VF_TRY(vf_json_table_next(table, '{', &more, err));
        if (!more)
            break;
        VF_TRY(read_entry(table, vocab_where, &entry, err));
        VF_TRY(vf_buf_append(&entries, &entry, sizeof entry, err));
    }
    VF_TRY(vf_json_table_end(table, err));
    VF_TRY(vf_vocab_init(ret, (const struct vf_vocab_entry *)(const void *)entries.data,
        entries.size / sizeof(struct vf_vocab_entry), vocab_where, err));
out:
    vf_buf_release(&entries);
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
