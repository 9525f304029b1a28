#include "pipeline/model_guard.h"

#include "pipeline/recompute.h"
#include "store/model_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Vectors of a model_id without a record that are recomputed. */
enum { SAMPLE = 8 };

static const char ways_on[] =
    "give the vectors another name with --model-id, or renew them all with --replace-model";

/* What a record of the encoder in hand borrows from, beside the embedder. */
struct source {
    struct vf_identity identity;
    char long_text[64];
    struct vf_buf prompt; /* with the task whose adapter reads texts */
};

static void release_source(struct source *source)
{
    vf_buf_release(&source->prompt);
}

static int describe(const struct vf_embedder *embedder, struct source *source,
    struct vf_model_record *ret, struct vf_err *err)
{
    const struct vf_model_info *info = vf_info(embedder);
    struct vf_identity *identity = &source->identity;
    int rc = vf_identify(embedder, identity, err);
    if (rc == 0 && info->task)
        rc = vf_buf_printf(
            &source->prompt, err, "task %s: %s", info->task, info->prompt ? info->prompt : "none");
    if (rc)
        return rc;
    if (info->long_text == VF_LONG_TEXT_TRUNCATE)
        snprintf(source->long_text, sizeof source->long_text, "truncate");
    else
        snprintf(source->long_text, sizeof source->long_text, "chunk-mean with an overlap of %zu",
            info->chunk_overlap);
    *ret = (struct vf_model_record){
        .model = (char *)info->name,
        .revision = (char *)info->revision,
        .weights_sha256 = identity->weights_sha256,
        .tokenizer_sha256 = identity->tokenizer_sha256,
        .pooling = (char *)info->pooling,
        .prompt = info->task ? source->prompt.data : (char *)info->prompt,
        .long_text = source->long_text,
        .normalized = info->normalized,
        .max_seq_length = (uint32_t)info->max_seq_length,
        .dimensions = (uint32_t)info->dimensions,
    };
    return 0;
}

/* ---- the difference in words ---- */

static int add_texts(
    struct vf_buf *words, const char *what, const char *was, const char *is, struct vf_err *err)
{
    const char *old = was ? was : "none", *new = is ? is : "none";
    if (strcmp(old, new) == 0)
        return 0;
    return vf_buf_printf(words, err, "%s%s %s, now %s", words->size ? "; " : "", what, old, new);
}

static int add_numbers(
    struct vf_buf *words, const char *what, uint32_t was, uint32_t is, struct vf_err *err)
{
    if (was == is)
        return 0;
    return vf_buf_printf(
        words, err, "%s%s %" PRIu32 ", now %" PRIu32, words->size ? "; " : "", what, was, is);
}

/* A file by its checksum and the model that it is of. */
static int add_files(struct vf_buf *words, const char *what, const char *was, const char *is,
    const struct vf_model_record *old, const struct vf_model_record *new, struct vf_err *err)
{
    enum { SHOWN = 12 }; /* digits of a checksum */
    if (!*is || strcmp(was, is) == 0)
        return 0;
    return vf_buf_printf(words, err, "%s%s of %s%s%s (sha256 %.*s), now of %s%s%s (sha256 %.*s)",
        words->size ? "; " : "", what, old->model, old->revision ? " at " : "",
        old->revision ? old->revision : "", SHOWN, was, new->model, new->revision ? " at " : "",
        new->revision ? new->revision : "", SHOWN, is);
}

/* Appends what differs, nothing when all is the same. An empty checksum is not known. */
static int list_differences(struct vf_buf *words, const struct vf_model_record *old,
    const struct vf_model_record *new, struct vf_err *err)
{
    int rc;
    VF_TRY(add_files(words, "weights", old->weights_sha256, new->weights_sha256, old, new, err));
    VF_TRY(
        add_files(words, "tokenizer", old->tokenizer_sha256, new->tokenizer_sha256, old, new, err));
    VF_TRY(add_texts(words, "pooling", old->pooling, new->pooling, err));
    VF_TRY(add_texts(
        words, "normalized", old->normalized ? "yes" : "no", new->normalized ? "yes" : "no", err));
    VF_TRY(add_numbers(words, "dimensions", old->dimensions, new->dimensions, err));
out:
    return rc;
}

/* The same for the way in which articles are read. */
static int list_reading_differences(struct vf_buf *words, const struct vf_model_record *old,
    const struct vf_model_record *new, struct vf_err *err)
{
    int rc;
    VF_TRY(add_numbers(words, "longest input", old->max_seq_length, new->max_seq_length, err));
    VF_TRY(add_texts(words, "prompt", old->prompt, new->prompt, err));
    VF_TRY(add_texts(words, "long texts", old->long_text, new->long_text, err));
out:
    return rc;
}

/* VF_ERR_CONFIG when they differ. */
static int compare(const char *model_id, const struct vf_model_record *old,
    const struct vf_model_record *new, bool for_query, struct vf_err *err)
{
    struct vf_buf words = {0};
    int rc;
    VF_TRY(list_differences(&words, old, new, err));
    if (!for_query)
        VF_TRY(list_reading_differences(&words, old, new, err));
    if (words.size > 0) {
        rc = vf_fail(err, VF_ERR_CONFIG, "the vectors under model_id %s are by another encoder: %s",
            model_id, words.data);
        if (for_query)
            vf_hint(err, "name the model of the vectors with --hf-model-name");
        else
            vf_hint(err, "%s", ways_on);
    }
out:
    vf_buf_release(&words);
    return rc;
}

/* ---- the steps ---- */

static int look(const char *model_id, const struct vf_model_state *state,
    const struct vf_model_record *now, bool replace, enum vf_guard *ret, struct vf_err *err)
{
    struct vf_err difference;
    if (!state->has_record) {
        *ret = !state->has_vectors ? VF_GUARD_NEW : replace ? VF_GUARD_REPLACE : VF_GUARD_UNKNOWN;
        return 0;
    }
    int rc = compare(model_id, &state->record, now, false, &difference);
    if (rc == 0 || (rc == VF_ERR_CONFIG && replace)) {
        *ret = rc ? VF_GUARD_REPLACE : VF_GUARD_SAME;
        return 0;
    }
    if (err)
        *err = difference;
    return rc;
}

int vf_guard_look(struct vf_store *store, const struct vf_embedder *embedder, const char *model_id,
    bool replace, enum vf_guard *ret, bool *ret_can_record, struct vf_err *err)
{
    struct vf_model_state state = {0};
    struct vf_model_record now;
    struct source source = {0};
    enum vf_guard guard;
    int rc;
    VF_TRY(describe(embedder, &source, &now, err));
    VF_TRY(vf_store_find_model(store, model_id, &state, err));
    VF_TRY(look(model_id, &state, &now, replace, &guard, err));
    *ret = guard;
    *ret_can_record = state.has_table;
out:
    vf_model_record_release(&state.record);
    release_source(&source);
    return rc;
}

int vf_guard_query(struct vf_store *store, const struct vf_embedder *embedder, const char *model_id,
    struct vf_err *err)
{
    struct vf_model_state state = {0};
    struct vf_model_record now;
    struct source source = {0};
    int rc;
    VF_TRY(vf_store_find_model(store, model_id, &state, err));
    if (!state.has_record)
        goto out;
    VF_TRY(describe(embedder, &source, &now, err));
    rc = compare(model_id, &state.record, &now, true, err);
out:
    vf_model_record_release(&state.record);
    release_source(&source);
    return rc;
}

int vf_guard_sample(struct vf_store *store, struct vf_embedder *embedder, const char *model_id,
    uint64_t *ret_n, struct vf_err *err)
{
    struct vf_recomputed found;
    size_t dimensions = vf_info(embedder)->dimensions;
    int rc = vf_recompute_sample(store, embedder, model_id, SAMPLE, &found, err);
    if (rc)
        return rc;
    *ret_n = found.n;
    if (found.n_other == 0)
        return 0;
    if (found.other_length)
        vf_fail(err, VF_ERR_CONFIG,
            "the vectors under model_id %s have %zu dimensions, those of %s have %zu", model_id,
            found.other_length, vf_info(embedder)->name, dimensions);
    else
        vf_fail(err, VF_ERR_CONFIG,
            "the vectors under model_id %s are not by %s with %zu tokens: of a sample of %" PRIu64
            ", %" PRIu64 " differ, that of article %s by a cosine of %.4f",
            model_id, vf_info(embedder)->name, vf_info(embedder)->max_seq_length, found.n,
            found.n_other, found.worst_id, found.least_cosine);
    vf_hint(err, "%s", ways_on);
    return VF_ERR_CONFIG;
}

int vf_guard_record(struct vf_store *store, const struct vf_embedder *embedder,
    const char *model_id, bool replace, struct vf_err *err)
{
    struct vf_model_record now, kept = {0};
    struct source source = {0};
    int rc;
    VF_TRY(describe(embedder, &source, &now, err));
    if (replace) {
        rc = vf_store_replace_model(store, model_id, &now, err);
        goto out;
    }
    VF_TRY(vf_store_record_model(store, model_id, &now, &kept, err));
    VF_TRY(compare(model_id, &kept, &now, false, err));
out:
    vf_model_record_release(&kept);
    release_source(&source);
    return rc;
}
