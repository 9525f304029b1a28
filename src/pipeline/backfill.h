/* The backfill: read -> tokenize -> encode -> write, each on its own thread over bounded queues.
 *
 * A window (a page of articles with their ids, vectors and error) is recycled through the stages,
 * so that memory is windows x window size, whatever the number of articles. Identical texts of a
 * window are encoded once. The first fatal error wins, aborts the queues, and is returned with
 * everything that was written before it committed.
 *
 * Uses the encoder only through <vecfill/vecfill.h>.
 */
#ifndef VF_PIPELINE_BACKFILL_H
#define VF_PIPELINE_BACKFILL_H

#include "store/store.h"

#include <signal.h>
#include <vecfill/vecfill.h>

struct vf_progress {
    uint64_t done;   /* articles embedded or failed so far */
    uint64_t total;  /* articles to embed in this run */
    uint64_t tokens; /* encoded so far */
    double seconds;  /* since the run began */
};

struct vf_backfill_options {
    struct vf_selection selection;
    uint64_t limit;    /* most articles to embed; 0: no limit */
    size_t batch_size; /* rows a transaction, at least 1 */
    /* Set to 1 by a signal handler: finish the rows in hand, commit, return VF_ERR_INTERRUPTED.
     * May be NULL. */
    const volatile sig_atomic_t *stop;
    /* Called on the caller's thread, some times a second; may be NULL. */
    void (*progress)(void *context, const struct vf_progress *progress);
    void *context;
};

/* selected = embedded + unchanged + empty + failed + remaining, always. */
struct vf_backfill_report {
    uint64_t selected, embedded, unchanged, empty, failed, remaining;
    uint64_t duplicates;  /* of the embedded: texts equal to another of their window */
    uint64_t tokens;      /* encoded, specials included */
    uint64_t truncated;   /* of the embedded: articles that were cut */
    uint64_t tokens_lost; /* tokens of those that were not read */
    double seconds;
    char first_failure[256]; /* article id and reason; empty when failed is 0 */
};

/* Runs it. `reader` and `writer` are two connections to the same database, both checked with
 * vf_store_check(); they may not be used by others until it returns. *report is filled on failure
 * and on interruption too. */
VF_MUST_CHECK int vf_backfill(struct vf_embedder *embedder, struct vf_store *reader,
    struct vf_store *writer, const struct vf_backfill_options *options,
    struct vf_backfill_report *report, struct vf_err *err);

/* What vf_backfill() would do, exactly, without weights (tokenizer_only serves) or writing. */
struct vf_plan {
    struct vf_counts selected;
    uint64_t to_embed;    /* missing + changed, capped by the limit */
    uint64_t tokens;      /* that would be encoded, specials included */
    uint64_t truncated;   /* articles that would be cut */
    uint64_t tokens_lost; /* tokens of those that would not be read */
};

VF_MUST_CHECK int vf_backfill_plan(const struct vf_embedder *embedder, struct vf_store *reader,
    const struct vf_backfill_options *options, struct vf_plan *ret, struct vf_err *err);

#endif
