#include "cli/backfill_report.h"

#include "cli/json_text.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t vf_count_selected(const struct vf_counts *c)
{
    return c->missing + c->changed + c->unchanged + c->empty + c->failed;
}

void vf_backfill_say_counts(
    const struct vf_backfill_reporter *reporter, const struct vf_counts *counts)
{
    const struct vf_counts *c = counts;
    json_t *fields = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "selected",
        (json_int_t)vf_count_selected(c), "missing", (json_int_t)c->missing, "changed",
        (json_int_t)c->changed, "unchanged", (json_int_t)c->unchanged, "empty",
        (json_int_t)c->empty, "failed", (json_int_t)c->failed);
    vf_console_log(reporter->console, VF_LOG_INFO, "selected", fields,
        "%" PRIu64 " article%s selected: %" PRIu64 " without a vector, %" PRIu64
        " to renew, %" PRIu64 " done, %" PRIu64 " empty",
        vf_count_selected(c), vf_plural(vf_count_selected(c)), c->missing, c->changed, c->unchanged,
        c->empty);
    if (c->failed > 0)
        vf_console_warn(reporter->console,
            "%" PRIu64 " article%s failed before and %s passed over; text_embedding_failures tells "
            "why, --retry-failed tries again",
            c->failed, vf_plural(c->failed), c->failed == 1 ? "is" : "are");
}

void vf_backfill_say_event(void *context, const struct vf_event *event)
{
    struct vf_console *console = context;
    double wait = (double)event->wait_ms / 1000;
    /* In text, the summary at the end names the first failure. */
    enum vf_log_level row_level = console->json ? VF_LOG_WARNING : VF_LOG_DEBUG;
    switch (event->kind) {
    case VF_EVENT_RETRY:
        vf_console_log(console, VF_LOG_WARNING, "retry",
            json_pack("{s:I, s:f}", "try", (json_int_t)event->n, "wait_seconds", wait),
            "%s; trying again in %.1f s", event->message, wait);
        break;
    case VF_EVENT_RECOVERED:
        vf_console_log(console, VF_LOG_INFO, "recovered", NULL, "the database can be used again");
        break;
    case VF_EVENT_BATCH_FAILED:
        vf_console_log(console, row_level, "batch_failed",
            json_pack("{s:I}", "rows", (json_int_t)event->n),
            "the database refuses %zu rows, whose halves are tried: %s", event->n, event->message);
        break;
    case VF_EVENT_ROW_FAILED:
        vf_console_log(console, row_level, "row_failed",
            json_pack("{s:o, s:s}", "article_id", vf_json_string(event->article_id), "reason",
                event->reason),
            "article %s: %s", event->article_id, event->message);
        break;
    case VF_EVENT_ROW_WRONG:
        vf_console_log(console, row_level, "row_wrong",
            json_pack("{s:o, s:s}", "article_id", vf_json_string(event->article_id), "reason",
                event->reason),
            "article %s: %s", event->article_id, event->message);
        break;
    }
}

/* ---- the report ---- */

static json_t *describe_model(const struct vf_backfill_reporter *reporter)
{
    const struct vf_model_info *info = reporter->model;
    return json_pack("{s:o, s:o, s:s?, s:I, s:I}", "model_id", vf_json_string(reporter->model_id),
        "model", vf_json_string(info->name), "revision", info->revision, "dimensions",
        (json_int_t)info->dimensions, "max_seq_length", (json_int_t)info->max_seq_length);
}

/* Takes over `object`; NULL when memory is out. */
static json_t *add_model(const struct vf_backfill_reporter *reporter, json_t *object)
{
    json_t *model = describe_model(reporter);
    if (object && model && json_object_update(object, model) == 0) {
        json_decref(model);
        return object;
    }
    json_decref(object);
    json_decref(model);
    return NULL;
}

static json_t *report_json(const struct vf_backfill_report *r)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}",
        "selected", (json_int_t)r->selected, "embedded", (json_int_t)r->embedded, "unchanged",
        (json_int_t)r->unchanged, "empty", (json_int_t)r->empty, "failed", (json_int_t)r->failed,
        "failed_before", (json_int_t)r->failed_before, "remaining", (json_int_t)r->remaining,
        "duplicates", (json_int_t)r->duplicates, "tokens", (json_int_t)r->tokens, "truncated",
        (json_int_t)r->truncated, "tokens_lost", (json_int_t)r->tokens_lost, "retries",
        (json_int_t)r->retries, "seconds", r->seconds, "tokens_per_second",
        r->seconds > 0 ? (double)r->tokens / r->seconds : 0.0);
}

static void say_cut(const struct vf_backfill_reporter *reporter, const char *verb,
    uint64_t truncated, uint64_t tokens_lost)
{
    if (truncated == 0)
        return;
    vf_console_log(reporter->console, VF_LOG_INFO, "cut",
        json_pack("{s:I, s:I}", "truncated", (json_int_t)truncated, "tokens_lost",
            (json_int_t)tokens_lost),
        "%" PRIu64 " article%s %scut at %zu tokens, %" PRIu64 " token%s not read", truncated,
        vf_plural(truncated), verb, reporter->model->max_seq_length, tokens_lost,
        vf_plural(tokens_lost));
}

static void say_report(
    const struct vf_backfill_reporter *reporter, const struct vf_backfill_report *r)
{
    char rate[16], duration[32];
    vf_format_rate(r->seconds > 0 ? (double)r->tokens / r->seconds : 0, rate, sizeof rate);
    vf_format_duration(r->seconds, duration, sizeof duration);
    if (r->embedded > 0)
        vf_console_note(reporter->console,
            "embedded %" PRIu64 " article%s with %" PRIu64 " tokens in %s (%s tokens/s)",
            r->embedded, vf_plural(r->embedded), r->tokens, duration, rate);
    say_cut(reporter, "", r->truncated, r->tokens_lost);
    uint64_t failed = r->failed - r->failed_before;
    if (failed > 0)
        vf_console_warn(reporter->console, "%" PRIu64 " article%s failed, the first: %s", failed,
            vf_plural(failed), r->first_failure);
    if (failed > 0 && reporter->has_failures)
        vf_console_note(reporter->console, "text_embedding_failures tells why");
    else if (failed > 0)
        vf_console_note(reporter->console,
            "every run tries them again, for there is no text_embedding_failures that may be "
            "written: 'vecfill init' makes it, its owner may GRANT SELECT, INSERT, UPDATE, DELETE");
    if (r->retries > 0)
        vf_console_note(reporter->console,
            "the database was away or in the way: tried again %" PRIu64 " time%s", r->retries,
            vf_plural(r->retries));
    if (r->remaining > 0)
        vf_console_note(reporter->console,
            "%" PRIu64 " article%s left; run the same command again to go on", r->remaining,
            vf_plural(r->remaining));
}

int vf_backfill_print_report(const struct vf_backfill_reporter *reporter,
    const struct vf_backfill_report *report, int status, struct vf_err *err)
{
    const struct vf_backfill_report *r = report;
    say_report(reporter, r);
    json_decref(reporter->console->result);
    reporter->console->result = add_model(reporter, report_json(r));
    if (reporter->json) {
        json_t *object = report_json(r);
        if (object)
            json_object_set_new(object, "status", json_integer(status));
        return vf_json_print(add_model(reporter, object), stdout, err);
    }
    printf("selected=%" PRIu64 " embedded=%" PRIu64 " unchanged=%" PRIu64 " empty=%" PRIu64
           " failed=%" PRIu64 " remaining=%" PRIu64 "\n",
        r->selected, r->embedded, r->unchanged, r->empty, r->failed, r->remaining);
    return 0;
}

/* ---- the plan ---- */

static void say_plan(const struct vf_backfill_reporter *reporter, const struct vf_plan *plan,
    const struct vf_plan_estimate *estimate)
{
    char duration[32];
    say_cut(reporter, "would be ", plan->truncated, plan->tokens_lost);
    if (plan->failed > 0)
        vf_console_warn(reporter->console, "%" PRIu64 " article%s would fail, the first: %s",
            plan->failed, vf_plural(plan->failed), plan->first_failure);
    if (plan->to_embed == 0)
        return;
    vf_console_note(
        reporter->console, "about %.1f MB would be written", (double)estimate->bytes / 1e6);
    if (!estimate->rate_source) {
        vf_console_note(reporter->console,
            "how long that takes is not known: name a --metrics-file of a run, or "
            "--tokens-per-second ('vecfill bench' measures it)");
        return;
    }
    vf_format_duration(
        (double)plan->tokens / estimate->tokens_per_second, duration, sizeof duration);
    vf_console_note(reporter->console, "about %s at %.0f tokens/s (%s)", duration,
        estimate->tokens_per_second, estimate->rate_source);
}

static uint64_t n_remaining(const struct vf_plan *plan)
{
    return plan->selected.missing + plan->selected.changed - plan->to_embed - plan->failed;
}

static json_t *plan_json(const struct vf_plan *plan, const struct vf_plan_estimate *estimate)
{
    const struct vf_counts *c = &plan->selected;
    json_t *object =
        json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
            "dry_run", 1, "selected", (json_int_t)vf_count_selected(c), "missing",
            (json_int_t)c->missing, "changed", (json_int_t)c->changed, "to_embed",
            (json_int_t)plan->to_embed, "unchanged", (json_int_t)c->unchanged, "empty",
            (json_int_t)c->empty, "failed", (json_int_t)(c->failed + plan->failed), "remaining",
            (json_int_t)n_remaining(plan), "duplicates", (json_int_t)plan->duplicates, "tokens",
            (json_int_t)plan->tokens, "truncated", (json_int_t)plan->truncated, "tokens_lost",
            (json_int_t)plan->tokens_lost, "estimated_bytes", (json_int_t)estimate->bytes);
    bool known = estimate->rate_source != NULL;
    if (object &&
        (json_object_set_new(object, "estimated_seconds",
             known ? json_real((double)plan->tokens / estimate->tokens_per_second) : json_null()) ||
            json_object_set_new(object, "estimated_from",
                known ? json_string(estimate->rate_source) : json_null()))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

int vf_backfill_print_plan(const struct vf_backfill_reporter *reporter, const struct vf_plan *plan,
    const struct vf_plan_estimate *estimate, struct vf_err *err)
{
    const struct vf_counts *c = &plan->selected;
    say_plan(reporter, plan, estimate);
    if (reporter->json)
        return vf_json_print(add_model(reporter, plan_json(plan, estimate)), stdout, err);
    printf("selected=%" PRIu64 " to_embed=%" PRIu64 " unchanged=%" PRIu64 " empty=%" PRIu64
           " failed=%" PRIu64 " remaining=%" PRIu64 " missing=%" PRIu64 " changed=%" PRIu64
           " truncated=%" PRIu64 " tokens=%" PRIu64 "\n",
        vf_count_selected(c), plan->to_embed, c->unchanged, c->empty, c->failed + plan->failed,
        n_remaining(plan), c->missing, c->changed, plan->truncated, plan->tokens);
    return 0;
}
