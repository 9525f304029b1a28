#include "embed/chunk_mean.h"

#include "base/checked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Windows of long sequences that are encoded together. */
enum { MAX_WINDOWS = 256 };

/* What a reference of the batch stands for. */
struct part {
    size_t sequence;
    size_t n_text; /* ids of text in this window; 0: the sequence is short, its vector is final */
    bool is_last;  /* window of its sequence */
};

struct batch {
    struct vf_embedder *embedder;
    float *vectors; /* the caller's */
    size_t n, n_windows;
    struct vf_sequence_ref *refs; /* [sequences + MAX_WINDOWS] */
    struct part *parts;           /* the same */
    int32_t *ids;                 /* [MAX_WINDOWS][max_seq_length] */
    float *made;                  /* [MAX_WINDOWS][dimensions] */
    double *sum;                  /* [dimensions] over the windows of one sequence so far */
    size_t weight;                /* ids of text in them */
};

static int batch_init(
    struct batch *batch, struct vf_embedder *embedder, size_t n, float *vectors, struct vf_err *err)
{
    const struct vf_model_info *info = vf_info(embedder);
    size_t n_refs, n_ids, n_floats;
    *batch = (struct batch){.embedder = embedder, .vectors = vectors};
    if (vf_size_add(n, MAX_WINDOWS, &n_refs) &&
        vf_size_mul(MAX_WINDOWS, info->max_seq_length, &n_ids) &&
        vf_size_mul(MAX_WINDOWS, info->dimensions, &n_floats)) {
        batch->refs = calloc(n_refs, sizeof *batch->refs);
        batch->parts = calloc(n_refs, sizeof *batch->parts);
        batch->ids = calloc(n_ids, sizeof *batch->ids);
        batch->made = calloc(n_floats, sizeof *batch->made);
        batch->sum = calloc(info->dimensions, sizeof *batch->sum);
    }
    if (!batch->refs || !batch->parts || !batch->ids || !batch->made || !batch->sum)
        return vf_fail_memory(err, "windows of long texts");
    return 0;
}

static void batch_release(struct batch *batch)
{
    free(batch->refs);
    free(batch->parts);
    free(batch->ids);
    free(batch->made);
    free(batch->sum);
}

/* The mean by length, of norm 1 where the model's vectors are. */
static void finish_sequence(struct batch *batch, float *vector)
{
    const struct vf_model_info *info = vf_info(batch->embedder);
    double squares = 0.0, divisor = (double)batch->weight;
    for (size_t d = 0; d < info->dimensions; d++)
        squares += batch->sum[d] * batch->sum[d];
    if (info->normalized && squares != 0.0)
        divisor = sqrt(squares);
    for (size_t d = 0; d < info->dimensions; d++)
        vector[d] = (float)(batch->sum[d] / divisor);
    memset(batch->sum, 0, info->dimensions * sizeof *batch->sum);
    batch->weight = 0;
}

/* Encodes what was collected and adds it up, in the order of the windows. */
static int flush(struct batch *batch, struct vf_err *err)
{
    size_t dimensions = vf_info(batch->embedder)->dimensions;
    int rc = vf_encoder_run(batch->embedder->encoder, batch->refs, batch->n, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < batch->n; i++) {
        const struct part *part = &batch->parts[i];
        for (size_t d = 0; part->n_text && d < dimensions; d++)
            batch->sum[d] += (double)part->n_text * (double)batch->refs[i].vector[d];
        batch->weight += part->n_text;
        if (part->is_last)
            finish_sequence(batch, batch->vectors + part->sequence * dimensions);
    }
    batch->n = batch->n_windows = 0;
    return 0;
}

/* Adds the window of `n_text` ids of text that begins `offset` behind the first of them, between
 * the prompt and the special tokens of the sequence. */
static int add_window(struct batch *batch, const struct vf_sequence *sequence, struct part part,
    size_t offset, struct vf_err *err)
{
    const struct vf_model_info *info = vf_info(batch->embedder);
    const struct vf_tokenizer *tokenizer = batch->embedder->tokenizer;
    size_t before = vf_embedder_lead(batch->embedder);
    size_t after = vf_tokenizer_specials(tokenizer) - vf_tokenizer_specials_before(tokenizer);
    int32_t *ids = batch->ids + batch->n_windows * info->max_seq_length;
    memcpy(ids, sequence->ids, before * sizeof *ids);
    memcpy(ids + before, sequence->ids + before + offset, part.n_text * sizeof *ids);
    memcpy(
        ids + before + part.n_text, sequence->ids + sequence->n_ids - after, after * sizeof *ids);
    batch->refs[batch->n] = (struct vf_sequence_ref){.ids = ids,
        .n = before + part.n_text + after,
        .skip = vf_embedder_skip(batch->embedder),
        .vector = batch->made + batch->n_windows * info->dimensions};
    batch->parts[batch->n++] = part;
    return ++batch->n_windows == MAX_WINDOWS ? flush(batch, err) : 0;
}

static int add_long(
    struct batch *batch, const struct vf_sequence *sequence, size_t index, struct vf_err *err)
{
    const struct vf_model_info *info = vf_info(batch->embedder);
    size_t around = vf_tokenizer_specials(batch->embedder->tokenizer) + batch->embedder->n_prompt;
    size_t n_text = sequence->n_ids - around, room = info->max_seq_length - around;
    size_t step = room - info->chunk_overlap;
    struct part part = {.sequence = index};
    int rc = 0;
    for (size_t offset = 0; rc == 0 && !part.is_last; offset += step) {
        size_t left = n_text - offset;
        part.is_last = left <= room;
        part.n_text = part.is_last ? left : room;
        rc = add_window(batch, sequence, part, offset, err);
    }
    return rc;
}

int vf_chunk_mean_encode(struct vf_embedder *embedder, const struct vf_sequence *sequences,
    size_t n, float *vectors, struct vf_err *err)
{
    const struct vf_model_info *info = vf_info(embedder);
    struct batch batch;
    int rc;
    VF_TRY(batch_init(&batch, embedder, n, vectors, err));
    for (size_t i = 0; i < n; i++) {
        if (sequences[i].n_ids > info->max_seq_length) {
            VF_TRY(add_long(&batch, &sequences[i], i, err));
            continue;
        }
        batch.refs[batch.n] = (struct vf_sequence_ref){.ids = sequences[i].ids,
            .n = sequences[i].n_ids,
            .skip = vf_embedder_skip(embedder),
            .vector = vectors + i * info->dimensions};
        batch.parts[batch.n++] = (struct part){.sequence = i};
    }
    rc = flush(&batch, err);
out:
    batch_release(&batch);
    return rc;
}
