/* How far a run is, on standard error: a bar where that is a terminal, a plain line every few
 * seconds elsewhere, nothing with --quiet. */
#ifndef VF_CLI_PROGRESS_H
#define VF_CLI_PROGRESS_H

#include "cli/message.h"

#include <stddef.h>
#include <stdint.h>

struct vf_meter {
    struct vf_console *console;
    const char *unit;      /* what is counted, e.g. "articles" */
    const char *rate_unit; /* of the speed; NULL: "tokens/s" */
    uint64_t begun_at;     /* units that were done before the first second */
    int64_t shown_ns;      /* when the last line was shown; 0: never */
    bool shown_end;        /* it said that all is done */
    /* `done` moves in steps, so that the time left is counted down from the last of them. */
    uint64_t step_done;
    double step_seconds;
};

/* Shows the state unless the last one is too fresh: `done` of `total` units and `tokens` tokens in
 * `seconds`. */
void vf_meter_show(
    struct vf_meter *meter, uint64_t done, uint64_t total, uint64_t tokens, double seconds);

/* Leaves the bar standing, if there is one, and ends its line. */
void vf_meter_end(struct vf_meter *meter);

/* The line itself, at most `columns` wide: "[####    ]  50%  300/600 articles  9.8k tokens/s
 * 0:12 left", without the bar when `bar_columns` is 0. */
void vf_meter_format(const struct vf_meter *meter, uint64_t done, uint64_t total, uint64_t tokens,
    double seconds, size_t bar_columns, char *ret, size_t size);

/* A rate for people: "9", "870", "9.8k", "1.2M". */
void vf_format_rate(double rate, char *ret, size_t size);

/* A duration for people: "0:07", "12:34", "3:25:45". */
void vf_format_duration(double seconds, char *ret, size_t size);

#endif
