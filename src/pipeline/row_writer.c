#include "pipeline/row_writer.h"

#include "base/checked.h"
#include "base/clock.h"
#include "store/failure_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* When the database refuses so many rows without one that it takes, the table may be at fault. They
 * are on record, so that the next run goes on behind them. */
enum { MAX_REFUSED_IN_A_ROW = 1024 };

/* What a row needs beside its columns. */
struct row_note {
    size_t id_offset; /* of its id in `ids` */
    uint64_t tokens_lost;
    bool duplicate, refused;
    size_t refusal_offset; /* of the reason in `refusals` */
};

struct vf_row_writer {
    struct vf_retry *retry;
    const char *model_id;
    size_t dimensions, capacity;
    size_t n;            /* rows collected */
    int64_t first_ns;    /* when the first of them came */
    struct vf_row *rows; /* [capacity]; source_id is set when they are written */
    struct row_note *notes;
    float *vectors;              /* [capacity][dimensions] */
    uint8_t *hashes;             /* [capacity][VF_TEXT_HASH_BYTES] */
    struct vf_buf ids, refusals; /* NUL-terminated, one after another */
    size_t n_refused_in_row;     /* since one was taken */
    struct vf_row_counts counts;
};

int vf_row_writer_new(struct vf_retry *retry, const char *model_id, size_t dimensions,
    size_t batch_size, struct vf_row_writer **ret, struct vf_err *err)
{
    size_t n_floats;
    if (!vf_size_mul(batch_size, dimensions, &n_floats))
        return vf_fail_memory(err, "a batch of rows");
    struct vf_row_writer *w = calloc(1, sizeof *w);
    if (!w)
        return vf_fail_memory(err, "a batch of rows");
    w->retry = retry;
    w->model_id = model_id;
    w->dimensions = dimensions;
    w->capacity = batch_size;
    w->rows = calloc(batch_size, sizeof *w->rows);
    w->notes = calloc(batch_size, sizeof *w->notes);
    w->vectors = calloc(n_floats, sizeof *w->vectors);
    w->hashes = calloc(batch_size, VF_TEXT_HASH_BYTES);
    if (!w->rows || !w->notes || !w->vectors || !w->hashes) {
        vf_row_writer_free(w);
        return vf_fail_memory(err, "a batch of rows");
    }
    *ret = w;
    return 0;
}

void vf_row_writer_free(struct vf_row_writer *writer)
{
    if (!writer)
        return;
    free(writer->rows);
    free(writer->notes);
    free(writer->vectors);
    free(writer->hashes);
    vf_buf_release(&writer->ids);
    vf_buf_release(&writer->refusals);
    free(writer);
}

const struct vf_row_counts *vf_row_writer_counts(const struct vf_row_writer *writer)
{
    return &writer->counts;
}

struct fault {
    const char *reason, *message; /* both NULL: none */
};

/* Why a vector must not be stored. Squares of floats do not overflow a double, so that the sum is
 * finite exactly when all of them are. */
static struct fault find_fault(const float *vector, size_t dimensions)
{
    double sum = 0.0;
    for (size_t i = 0; i < dimensions; i++)
        sum += (double)vector[i] * (double)vector[i];
    if (!isfinite(sum))
        return (struct fault){"not_finite", "the vector is not finite"};
    if (sum == 0.0)
        return (struct fault){"no_norm", "the vector has no norm"};
    return (struct fault){NULL, NULL};
}

/* Counts an article as failed and puts it on record. */
static int give_up(struct vf_row_writer *w, const char *article_id, const uint8_t *text_hash,
    struct fault fault, struct vf_err *err)
{
    const struct vf_failure failure = {.source_id = article_id,
        .reason = fault.reason,
        .message = fault.message,
        .text_hash = text_hash};
    unsigned tries = 0;
    int rc;
    do
        rc = vf_store_record_failure(w->retry->store, w->model_id, &failure, err);
    while (vf_retry(w->retry, &tries, &rc, err));
    if (rc)
        return rc;
    vf_event_send(&w->retry->sink, (struct vf_event){.kind = VF_EVENT_ROW_FAILED,
                                       .message = fault.message,
                                       .article_id = article_id,
                                       .reason = fault.reason});
    if (w->counts.failed++ == 0)
        vf_failure_line(w->counts.first_failure, article_id, fault.message);
    return 0;
}

static void count_embedded(struct vf_row_writer *w, size_t i)
{
    w->counts.embedded++;
    w->counts.duplicates += w->notes[i].duplicate;
    w->counts.truncated += w->rows[i].truncated;
    w->counts.tokens_lost += w->notes[i].tokens_lost;
}

int vf_row_writer_add(
    struct vf_row_writer *writer, const struct vf_window *window, size_t i, struct vf_err *err)
{
    const struct vf_article *article = &window->page.articles[i];
    const struct vf_window_text *text = vf_window_text(window, i);
    const float *vector = window->vectors + text->row * writer->dimensions;
    const char *failure = vf_window_failure(window, text);
    struct fault fault =
        failure ? (struct fault){article->fault ? article->fault : "not_tokenized", failure}
                : find_fault(vector, writer->dimensions);
    if (fault.reason)
        return give_up(writer, article->id, text->hash, fault, err);
    size_t row = writer->n, id_offset = writer->ids.size;
    if (row == 0)
        writer->first_ns = vf_now_ns();
    int rc = vf_buf_append(&writer->ids, article->id, strlen(article->id) + 1, err);
    if (rc)
        return rc;
    float *row_vector = writer->vectors + row * writer->dimensions;
    uint8_t *row_hash = writer->hashes + row * VF_TEXT_HASH_BYTES;
    memcpy(row_vector, vector, writer->dimensions * sizeof *vector);
    memcpy(row_hash, text->hash, VF_TEXT_HASH_BYTES);
    writer->rows[row] = (struct vf_row){.vector = row_vector,
        .text_hash = row_hash,
        .token_count = (uint32_t)text->n_ids,
        .truncated = text->tokens_lost > 0,
        .is_new = article->is_new};
    writer->notes[row] = (struct row_note){.id_offset = id_offset,
        .tokens_lost = text->tokens_lost,
        .duplicate = text->first_article != i};
    writer->n++;
    return writer->n == writer->capacity ? vf_row_writer_flush(writer, err) : 0;
}

static int write_rows(struct vf_row_writer *w, size_t first, size_t n, struct vf_err *err)
{
    unsigned tries = 0;
    int rc;
    do
        rc = vf_store_write(w->retry->store, w->model_id, w->dimensions, &w->rows[first], n, err);
    while (vf_retry(w->retry, &tries, &rc, err));
    if (rc)
        return rc;
    w->n_refused_in_row = 0;
    for (size_t i = first; i < first + n; i++)
        count_embedded(w, i);
    return 0;
}

static int note_refusal(
    struct vf_row_writer *w, size_t i, const struct vf_err *refusal, struct vf_err *err)
{
    w->notes[i].refused = true;
    w->notes[i].refusal_offset = w->refusals.size;
    w->n_refused_in_row++;
    return vf_buf_append(&w->refusals, refusal->msg, strlen(refusal->msg) + 1, err);
}

static bool is_table_at_fault(const struct vf_row_writer *w)
{
    return w->n_refused_in_row >= MAX_REFUSED_IN_A_ROW;
}

/* Writes rows in halves, and halves of these, until those that the database refuses stand alone, or
 * are too many. Safe to repeat: what is written already is written again. */
static int bisect(struct vf_row_writer *w, size_t first, size_t n, struct vf_err *err)
{
    struct vf_err refusal;
    if (is_table_at_fault(w))
        return 0;
    int rc = write_rows(w, first, n, &refusal);
    if (rc && rc != VF_ERR_DATA) {
        *err = refusal;
        return rc;
    }
    if (rc == 0)
        return 0;
    if (n == 1)
        return note_refusal(w, first, &refusal, err);
    vf_event_send(&w->retry->sink,
        (struct vf_event){.kind = VF_EVENT_BATCH_FAILED, .message = refusal.msg, .n = n});
    VF_TRY(bisect(w, first, n / 2, err));
    VF_TRY(bisect(w, first + n / 2, n - n / 2, err));
out:
    return rc;
}

static const char *refusal_of(const struct vf_row_writer *w, size_t i)
{
    return w->refusals.data + w->notes[i].refusal_offset;
}

/* Gives up the rows that were refused. */
static int settle_refusals(struct vf_row_writer *w, struct vf_err *err)
{
    const char *last = "";
    int rc = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (!w->notes[i].refused)
            continue;
        last = refusal_of(w, i);
        VF_TRY(give_up(
            w, w->rows[i].source_id, w->rows[i].text_hash, (struct fault){"refused", last}, err));
    }
    if (is_table_at_fault(w)) {
        rc = vf_fail(err, VF_ERR_DATA, "the database refuses row after row, %zu by now: %s",
            w->n_refused_in_row, last);
        vf_hint(err, "if the table is at fault, mend it and run again with --retry-failed");
    }
out:
    return rc;
}

int vf_row_writer_flush(struct vf_row_writer *writer, struct vf_err *err)
{
    struct vf_err failure = {0};
    int rc;
    if (writer->n == 0)
        return 0;
    for (size_t i = 0; i < writer->n; i++)
        writer->rows[i].source_id = writer->ids.data + writer->notes[i].id_offset;
    vf_buf_clear(&writer->refusals);
    VF_TRY(bisect(writer, 0, writer->n, &failure));
    VF_TRY(settle_refusals(writer, &failure));
    writer->n = 0;
    vf_buf_clear(&writer->ids);
    return 0;
out:
    vf_err_prefix(
        &failure, "writing article %s and %zu more", writer->rows[0].source_id, writer->n - 1);
    if (err)
        *err = failure;
    return rc;
}

int vf_row_writer_flush_old(struct vf_row_writer *writer, int64_t age_ns, struct vf_err *err)
{
    if (writer->n == 0 || vf_now_ns() - writer->first_ns <= age_ns)
        return 0;
    return vf_row_writer_flush(writer, err);
}
