/* What a backfill says: one line on standard output, messages and events on standard error. */
#ifndef VF_CLI_BACKFILL_REPORT_H
#define VF_CLI_BACKFILL_REPORT_H

#include "cli/message.h"
#include "pipeline/backfill.h"

struct vf_backfill_reporter {
    struct vf_console *console;
    const struct vf_model_info *model;
    const char *model_id;
    bool json;         /* the line as a JSON object */
    bool has_failures; /* there is a text_embedding_failures to point to */
};

/* What a dry run cannot count. */
struct vf_plan_estimate {
    double tokens_per_second; /* 0: not known */
    const char *rate_source;  /* where that comes from; NULL: nowhere */
    uint64_t bytes;           /* of the rows that would be written */
};

/* How many articles are selected. */
uint64_t vf_count_selected(const struct vf_counts *counts);

/* What is to be done, before it is. */
void vf_backfill_say_counts(
    const struct vf_backfill_reporter *reporter, const struct vf_counts *counts);

/* A vf_event_sink's function, also for an audit; `context` is the console. */
void vf_backfill_say_event(void *context, const struct vf_event *event);

/* What a run came to; `status` is its exit status. */
VF_MUST_CHECK int vf_backfill_print_report(const struct vf_backfill_reporter *reporter,
    const struct vf_backfill_report *report, int status, struct vf_err *err);

/* What a run would do. */
VF_MUST_CHECK int vf_backfill_print_plan(const struct vf_backfill_reporter *reporter,
    const struct vf_plan *plan, const struct vf_plan_estimate *estimate, struct vf_err *err);

#endif
