/* Rows on their way into the database, collected into transactions of a given number.
 *
 * A vector that is not finite or has no norm never gets as far: its article is counted as failed,
 * as is one without a vector and one that the database refuses; all are put on record
 * (store/failure_record.h), with the reason not_finite, no_norm, not_tokenized, refused, or the
 * fault of the article.
 * Belongs to one thread at a time.
 */
#ifndef VF_PIPELINE_ROW_WRITER_H
#define VF_PIPELINE_ROW_WRITER_H

#include "pipeline/retry.h"
#include "pipeline/window.h"
#include "store/store.h"

/* Rows that make the cost of a transaction vanish. */
enum { VF_BATCH_ROWS = 2048 };

struct vf_row_writer;

/* What became of the articles that were handed over. */
struct vf_row_counts {
    uint64_t embedded, failed;            /* committed, and given up */
    uint64_t duplicates;                  /* of the embedded: another of the window had the text */
    uint64_t truncated, tokens_lost;      /* of the embedded */
    char first_failure[VF_FAILURE_CHARS]; /* article id and reason; empty when failed is 0 */
};

/* Writes to retry->store, again when that fails for a while. `retry` and `model_id` must outlive
 * the writer. On success the caller owns *ret. */
VF_MUST_CHECK int vf_row_writer_new(struct vf_retry *retry, const char *model_id, size_t dimensions,
    size_t batch_size, struct vf_row_writer **ret, struct vf_err *err);

/* Forgets the rows that were not flushed. Accepts NULL. */
void vf_row_writer_free(struct vf_row_writer *writer);

/* Takes over article `i` of an encoded window by copy, and writes when a batch is full. On failure
 * the rows of the batch are kept. */
VF_MUST_CHECK int vf_row_writer_add(
    struct vf_row_writer *writer, const struct vf_window *window, size_t i, struct vf_err *err);

/* Writes what is left. Rows that the database refuses (VF_ERR_DATA) are found by halving the batch
 * and counted as failed; when it refuses too many in a row, the table is at fault, and the error is
 * returned. */
VF_MUST_CHECK int vf_row_writer_flush(struct vf_row_writer *writer, struct vf_err *err);

/* The same, but only when the first row was added more than `age_ns` ago. */
VF_MUST_CHECK int vf_row_writer_flush_old(
    struct vf_row_writer *writer, int64_t age_ns, struct vf_err *err);

/* Borrowed. */
const struct vf_row_counts *vf_row_writer_counts(const struct vf_row_writer *writer);

#endif
