/* What store.h promises of the encoders behind the vectors, for every database. */
#include "store/store_backend.h"

#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

void vf_model_record_release(struct vf_model_record *record)
{
    if (!record)
        return;
    free(record->model);
    free(record->revision);
    free(record->weights_sha256);
    free(record->tokenizer_sha256);
    free(record->pooling);
    free(record->prompt);
    free(record->long_text);
    *record = (struct vf_model_record){0};
}

void vf_model_record_list(const struct vf_model_record *record, const char *texts[VF_MODEL_TEXTS],
    int64_t numbers[VF_MODEL_NUMBERS])
{
    const char *const all_texts[VF_MODEL_TEXTS] = {record->model, record->revision,
        record->weights_sha256, record->tokenizer_sha256, record->pooling, record->prompt,
        record->long_text};
    const int64_t all_numbers[VF_MODEL_NUMBERS] = {
        record->normalized, record->max_seq_length, record->dimensions};
    memcpy(texts, all_texts, sizeof all_texts);
    memcpy(numbers, all_numbers, sizeof all_numbers);
}

int vf_model_record_fill(struct vf_model_record *ret, const char *const texts[VF_MODEL_TEXTS],
    const int64_t numbers[VF_MODEL_NUMBERS], struct vf_err *err)
{
    struct vf_model_record made = {.normalized = numbers[0] != 0,
        .max_seq_length = (uint32_t)numbers[1],
        .dimensions = (uint32_t)numbers[2]};
    char **const fields[VF_MODEL_TEXTS] = {&made.model, &made.revision, &made.weights_sha256,
        &made.tokenizer_sha256, &made.pooling, &made.prompt, &made.long_text};
    if (made.max_seq_length != numbers[1] || made.dimensions != numbers[2])
        return vf_fail(err, VF_ERR_DATA, "text_embedding_models holds a number out of range");
    for (size_t i = 0; i < VF_MODEL_TEXTS; i++) {
        if (!texts[i] || (*fields[i] = strdup(texts[i])))
            continue;
        vf_model_record_release(&made);
        return vf_fail_memory(err, "a model's record");
    }
    *ret = made;
    return 0;
}

int vf_store_find_model(
    struct vf_store *store, const char *model_id, struct vf_model_state *ret, struct vf_err *err)
{
    struct vf_model_state state = {0};
    int rc = store->ops->find_model(store, model_id, &state, err);
    if (rc == 0)
        *ret = state;
    return rc;
}

int vf_store_record_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_model_record *ret, struct vf_err *err)
{
    return store->ops->record_model(store, model_id, record, ret, err);
}

int vf_store_replace_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_err *err)
{
    return store->ops->replace_model(store, model_id, record, err);
}

int vf_store_sample(struct vf_store *store, const char *model_id, size_t n,
    vf_sample_visitor *visit, void *context, struct vf_err *err)
{
    return n == 0 ? 0 : store->ops->sample(store, model_id, n, visit, context, err);
}

int vf_sample_visit(const char *id, struct vf_value headline, struct vf_value body,
    struct vf_value hash, const float *vector, size_t dimensions, struct vf_buf *text,
    vf_sample_visitor *visit, void *context, bool *ret_visited, struct vf_err *err)
{
    uint8_t now[VF_SHA256_BYTES];
    int rc;
    *ret_visited = false;
    if (vf_is_blank(headline) && vf_is_blank(body))
        return 0;
    vf_buf_clear(text);
    VF_TRY(vf_text_append(text, headline, body, err));
    VF_TRY(vf_sha256(text->data, text->size, now, err));
    if (hash.bytes && (hash.n != sizeof now || memcmp(hash.bytes, now, sizeof now) != 0))
        goto out;
    const struct vf_article article = {.id = id, .text = text->data, .n_text = text->size};
    VF_TRY(visit(context, &article, vector, dimensions, err));
    *ret_visited = true;
out:
    return rc;
}
