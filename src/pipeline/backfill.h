/* The backfill: read -> tokenize -> encode -> write, each on its own threads over bounded queues.
 *
 * Windows (a page of articles with their token ids and vectors) are recycled through the stages,
 * so that memory is windows x window size, whatever the number of articles. Identical texts of a
 * window are encoded once. The first fatal error wins, aborts the queues, and is returned with
 * everything that was written before it committed. An article whose vector cannot be stored (not
 * finite, no norm, refused by the database while others are taken) is counted as failed and put on
 * record, and the run goes on; later runs pass it over, and count it, until selection.retry_failed.
 *
 * While the database is away (pipeline/retry.h) the stages wait; what was not acknowledged is read
 * or written again.
 *
 * Uses the encoder only through <vecfill/vecfill.h>.
 */
#ifndef VF_PIPELINE_BACKFILL_H
#define VF_PIPELINE_BACKFILL_H

#include "pipeline/event.h"
#include "pipeline/window.h"
#include "store/store.h"

#include <signal.h>
#include <vecfill/vecfill.h>

struct vf_progress {
    uint64_t done;   /* articles encoded so far, those that fail included */
    uint64_t total;  /* articles to embed in this run */
    uint64_t tokens; /* encoded so far */
    double seconds;  /* since the run began */
};

struct vf_backfill_options {
    struct vf_selection selection;
    /* What vf_backfill_count() found; NULL: counted by the run itself. */
    const struct vf_counts *counts;
    uint64_t limit;      /* most articles to embed, those that fail included; 0: no limit */
    size_t batch_size;   /* rows a transaction; 0: what a second brings, see vf_batch_rows() */
    uint64_t max_memory; /* bytes for the process, by which windows are made smaller; 0: no limit */
    unsigned retries;    /* tries more, when the database is away: pipeline/retry.h */
    /* Set to 1 by a signal handler: finish what is being encoded, commit, return
     * VF_ERR_INTERRUPTED. Looked at on the caller's thread. May be NULL. */
    const volatile sig_atomic_t *stop;
    /* On vf_now_ns()'s clock: finish what is being encoded then, commit, and leave the rest for
     * another run, which is no failure. 0: never. */
    int64_t deadline_ns;
    /* Called on the caller's thread, some times a second and once at the end; may be NULL. */
    void (*progress)(void *context, const struct vf_progress *progress);
    void *context;
    /* Called on any thread, but neither twice at once nor beside progress(). */
    struct vf_event_sink sink;
};

/* selected = embedded + unchanged + empty + failed + remaining, always. */
struct vf_backfill_report {
    uint64_t selected, embedded, unchanged, empty, failed, remaining;
    uint64_t failed_before; /* of the failed: in earlier runs, and passed over by this one */
    uint64_t duplicates;    /* of the embedded: texts equal to another of their window */
    uint64_t tokens;        /* encoded, specials included */
    uint64_t truncated;     /* of the embedded: articles that were cut */
    uint64_t tokens_lost;   /* tokens of those that were not read */
    uint64_t retries;       /* times that the database was tried again */
    double seconds;
    char first_failure[VF_FAILURE_CHARS]; /* of this run: article id and reason, or empty */
};

/* Counts what `selection` holds, with so many `retries`. A caller that learns so that nothing is to
 * do need not load a model. */
VF_MUST_CHECK int vf_backfill_count(struct vf_store *store, const struct vf_selection *selection,
    unsigned retries, struct vf_counts *ret, struct vf_err *err);

/* Rows that one transaction of it may have: options->batch_size, or as many as make the cost of a
 * transaction vanish, but no more than some megabytes of vectors. */
size_t vf_batch_rows(const struct vf_model_info *info, const struct vf_backfill_options *options);

/* Most bytes that vf_backfill() takes beside what the process has with an embedder that has its
 * weights, unless a single article is longer than a window. */
uint64_t vf_backfill_memory(
    const struct vf_embedder *embedder, const struct vf_backfill_options *options);

/* Runs it. `reader` and `writer` are two connections to the same database, both checked with
 * vf_store_check(); they may not be used by others until it returns. *report is filled on failure
 * and on interruption too. When options->counts has nothing to do, `embedder` may be NULL. The
 * worker threads take no signals. */
VF_MUST_CHECK int vf_backfill(struct vf_embedder *embedder, struct vf_store *reader,
    struct vf_store *writer, const struct vf_backfill_options *options,
    struct vf_backfill_report *report, struct vf_err *err);

/* What vf_backfill() would do with an embedder of as many threads, exactly. */
struct vf_plan {
    struct vf_counts selected;
    uint64_t to_embed;    /* of missing + changed, capped by the limit */
    uint64_t failed;      /* of missing + changed, capped with them: that would fail */
    uint64_t tokens;      /* that would be encoded, specials included */
    uint64_t duplicates;  /* articles whose text equals another of their window */
    uint64_t truncated;   /* articles that would be cut */
    uint64_t tokens_lost; /* tokens of those that would not be read */
    char first_failure[VF_FAILURE_CHARS]; /* article id and reason, or empty */
};

/* Reads and tokenizes what is to do; neither weights (tokenizer_only serves) nor the right to
 * write is needed. Of `options`, batch_size and progress are not looked at; `stop` ends it with
 * VF_ERR_INTERRUPTED. */
VF_MUST_CHECK int vf_backfill_plan(const struct vf_embedder *embedder, struct vf_store *reader,
    const struct vf_backfill_options *options, struct vf_plan *ret, struct vf_err *err);

#endif
