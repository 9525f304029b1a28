#include "cli/fetch_report.h"

#include "base/clock.h"
#include "cli/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MEGABYTE = 1000000 };

static bool bars_are_wanted(void)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    const char *value = getenv("HF_HUB_DISABLE_PROGRESS_BARS");
    for (size_t i = 0; value && i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(value, words[i]) == 0)
            return false;
    return true;
}

void vf_fetch_report_init(struct vf_fetch_report *report, struct vf_console *console)
{
    *report = (struct vf_fetch_report){.bars = bars_are_wanted(), .meter = {.console = console}};
}

static void begin_file(struct vf_fetch_report *report, const struct vf_fetch_progress *progress)
{
    struct vf_console *console = report->meter.console;
    vf_meter_end(&report->meter);
    snprintf(report->file, sizeof report->file, "%s", progress->file);
    snprintf(report->unit, sizeof report->unit, "MB of %s", progress->file);
    report->before = progress->done;
    report->begin_ns = vf_now_ns();
    report->meter = (struct vf_meter){.console = console,
        .unit = report->unit,
        .rate_unit = "bytes/s",
        .begun_at = progress->done / MEGABYTE};
    vf_console_detail(console, "fetching %s", progress->file);
}

int vf_fetch_report_show(void *context, const struct vf_fetch_progress *progress)
{
    struct vf_fetch_report *report = context;
    struct vf_console *console = report->meter.console;
    if (!report->asked)
        vf_console_note(console, "asking %s about %s", progress->hub, progress->model);
    if (progress->file && !report->begun)
        vf_console_note(console, "fetching %s from %s", progress->model, progress->hub);
    report->asked = true;
    report->begun |= progress->file != NULL;
    if (progress->file && strcmp(report->file, progress->file) != 0)
        begin_file(report, progress);
    /* Bytes go back to 0 when what was left turns out to be of no use. */
    if (report->before > progress->done)
        report->before = progress->done;
    if (progress->file && report->bars && progress->total >= MEGABYTE)
        vf_meter_show(&report->meter, progress->done / MEGABYTE, progress->total / MEGABYTE,
            progress->done - report->before, vf_seconds_since(report->begin_ns));
    return vf_stop_requested;
}

void vf_fetch_report_end(struct vf_fetch_report *report)
{
    vf_meter_end(&report->meter);
}
