#include "pipeline/recompute.h"

#include "store/model_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Articles that are encoded together, fewer when their texts are long. */
enum { BATCH = 64 };
#define BATCH_BYTES ((size_t)4 << 20)

struct batch {
    struct vf_embedder *embedder;
    size_t dimensions, n;
    struct vf_buf bytes;  /* id, NUL and text of each article */
    size_t ids[BATCH];    /* where they begin in `bytes` */
    size_t texts[BATCH];  /* the same */
    size_t n_text[BATCH]; /* bytes of each text */
    float *stored, *made; /* [BATCH][dimensions] */
    struct vf_recomputed result;
};

/* -1 where there is none. */
static double cosine(const float *a, const float *b, size_t n)
{
    double dot = 0.0, aa = 0.0, bb = 0.0;
    for (size_t i = 0; i < n; i++) {
        dot += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    double c = dot / sqrt(aa * bb);
    return isfinite(c) ? c : -1.0;
}

static void count(struct vf_recomputed *result, const char *id, double c)
{
    result->n++;
    result->n_other += !(c > VF_SAME_ENCODER_COSINE);
    if (result->n > 1 && c >= result->least_cosine)
        return;
    result->least_cosine = c;
    snprintf(result->worst_id, sizeof result->worst_id, "%s", id);
}

static int compare_batch(struct batch *batch, struct vf_err *err)
{
    struct vf_text texts[BATCH];
    for (size_t i = 0; i < batch->n; i++)
        texts[i] = (struct vf_text){batch->bytes.data + batch->texts[i], batch->n_text[i]};
    int rc = vf_embed(batch->embedder, texts, batch->n, batch->made, NULL, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < batch->n; i++) {
        size_t row = i * batch->dimensions;
        count(&batch->result, batch->bytes.data + batch->ids[i],
            cosine(batch->stored + row, batch->made + row, batch->dimensions));
    }
    batch->n = 0;
    vf_buf_clear(&batch->bytes);
    return 0;
}

static int visit(void *context, const struct vf_article *article, const float *vector,
    size_t dimensions, struct vf_err *err)
{
    struct batch *batch = context;
    size_t i = batch->n;
    int rc = 0;
    if (dimensions != batch->dimensions) {
        batch->result.other_length = dimensions;
        count(&batch->result, article->id, -1.0);
        return 0;
    }
    batch->ids[i] = batch->bytes.size;
    VF_TRY(vf_buf_append(&batch->bytes, article->id, strlen(article->id) + 1, err));
    batch->texts[i] = batch->bytes.size;
    batch->n_text[i] = article->n_text;
    VF_TRY(vf_buf_append(&batch->bytes, article->text, article->n_text, err));
    memcpy(batch->stored + i * dimensions, vector, dimensions * sizeof *vector);
    if (++batch->n == BATCH || batch->bytes.size >= BATCH_BYTES)
        rc = compare_batch(batch, err);
out:
    return rc;
}

int vf_recompute_sample(struct vf_store *store, struct vf_embedder *embedder, const char *model_id,
    size_t n, struct vf_recomputed *ret, struct vf_err *err)
{
    struct batch batch = {.embedder = embedder, .dimensions = vf_info(embedder)->dimensions};
    int rc;
    batch.stored = calloc(BATCH, batch.dimensions * sizeof *batch.stored);
    batch.made = calloc(BATCH, batch.dimensions * sizeof *batch.made);
    if (!batch.stored || !batch.made) {
        rc = vf_fail_memory(err, "a sample of vectors");
        goto out;
    }
    VF_TRY(vf_store_sample(store, model_id, n, visit, &batch, err));
    if (batch.n > 0)
        VF_TRY(compare_batch(&batch, err));
    *ret = batch.result;
out:
    vf_buf_release(&batch.bytes);
    free(batch.stored);
    free(batch.made);
    return rc;
}
