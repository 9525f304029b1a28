#include "pipeline/backfill.h"

#include "base/clock.h"
#include "base/queue.h"
#include "pipeline/retry.h"
#include "pipeline/row_writer.h"
#include "pipeline/window.h"
#include "store/claims.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Two windows are in the encoder at once, so that the end of one overlaps with the beginning of
 * the next; the others are being read, tokenized, held ready and written. */
enum { N_ENCODERS = 2, N_WINDOWS = VF_N_WINDOWS };

_Static_assert(N_WINDOWS == N_ENCODERS + 4, "one for each place");

enum { PROGRESS_INTERVAL_MS = 200 };

/* Unless transactions have a given number of rows, none waits for longer than for this and for a
 * window. */
static const int64_t batch_age_ns = 1000000000;

/* Articles that other processes are at are looked at again, after longer and longer waits of
 * together half a minute; then they are taken. */
enum { WAIT_MS = 500, MAX_WAITS = 11 };

/* The stages form a ring: what one gives is the input of the next, and written windows are what
 * the reader fills again. */
enum stage { READ, TOKENIZE, ENCODE, WRITE, N_STAGES };

enum { N_THREADS = 3 + N_ENCODERS };

/* What a stage's work returns when it will have no more to give; the window is not passed on. */
enum { STAGE_DONE = 1 };

struct run;

struct worker {
    struct run *run;
    enum stage stage;
    pthread_t thread;
};

struct run {
    const struct vf_backfill_options *options; /* immutable */
    struct vf_embedder *embedder;
    struct vf_counts start; /* immutable: what was selected when the run began */
    bool claiming;          /* immutable: leaves articles to other processes */
    size_t in_flight;       /* immutable: articles between reading and writing, at most */
    int64_t begin_ns;       /* immutable */
    bool interrupted;       /* caller's thread only: options->stop was seen */

    struct vf_window *windows[N_WINDOWS];
    struct vf_queue *queues[N_STAGES]; /* the input of each stage */
    atomic_bool stopping;              /* set by the caller's thread, read by the stages */

    /* reader thread only */
    struct vf_reader *reader;
    struct vf_retry read_retry;
    uint64_t n_read, n_unchanged, n_empty, n_failed; /* on the pages so far */
    uint64_t n_left;                                 /* that other processes have claimed */
    bool at_end;

    /* writer thread only */
    struct vf_row_writer *writer;
    struct vf_retry write_retry;

    pthread_mutex_t callback_lock; /* around progress() and what goes to options->sink */

    pthread_mutex_t lock;
    pthread_cond_t thread_ended;
    unsigned running[N_STAGES]; /* under lock */
    unsigned n_running;         /* under lock: all stages together */
    uint64_t n_encoded;         /* under lock: articles */
    uint64_t n_tokens;          /* under lock: of their texts */
    struct vf_err first_error;  /* under lock; code 0 when there is none */

    struct worker workers[N_THREADS];
};

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t n_to_do(const struct vf_counts *counts)
{
    return counts->missing + counts->changed;
}

static uint64_t n_to_embed(const struct vf_counts *counts, uint64_t limit)
{
    uint64_t n = n_to_do(counts);
    return limit && limit < n ? limit : n;
}

static uint64_t articles_left(const struct vf_backfill_options *options, uint64_t n_read)
{
    return options->limit ? options->limit - n_read : UINT64_MAX;
}

/* ---- the stages ---- */

static int read_page(
    struct run *run, struct vf_window *window, uint64_t max_articles, struct vf_err *err)
{
    unsigned tries = 0;
    int rc;
    do
        rc = vf_window_read(window, run->reader, max_articles, &run->at_end, err);
    while (vf_retry(&run->read_retry, &tries, &rc, err));
    if (rc)
        vf_err_prefix(err, "reading articles");
    return rc;
}

/* Leaves articles that another process is at, for a later pass. */
static int claim_page(struct run *run, struct vf_window *window, struct vf_err *err)
{
    uint64_t left = 0;
    unsigned tries = 0;
    int rc = 0;
    if (!run->claiming)
        return 0;
    do
        rc = vf_reader_claim(run->reader, &window->page, run->in_flight, &left, err);
    while (vf_retry(&run->read_retry, &tries, &rc, err));
    run->n_left += left;
    return rc;
}

static int read_window(struct run *run, struct vf_window *window, struct vf_err *err)
{
    int rc;
    do {
        uint64_t left = articles_left(run->options, run->n_read);
        if (run->at_end || left == 0 || atomic_load(&run->stopping))
            return STAGE_DONE;
        VF_TRY(read_page(run, window, left, err));
        VF_TRY(claim_page(run, window, err));
        run->n_read += window->page.n;
        run->n_unchanged += window->page.unchanged;
        run->n_empty += window->page.empty;
        run->n_failed += window->page.failed;
    } while (window->page.n == 0);
out:
    return rc;
}

static int tokenize_window(struct run *run, struct vf_window *window, struct vf_err *err)
{
    return vf_window_tokenize(window, run->embedder, err);
}

/* A window that is not begun when the run is stopped passes through without vectors. */
static int encode_window(struct run *run, struct vf_window *window, struct vf_err *err)
{
    if (atomic_load(&run->stopping))
        return 0;
    int rc = vf_window_encode(window, run->embedder, err);
    if (rc) {
        vf_err_prefix(err, "encoding article %s and %zu more", window->page.articles[0].id,
            window->page.n - 1);
        return rc;
    }
    pthread_mutex_lock(&run->lock);
    run->n_encoded += window->page.n;
    run->n_tokens += vf_window_tokens(window);
    pthread_mutex_unlock(&run->lock);
    return 0;
}

static int write_window(struct run *run, struct vf_window *window, struct vf_err *err)
{
    if (!window->encoded)
        return 0;
    for (size_t i = 0; i < window->page.n; i++) {
        int rc = vf_row_writer_add(run->writer, window, i, err);
        if (rc)
            return rc;
    }
    if (run->options->batch_size)
        return 0;
    return vf_row_writer_flush_old(run->writer, batch_age_ns, err);
}

/* ---- the threads ---- */

static const struct {
    unsigned n_threads;
    int (*work)(struct run *run, struct vf_window *window, struct vf_err *err);
} stages[N_STAGES] = {
    [READ] = {1, read_window},
    [TOKENIZE] = {1, tokenize_window},
    [ENCODE] = {N_ENCODERS, encode_window},
    [WRITE] = {1, write_window},
};

static void fail_run(struct run *run, const struct vf_err *err)
{
    pthread_mutex_lock(&run->lock);
    if (!run->first_error.code)
        run->first_error = *err;
    pthread_mutex_unlock(&run->lock);
    for (size_t i = 0; i < N_STAGES; i++)
        vf_queue_abort(run->queues[i]);
}

/* The last thread of a stage tells the next one that nothing follows. */
static void leave_stage(struct run *run, enum stage stage)
{
    pthread_mutex_lock(&run->lock);
    bool last = --run->running[stage] == 0;
    run->n_running--;
    pthread_cond_signal(&run->thread_ended);
    pthread_mutex_unlock(&run->lock);
    if (last)
        vf_queue_close(run->queues[(stage + 1) % N_STAGES]);
}

static void *run_worker(void *argument)
{
    const struct worker *worker = argument;
    struct run *run = worker->run;
    enum stage stage = worker->stage;
    struct vf_err err = {0};
    void *window;
    int rc = 0;
    while (rc == 0 && vf_queue_pop(run->queues[stage], &window) == VF_QUEUE_OK) {
        rc = stages[stage].work(run, window, &err);
        if (rc == 0 && vf_queue_push(run->queues[(stage + 1) % N_STAGES], window) != VF_QUEUE_OK)
            break;
    }
    if (rc == 0 && stage == WRITE)
        rc = vf_row_writer_flush(run->writer, &err);
    if (rc < 0)
        fail_run(run, &err);
    leave_stage(run, stage);
    return NULL;
}

/* Starts the threads with signals blocked, so that handlers run on the caller's. Returns how many
 * there are; when that is not all of them, the run has failed. */
static size_t start_workers(struct run *run)
{
    sigset_t all, before;
    size_t n = 0;
    int error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; n < N_THREADS && !error; n += !error)
        error = pthread_create(&run->workers[n].thread, NULL, run_worker, &run->workers[n]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        struct vf_err err;
        vf_fail(&err, VF_ERR_NO_MEMORY, "cannot start a thread: %s", strerror(error));
        fail_run(run, &err);
        pthread_mutex_lock(&run->lock);
        run->n_running -= (unsigned)(N_THREADS - n);
        pthread_mutex_unlock(&run->lock);
    }
    return n;
}

/* ---- the caller's thread ---- */

static void look_at_stop(struct run *run)
{
    const struct vf_backfill_options *options = run->options;
    bool out_of_time = options->deadline_ns && vf_now_ns() >= options->deadline_ns;
    if (options->stop && *options->stop)
        run->interrupted = true;
    if (run->interrupted || out_of_time)
        atomic_store(&run->stopping, true);
}

static void report_progress(struct run *run)
{
    if (!run->options->progress)
        return;
    pthread_mutex_lock(&run->lock);
    struct vf_progress progress = {.done = run->n_encoded,
        .total = n_to_embed(&run->start, run->options->limit),
        .tokens = run->n_tokens,
        .seconds = vf_seconds_since(run->begin_ns)};
    pthread_mutex_unlock(&run->lock);
    pthread_mutex_lock(&run->callback_lock);
    run->options->progress(run->options->context, &progress);
    pthread_mutex_unlock(&run->callback_lock);
}

/* One event at a time, whatever thread it comes from. */
static void pass_event(void *context, const struct vf_event *event)
{
    struct run *run = context;
    pthread_mutex_lock(&run->callback_lock);
    vf_event_send(&run->options->sink, *event);
    pthread_mutex_unlock(&run->callback_lock);
}

/* Waits for a thread to end, at most for the interval. True while any runs. */
static bool wait_a_little(struct run *run)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PROGRESS_INTERVAL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&run->lock);
    int rc = 0;
    while (run->n_running > 0 && rc == 0)
        rc = pthread_cond_timedwait(&run->thread_ended, &run->lock, &until);
    bool running = run->n_running > 0;
    pthread_mutex_unlock(&run->lock);
    return running;
}

static void run_release(struct run *run)
{
    for (size_t i = 0; i < N_STAGES; i++)
        vf_queue_free(run->queues[i]);
    for (size_t i = 0; i < N_WINDOWS; i++)
        vf_window_free(run->windows[i]);
    vf_row_writer_free(run->writer);
    vf_reader_free(run->reader);
    pthread_cond_destroy(&run->thread_ended);
    pthread_mutex_destroy(&run->lock);
    pthread_mutex_destroy(&run->callback_lock);
}

/* Everything that is allocated once: windows, queues, the batch of rows. */
static int run_prepare(struct run *run, struct vf_err *err)
{
    const struct vf_backfill_options *options = run->options;
    const struct vf_model_info *info = vf_info(run->embedder);
    const struct vf_window_size window = vf_window_size_for(info, options->max_memory);
    uint64_t n_rows = n_to_embed(&run->start, options->limit);
    size_t batch_size = vf_batch_rows(info, options);
    if (batch_size > n_rows)
        batch_size = (size_t)n_rows;
    run->in_flight = N_WINDOWS * window.articles + batch_size;
    int rc = vf_row_writer_new(&run->write_retry, options->selection.model_id, info->dimensions,
        batch_size, &run->writer, err);
    for (size_t i = 0; rc == 0 && i < N_STAGES; i++)
        rc = vf_queue_new(N_WINDOWS, NULL, &run->queues[i], err);
    for (size_t i = 0; rc == 0 && i < N_WINDOWS; i++) {
        rc = vf_window_new(window, info->dimensions, &run->windows[i], err);
        if (rc == 0 && vf_queue_push(run->queues[READ], run->windows[i]) != VF_QUEUE_OK)
            rc = vf_fail(err, VF_ERR_INTERNAL, "a new queue takes nothing");
    }
    for (enum stage stage = READ, n = 0; stage < N_STAGES; stage++) {
        run->running[stage] = stages[stage].n_threads;
        for (unsigned i = 0; i < stages[stage].n_threads; i++)
            run->workers[n++] = (struct worker){.run = run, .stage = stage};
    }
    run->n_running = N_THREADS;
    return rc;
}

static void run_stages(struct run *run)
{
    look_at_stop(run);
    size_t n_started = start_workers(run);
    while (wait_a_little(run)) {
        report_progress(run);
        look_at_stop(run);
    }
    for (size_t i = 0; i < n_started; i++)
        pthread_join(run->workers[i].thread, NULL);
    look_at_stop(run);
    report_progress(run);
}

/* What the run came to, when its threads have ended. */
static int run_outcome(const struct run *run, struct vf_err *err)
{
    if (run->first_error.code) {
        if (err)
            *err = run->first_error;
        return run->first_error.code;
    }
    if (!run->interrupted)
        return 0;
    vf_fail(err, VF_ERR_INTERRUPTED, "stopped on request after %llu of %llu articles",
        (unsigned long long)run->n_encoded,
        (unsigned long long)n_to_embed(&run->start, run->options->limit));
    vf_hint(err, "what was finished is stored; run the same command again to go on");
    return VF_ERR_INTERRUPTED;
}

/* What lies beyond the pages that were read is known from the count at the start. */
static void fill_report(const struct run *run, struct vf_backfill_report *ret)
{
    const struct vf_row_counts none = {0};
    const struct vf_row_counts *rows = run->writer ? vf_row_writer_counts(run->writer) : &none;
    struct vf_counts all = {.missing = run->n_read + run->n_left,
        .unchanged = run->n_unchanged,
        .empty = run->n_empty,
        .failed = run->n_failed};
    if (!run->at_end) {
        all.missing = max_u64(all.missing, n_to_do(&run->start));
        all.unchanged = max_u64(all.unchanged, run->start.unchanged);
        all.empty = max_u64(all.empty, run->start.empty);
        all.failed = max_u64(all.failed, run->start.failed);
    }
    *ret = (struct vf_backfill_report){
        .selected = all.missing + all.unchanged + all.empty + all.failed,
        .embedded = rows->embedded,
        .unchanged = all.unchanged,
        .empty = all.empty,
        .failed = rows->failed + all.failed,
        .failed_before = all.failed,
        .remaining = all.missing - rows->embedded - rows->failed,
        .duplicates = rows->duplicates,
        .tokens = run->n_tokens,
        .truncated = rows->truncated,
        .tokens_lost = rows->tokens_lost,
        .retries = run->read_retry.n + run->write_retry.n,
        .seconds = vf_seconds_since(run->begin_ns)};
    memcpy(ret->first_failure, rows->first_failure, sizeof ret->first_failure);
}

_Static_assert(sizeof((struct vf_backfill_report *)0)->first_failure ==
                   sizeof((struct vf_row_counts *)0)->first_failure,
    "copied as a whole");

/* One pass over what `start` has counted; *ret_left articles of it were left to others. */
static int run_pass(struct vf_embedder *embedder, struct vf_store *reader, struct vf_store *writer,
    const struct vf_backfill_options *options, const struct vf_counts *start, bool claiming,
    struct vf_backfill_report *report, uint64_t *ret_left, struct vf_err *err)
{
    struct run run = {.options = options,
        .embedder = embedder,
        .start = *start,
        .claiming = claiming,
        .begin_ns = vf_now_ns(),
        .callback_lock = PTHREAD_MUTEX_INITIALIZER,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .thread_ended = PTHREAD_COND_INITIALIZER};
    const struct vf_retry retry = {
        .max_tries = options->retries, .stopping = &run.stopping, .sink = {pass_event, &run}};
    int rc = 0;
    run.read_retry = run.write_retry = retry;
    run.read_retry.store = reader;
    run.write_retry.store = writer;
    if (n_to_do(&run.start) > 0) {
        VF_TRY(vf_reader_new(reader, &options->selection, &run.reader, err));
        VF_TRY(run_prepare(&run, err));
        run_stages(&run);
        rc = run_outcome(&run, err);
    }
out:
    fill_report(&run, report);
    *ret_left = run.n_left;
    run_release(&run);
    return rc;
}

/* Adds a later pass over what `report` has as remaining. Articles that it did not find any more
 * were embedded by others. */
static void add_pass(struct vf_backfill_report *report, const struct vf_backfill_report *pass)
{
    uint64_t failed = pass->failed - pass->failed_before;
    uint64_t found = pass->embedded + failed + pass->remaining;
    if (found < report->remaining)
        report->unchanged += report->remaining - found;
    report->embedded += pass->embedded;
    report->failed += failed;
    report->remaining = pass->remaining;
    report->duplicates += pass->duplicates;
    report->tokens += pass->tokens;
    report->truncated += pass->truncated;
    report->tokens_lost += pass->tokens_lost;
    report->retries += pass->retries;
    report->seconds += pass->seconds;
    report->selected =
        report->embedded + report->unchanged + report->empty + report->failed + report->remaining;
    if (!report->first_failure[0])
        memcpy(report->first_failure, pass->first_failure, sizeof report->first_failure);
}

/* Before another pass: the others write what they have in hand. False when the run is stopped. */
static bool wait_for_others(const struct vf_backfill_options *options, int64_t ms)
{
    const struct timespec step = {.tv_nsec = PROGRESS_INTERVAL_MS * 1000000L};
    int64_t end = vf_now_ns() + ms * 1000000;
    bool stop;
    do {
        nanosleep(&step, NULL);
        stop = (options->stop && *options->stop) ||
               (options->deadline_ns && vf_now_ns() >= options->deadline_ns);
    } while (!stop && vf_now_ns() < end);
    return !stop;
}

int vf_backfill(struct vf_embedder *embedder, struct vf_store *reader, struct vf_store *writer,
    const struct vf_backfill_options *options, struct vf_backfill_report *report,
    struct vf_err *err)
{
    struct vf_counts start = {0};
    uint64_t left = 0;
    int rc = 0;
    *report = (struct vf_backfill_report){0};
    if (options->counts)
        start = *options->counts;
    else
        VF_TRY(vf_backfill_count(reader, &options->selection, options->retries, &start, err));
    rc = run_pass(embedder, reader, writer, options, &start, true, report, &left, err);
    for (int n = 1; rc == 0 && left > 0 && wait_for_others(options, (int64_t)n * WAIT_MS); n++) {
        struct vf_backfill_options rest = *options;
        struct vf_backfill_report pass;
        if (options->limit)
            rest.limit =
                options->limit - report->embedded - (report->failed - report->failed_before);
        if (options->limit && rest.limit == 0)
            break;
        start = (struct vf_counts){.missing = left};
        rc = run_pass(embedder, reader, writer, &rest, &start, n < MAX_WAITS, &pass, &left, err);
        add_pass(report, &pass);
    }
out:
    return rc;
}

int vf_backfill_count(struct vf_store *store, const struct vf_selection *selection,
    unsigned retries, struct vf_counts *ret, struct vf_err *err)
{
    struct vf_retry retry = {.store = store, .max_tries = retries};
    unsigned tries = 0;
    int rc;
    do {
        struct vf_reader *reader = NULL;
        rc = vf_reader_new(store, selection, &reader, err);
        if (rc == 0)
            rc = vf_reader_count(reader, ret, err);
        vf_reader_free(reader);
    } while (vf_retry(&retry, &tries, &rc, err));
    return rc;
}
