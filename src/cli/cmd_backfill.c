/* vecfill backfill: the articles of a table to vectors under a model_id. */
#include "base/clock.h"
#include "cli/backfill_report.h"
#include "cli/commands.h"
#include "cli/database_args.h"
#include "cli/day_range.h"
#include "cli/json_text.h"
#include "cli/memory_limit.h"
#include "cli/metrics_file.h"
#include "cli/model_args.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "pipeline/backfill.h"
#include "pipeline/model_guard.h"
#include "pipeline/retry.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct retries_arg {
    bool given;
    size_t n;
};

struct backfill_args {
    struct vf_common_args common;
    struct vf_day_args days;
    struct vf_model_args model;
    struct vf_database_args database;
    char *language, *model_id, *metrics_file;
    const char *refresh;
    size_t limit, batch_size;
    size_t time_budget;       /* seconds; 0: none */
    size_t tokens_per_second; /* 0: not given */
    size_t max_memory;        /* bytes; 0: no limit */
    struct retries_arg retries;
    uint32_t shard, n_shards; /* from 0; n_shards 0: all */
    bool newest_first, retry_failed, replace_model, dry_run, json;
};

#define FIELD(name) offsetof(struct backfill_args, name)

static const char *const refresh_names[] = {[VF_REFRESH_CHANGED] = "changed",
    [VF_REFRESH_MISSING] = "missing",
    [VF_REFRESH_ALL] = "all",
    NULL};
static const size_t max_limit = 1000000000000;
static const size_t max_batch_size = 1000000;
static const size_t max_rate = 1000000000;

/* "I/N". */
static int parse_shard(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    enum { MAX_SHARDS = 100000 };
    struct backfill_args *args = field;
    const char *slash = strchr(values[0], '/');
    char digits[8] = "";
    size_t i, n;
    if (slash && (size_t)(slash - values[0]) < sizeof digits)
        memcpy(digits, values[0], (size_t)(slash - values[0]));
    if (!slash || !vf_parse_size(slash + 1, 1, MAX_SHARDS, &n) || !vf_parse_size(digits, 1, n, &i))
        return vf_fail(err, VF_ERR_USAGE,
            "--%s expects I/N, the I-th of N parts such as 1/4, not '%s'", option->name, values[0]);
    args->shard = (uint32_t)i - 1;
    args->n_shards = (uint32_t)n;
    return 0;
}

static int parse_retries(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    enum { MAX_RETRIES = 1000 };
    struct retries_arg *retries = field;
    retries->given = true;
    if (!vf_parse_size(values[0], 0, MAX_RETRIES, &retries->n))
        return vf_fail(err, VF_ERR_USAGE, "--%s expects a whole number from 0 to %d, not '%s'",
            option->name, MAX_RETRIES, values[0]);
    return 0;
}

static const struct vf_option options[] = {
    {"as-of", '\0', "D", "articles up to the end of day D, YYYY-MM-DD; or", vf_parse_as_of,
        FIELD(days), NULL, false},
    {"date-range", '\0', "A B", "articles of the days A to B, both included", vf_parse_date_range,
        FIELD(days), NULL, false},
    {"lookback", '\0', "Nd", "with --as-of: the last N days alone, e.g. 3d", vf_parse_lookback,
        FIELD(days), NULL, true},
    {"timezone", '\0', "ZONE", "whose days these are, e.g. Europe/Berlin [UTC]", vf_parse_text,
        FIELD(days.timezone), NULL, true},
    {"language", '\0', "L", "articles in this language alone", vf_parse_text, FIELD(language), NULL,
        false},
    {"model-id", '\0', "ID", "name of the vectors [" VF_DEFAULT_MODEL_ID "]", vf_parse_text,
        FIELD(model_id), NULL, false},
    {"refresh", '\0', "WHAT", "changed, missing or all [changed]", vf_parse_choice, FIELD(refresh),
        refresh_names, false},
    {"limit", '\0', "N", "embed at most N articles in this run", vf_parse_count, FIELD(limit),
        &max_limit, false},
    {"time-budget", '\0', "T", "stop after so long: 90s, 30m, 2h", vf_parse_duration,
        FIELD(time_budget), NULL, true},
    {"max-memory", '\0', "SIZE", "of the process: 500M, 2G", vf_parse_memory, FIELD(max_memory),
        NULL, true},
    {"shard", '\0', "I/N", "the I-th of N parts, for as many processes", parse_shard, 0, NULL,
        true},
    {"newest-first", '\0', NULL, "the newest articles first", vf_parse_flag, FIELD(newest_first),
        NULL, true},
    {"batch-size", '\0', "N", "rows in a transaction [what a second brings]", vf_parse_count,
        FIELD(batch_size), &max_batch_size, true},
    {"retries", '\0', "N", "tries to reach a lost database again [6]", parse_retries,
        FIELD(retries), NULL, true},
    {"retry-failed", '\0', NULL, "articles that failed in earlier runs, too", vf_parse_flag,
        FIELD(retry_failed), NULL, true},
    {"replace-model", '\0', NULL, "renew the vectors of another model", vf_parse_flag,
        FIELD(replace_model), NULL, true},
    {"dry-run", 'n', NULL, "say what would be done, do nothing", vf_parse_flag, FIELD(dry_run),
        NULL, false},
    {"tokens-per-second", '\0', "N", "how fast a dry run takes a run to be", vf_parse_count,
        FIELD(tokens_per_second), &max_rate, true},
    {"json", '\0', NULL, "report as a JSON object", vf_parse_flag, FIELD(json), NULL, false},
    {"metrics-file", '\0', "FILE", "write the figures as Prometheus text", vf_parse_text,
        FIELD(metrics_file), NULL, true},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_model_options, VF_N_MODEL_OPTIONS, FIELD(model)},
    {vf_database_options, VF_N_DATABASE_OPTIONS, FIELD(database)},
};

/* What a run holds on to. */
struct run {
    struct vf_console *console;
    const struct backfill_args *args;
    int64_t begin_ns;
    struct vf_database database;
    struct vf_store *reader, *writer;
    struct vf_embedder *embedder;
    bool has_weights; /* the embedder */
    struct vf_store_info tables;
    enum vf_guard guard; /* of the model_id */
    bool can_record;     /* what the guard finds */
    uint64_t n_sampled;  /* vectors that the guard recomputed */
    struct vf_backfill_options options;
    struct vf_counts counts;
    struct vf_backfill_report report;
    struct vf_meter meter;
};

/* ---- preparing ---- */

static int make_selection(struct run *run, struct vf_err *err)
{
    const struct backfill_args *args = run->args;
    struct vf_selection *selection = &run->options.selection;
    if (!args->days.has_as_of && !args->days.has_range) {
        vf_fail(err, VF_ERR_USAGE, "one of --as-of and --date-range is needed");
        vf_hint(err, "--as-of 2025-01-31 is everything up to the end of that day, --date-range "
                     "2025-01-01 2025-01-31 the days from the first to the second");
        return VF_ERR_USAGE;
    }
    selection->model_id = args->model_id ? args->model_id : VF_DEFAULT_MODEL_ID;
    selection->language = args->language;
    selection->newest_first = args->newest_first;
    selection->retry_failed = args->retry_failed;
    selection->shard = args->shard;
    selection->n_shards = args->n_shards;
    selection->refresh = VF_REFRESH_CHANGED;
    while (args->refresh && strcmp(args->refresh, refresh_names[selection->refresh]) != 0)
        selection->refresh++;
    if (args->replace_model && selection->refresh == VF_REFRESH_MISSING) {
        vf_fail(err, VF_ERR_USAGE, "--refresh missing would keep what --replace-model replaces");
        vf_hint(err, "leave --refresh out");
        return VF_ERR_USAGE;
    }
    run->options.limit = args->limit;
    run->options.max_memory = args->max_memory;
    run->options.retries = args->retries.given ? (unsigned)args->retries.n : VF_DEFAULT_RETRIES;
    run->options.batch_size = args->batch_size;
    return vf_day_args_resolve(&args->days, &selection->from_us, &selection->until_us, err);
}

/* Takes a step that can be repeated, again while the database is away. */
static int persist(
    struct run *run, int (*step)(struct run *run, struct vf_err *err), struct vf_err *err)
{
    struct vf_retry retry = {
        .max_tries = vf_database_is_sqlite(&run->database) ? 0 : run->options.retries,
        .sink = run->options.sink};
    unsigned tries = 0;
    int rc;
    do {
        rc = step(run, err);
        retry.store = run->writer ? run->writer : run->reader;
    } while (vf_retry(&retry, &tries, &rc, err));
    return rc;
}

static int open_reader(struct run *run, struct vf_err *err)
{
    return vf_database_open(&run->database, 0, &run->reader, err);
}

static int check_reader(struct run *run, struct vf_err *err)
{
    return vf_store_check(
        run->reader, vf_info(run->embedder)->dimensions, !run->args->dry_run, &run->tables, err);
}

static int open_writer(struct run *run, struct vf_err *err)
{
    return vf_database_open(&run->database, 0, &run->writer, err);
}

static int check_writer(struct run *run, struct vf_err *err)
{
    return vf_store_check(run->writer, vf_info(run->embedder)->dimensions, true, &run->tables, err);
}

static int open_database(struct run *run, struct vf_err *err)
{
    int rc;
    VF_TRY(persist(run, open_reader, err));
    vf_console_log(run->console, VF_LOG_INFO, "connected",
        json_pack("{s:o}", "database", vf_json_string(vf_store_describe(run->reader))),
        "database %s", vf_store_describe(run->reader));
    VF_TRY(persist(run, check_reader, err));
    if (!run->tables.has_text_hash && run->options.selection.refresh == VF_REFRESH_CHANGED)
        vf_console_warn(run->console, "the embeddings table has no column text_hash, so that "
                                      "--refresh changed means missing; 'vecfill init' adds it");
out:
    return rc;
}

/* ---- what the model_id means ---- */

static int load_weights(struct run *run, struct vf_err *err)
{
    if (run->has_weights)
        return 0;
    vf_close(run->embedder);
    run->embedder = NULL;
    int rc = vf_model_args_open(&run->args->model, run->console, false, &run->embedder, err);
    if (rc)
        return rc;
    run->has_weights = true;
    vf_console_detail(run->console, "%u threads, kernels %s", vf_info(run->embedder)->threads,
        vf_info(run->embedder)->isa);
    return 0;
}

/* Where the record cannot be kept, each run has to look for itself. */
static int record_model(struct run *run, struct vf_err *err)
{
    const char *model_id = run->options.selection.model_id;
    bool replace = run->guard == VF_GUARD_REPLACE && run->can_record;
    int rc = vf_guard_record(run->reader, run->embedder, model_id, replace, err);
    if ((rc != VF_ERR_PERMISSION && rc != VF_ERR_NOT_FOUND) || replace)
        return rc;
    vf_console_warn(run->console, "the encoder behind model_id %s is not recorded: %s; %s",
        model_id, err->msg, err->hint);
    return 0;
}

static int look_at_model_id(struct run *run, struct vf_err *err)
{
    return vf_guard_look(run->reader, run->embedder, run->options.selection.model_id,
        run->args->replace_model, &run->guard, &run->can_record, err);
}

static int compare_sample(struct run *run, struct vf_err *err)
{
    return vf_guard_sample(
        run->reader, run->embedder, run->options.selection.model_id, &run->n_sampled, err);
}

static int adopt(struct run *run, struct vf_err *err)
{
    const char *model_id = run->options.selection.model_id;
    int rc;
    if (run->args->dry_run) {
        vf_console_note(run->console,
            "there is no record that may be read of what made the vectors under model_id %s: a run "
            "would recompute some",
            model_id);
        return 0;
    }
    VF_TRY(load_weights(run, err));
    VF_TRY(persist(run, compare_sample, err));
    if (run->n_sampled > 0)
        vf_console_note(run->console,
            "the vectors under model_id %s are adopted: %" PRIu64 " of them, recomputed, are equal",
            model_id, run->n_sampled);
    else
        vf_console_warn(run->console,
            "the vectors under model_id %s are adopted unseen: none has an article to compare with",
            model_id);
    VF_TRY(persist(run, record_model, err));
out:
    return rc;
}

/* Marks the old vectors, so that this run and those after it find them. */
static int replace(struct run *run, struct vf_err *err)
{
    int rc = 0;
    if (!run->args->dry_run) {
        VF_TRY(load_weights(run, err));
        VF_TRY(persist(run, record_model, err));
    }
    if (run->args->dry_run || !run->tables.has_text_hash || !run->can_record)
        run->options.selection.refresh = VF_REFRESH_ALL;
out:
    return rc;
}

/* Before anything is read. */
static int check_model_id(struct run *run, struct vf_err *err)
{
    int rc;
    VF_TRY(persist(run, look_at_model_id, err));
    if (run->guard == VF_GUARD_UNKNOWN)
        rc = adopt(run, err);
    else if (run->guard == VF_GUARD_REPLACE)
        rc = replace(run, err);
out:
    return rc;
}

/* ---- what is to do ---- */

static struct vf_backfill_reporter reporter_of(const struct run *run)
{
    return (struct vf_backfill_reporter){.console = run->console,
        .model = vf_info(run->embedder),
        .model_id = run->options.selection.model_id,
        .json = run->args->json,
        .has_failures = run->tables.has_failures};
}

static int count(struct run *run, struct vf_err *err)
{
    const struct vf_backfill_reporter reporter = reporter_of(run);
    int rc = vf_backfill_count(
        run->reader, &run->options.selection, run->options.retries, &run->counts, err);
    if (rc == 0)
        vf_backfill_say_counts(&reporter, &run->counts);
    return rc;
}

/* ---- a dry run ---- */

/* Of a row, so that the order of magnitude is right: the vector, the columns beside it, what the
 * database keeps of each row and of its place in two indexes. */
static uint64_t row_bytes(const struct run *run)
{
    enum { BESIDE_VECTOR = 220 };
    bool is_half = strcmp(run->tables.vector_type, "halfvec") == 0;
    return vf_info(run->embedder)->dimensions * (is_half ? 2 : sizeof(float)) + BESIDE_VECTOR;
}

static struct vf_plan_estimate estimate(const struct run *run, const struct vf_plan *plan)
{
    const struct backfill_args *args = run->args;
    struct vf_plan_estimate e = {.bytes = plan->to_embed * row_bytes(run)};
    if (args->tokens_per_second) {
        e.tokens_per_second = (double)args->tokens_per_second;
        e.rate_source = "--tokens-per-second";
    } else if (args->metrics_file && vf_metrics_find_rate(args->metrics_file,
                                         run->options.selection.model_id, &e.tokens_per_second)) {
        e.rate_source = "the last run in --metrics-file";
    }
    return e;
}

static int plan(struct run *run, struct vf_err *err)
{
    const struct vf_backfill_reporter reporter = reporter_of(run);
    struct vf_plan plan;
    vf_signals_catch();
    run->options.stop = &vf_stop_requested;
    int rc = vf_backfill_plan(run->embedder, run->reader, &run->options, &plan, err);
    if (rc)
        return rc;
    const struct vf_plan_estimate estimated = estimate(run, &plan);
    return vf_backfill_print_plan(&reporter, &plan, &estimated, err);
}

/* ---- the run ---- */

/* With the weights loaded, before anything is read. */
static int check_memory(struct run *run, struct vf_err *err)
{
    uint64_t limit = run->args->max_memory, more;
    if (limit == 0)
        return 0;
    more = vf_backfill_memory(run->embedder, &run->options);
    vf_console_detail(run->console, "beside what is loaded up to %.0f MB of memory are taken",
        (double)more / 1e6);
    return vf_memory_check(limit, more, vf_info(run->embedder)->threads, err);
}

static void show_progress(void *context, const struct vf_progress *progress)
{
    struct vf_meter *meter = context;
    vf_meter_show(meter, progress->done, progress->total, progress->tokens, progress->seconds);
}

/* Of a run that ended with `rc`. */
static int exit_status(const struct run *run, int rc)
{
    enum { SOME_FAILED = 1, OUT_OF_TIME = 75 };
    const struct vf_backfill_report *r = &run->report;
    if (rc == VF_ERR_INTERRUPTED && vf_signals_status())
        return vf_signals_status();
    if (rc)
        return vf_exit_status(rc);
    if (run->args->time_budget && r->remaining > 0 && vf_now_ns() >= run->options.deadline_ns)
        return OUT_OF_TIME;
    return r->failed > 0 ? SOME_FAILED : 0;
}

static int embed(struct run *run, struct vf_err *err)
{
    int rc;
    VF_TRY(load_weights(run, err));
    VF_TRY(check_memory(run, err));
    if (run->guard == VF_GUARD_NEW)
        VF_TRY(persist(run, record_model, err));
    VF_TRY(persist(run, open_writer, err));
    VF_TRY(persist(run, check_writer, err));
    run->meter = (struct vf_meter){.console = run->console, .unit = "articles"};
    run->options.progress = show_progress;
    run->options.context = &run->meter;
    run->options.stop = &vf_stop_requested;
    if (run->args->time_budget)
        run->options.deadline_ns =
            run->begin_ns + (int64_t)run->args->time_budget * INT64_C(1000000000);
    vf_signals_catch();
    rc = vf_backfill(run->embedder, run->reader, run->writer, &run->options, &run->report, err);
    vf_meter_end(&run->meter);
    int status = exit_status(run, rc);
    const struct vf_backfill_reporter reporter = reporter_of(run);
    int printed = vf_backfill_print_report(&reporter, &run->report, status, rc ? NULL : err);
    rc = rc ? rc : printed ? printed : status;
out:
    return rc;
}

static int run_steps(struct run *run, struct vf_err *err)
{
    int rc;
    VF_TRY(make_selection(run, err));
    /* Before anything that takes long, for it wipes a password from the arguments. */
    VF_TRY(vf_database_locate(run->console, &run->args->database, &run->database, err));
    vf_console_detail(run->console, "the database is named by %s", run->database.source);
    /* Without its weights at first: they are not needed when there is nothing to do. */
    VF_TRY(vf_model_args_open(&run->args->model, run->console, true, &run->embedder, err));
    vf_model_say(run->console, vf_info(run->embedder));
    VF_TRY(open_database(run, err));
    VF_TRY(check_model_id(run, err));
    if (run->args->dry_run)
        return plan(run, err);
    VF_TRY(count(run, err));
    if (run->counts.missing + run->counts.changed > 0)
        return embed(run, err);
    vf_console_note(run->console, "nothing to do");
    run->report = (struct vf_backfill_report){.selected = vf_count_selected(&run->counts),
        .unchanged = run->counts.unchanged,
        .empty = run->counts.empty,
        .failed = run->counts.failed,
        .failed_before = run->counts.failed};
    int status = run->report.failed > 0;
    const struct vf_backfill_reporter reporter = reporter_of(run);
    rc = vf_backfill_print_report(&reporter, &run->report, status, err);
    if (rc == 0)
        rc = status;
out:
    return rc;
}

/* Also after a failure, so that an alert can hang on it. */
static int write_metrics(const struct run *run, int rc, struct vf_err *err)
{
    struct vf_err trouble = {0};
    const struct vf_run_metrics metrics = {
        .model_id = run->options.selection.model_id,
        .status = rc == VF_ERR_INTERRUPTED ? vf_signals_status() : vf_exit_status(rc),
        .time_seconds = (int64_t)time(NULL),
        .report = &run->report,
    };
    int written = vf_metrics_write(run->args->metrics_file, &metrics, &trouble);
    if (written == 0 || rc < 0) {
        if (written)
            vf_console_warn(run->console, "%s", trouble.msg);
        return rc;
    }
    *err = trouble;
    return written;
}

static int run_backfill(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct backfill_args *args = data;
    struct run run = {.console = console,
        .args = args,
        .begin_ns = vf_now_ns(),
        .options.sink = {vf_backfill_say_event, console}};
    const char *metrics_file = args->dry_run ? NULL : args->metrics_file;
    int rc = 0;
    if (metrics_file)
        VF_TRY(vf_metrics_check(metrics_file, err));
    rc = run_steps(&run, err);
    if (metrics_file && rc != VF_ERR_USAGE)
        rc = write_metrics(&run, rc, err);
out:
    vf_close(run.embedder);
    vf_store_close(run.reader);
    vf_store_close(run.writer);
    vf_database_release(&run.database);
    return rc;
}

const struct vf_command vf_cmd_backfill = {
    .name = "backfill",
    .operands = "(--as-of D | --date-range A B)",
    .summary = "Embeds the articles of a table and stores their vectors",
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct backfill_args),
    .run = run_backfill,
};
