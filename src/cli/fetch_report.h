/* Says how far the download of a model is: a note when the Hub is asked and one when the first file
 * comes, then for each large file a bar on a terminal, a plain line every few seconds elsewhere.
 * HF_HUB_DISABLE_PROGRESS_BARS leaves the notes alone. */
#ifndef VF_CLI_FETCH_REPORT_H
#define VF_CLI_FETCH_REPORT_H

#include "cli/progress.h"

#include <stdbool.h>
#include <vecfill/vecfill.h>

struct vf_fetch_report {
    bool asked;      /* the Hub was */
    bool begun;      /* a file was or is being fetched */
    bool bars;       /* they are wanted */
    char file[256];  /* in hand; empty: none */
    char unit[300];  /* of the meter: "MB of FILE" */
    uint64_t before; /* bytes of it that an earlier run has left */
    int64_t begin_ns;
    struct vf_meter meter;
};

void vf_fetch_report_init(struct vf_fetch_report *report, struct vf_console *console);

/* A vf_fetch_callback whose context is the report; stops the download after a signal. */
int vf_fetch_report_show(void *report, const struct vf_fetch_progress *progress);

/* Ends the bar that stands, if one does. */
void vf_fetch_report_end(struct vf_fetch_report *report);

#endif
