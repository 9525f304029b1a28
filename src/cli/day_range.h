/* Days of a time zone as half-open ranges of instants, and the options that name them. */
#ifndef VF_CLI_DAY_RANGE_H
#define VF_CLI_DAY_RANGE_H

#include "cli/iso8601.h"
#include "cli/options.h"

#include <stdbool.h>

/* --as-of, --date-range, --timezone and --lookback as they were given. */
struct vf_day_args {
    bool has_as_of, has_range;
    struct vf_date as_of;
    struct vf_date range[2];
    char *timezone;  /* NULL: UTC */
    size_t lookback; /* days that --as-of goes back; 0: without end */
};

vf_option_parser vf_parse_as_of;      /* into struct vf_day_args */
vf_option_parser vf_parse_date_range; /* into struct vf_day_args */
vf_option_parser vf_parse_lookback;   /* into struct vf_day_args */

/* What they mean: *ret_from_us inclusive (INT64_MIN with --as-of alone or
 * nothing), *ret_until_us
 * exclusive (INT64_MAX with nothing), in microseconds since 1970-01-01 UTC. VF_ERR_USAGE when both
 * are given, the range ends before it starts, or the time zone database has no such zone.
 *
 * Not for use while other threads run: it sets TZ for a moment. */
VF_MUST_CHECK int vf_day_args_resolve(const struct vf_day_args *args, int64_t *ret_from_us,
    int64_t *ret_until_us, struct vf_err *err);

/* The first instant of `date` in `zone` (NULL: UTC), under the same rule. */
VF_MUST_CHECK int vf_day_start(
    struct vf_date date, const char *zone, int64_t *ret_us, struct vf_err *err);

#endif
