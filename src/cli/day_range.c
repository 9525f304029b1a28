#include "cli/day_range.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

/* More than any zone is off UTC. */
enum { MAX_OFFSET_SECONDS = 30 * 3600 };

static int parse_day(const char *name, const char *text, struct vf_date *ret, struct vf_err *err)
{
    if (vf_date_parse(text, ret))
        return 0;
    return vf_fail(err, VF_ERR_USAGE, "--%s expects a day of the calendar as YYYY-MM-DD, not '%s'",
        name, text);
}

int vf_parse_as_of(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    struct vf_day_args *args = field;
    args->has_as_of = true;
    return parse_day(option->name, values[0], &args->as_of, err);
}

int vf_parse_date_range(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    struct vf_day_args *args = field;
    args->has_range = true;
    int rc = parse_day(option->name, values[0], &args->range[0], err);
    return rc ? rc : parse_day(option->name, values[1], &args->range[1], err);
}

int vf_parse_lookback(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    enum { MAX_DAYS = 36500 };
    struct vf_day_args *args = field;
    size_t n = strlen(values[0]);
    char digits[8] = "";
    if (n >= 2 && n <= sizeof digits && values[0][n - 1] == 'd')
        memcpy(digits, values[0], n - 1);
    if (vf_parse_size(digits, 1, MAX_DAYS, &args->lookback))
        return 0;
    return vf_fail(err, VF_ERR_USAGE, "--%s expects a number of days from 1d to %dd, not '%s'",
        option->name, (int)MAX_DAYS, values[0]);
}

/* ---- time zones ---- */

/* A zone has a compiled file, which begins with "TZif". The C library would take an unknown name
 * for UTC without a word. */
static bool is_zone(const char *name)
{
    const char *directory = getenv("TZDIR");
    char path[512], magic[4];
    if (name[0] == '/' || strstr(name, "..") || strchr(name, ':'))
        return false;
    int n = snprintf(
        path, sizeof path, "%s/%s", directory && directory[0] ? directory : ZONE_DIRECTORY, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = read(fd, magic, sizeof magic) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    close(fd);
    return ok;
}

static int set_zone(const char *name, struct vf_err *err)
{
    int failed = name ? setenv("TZ", name, 1) : unsetenv("TZ");
    tzset();
    return failed ? vf_fail_memory(err, "the time zone") : 0;
}

static bool is_before(const struct tm *local, struct vf_date date)
{
    if (local->tm_year + 1900 != date.year)
        return local->tm_year + 1900 < date.year;
    if (local->tm_mon + 1 != date.month)
        return local->tm_mon + 1 < date.month;
    return local->tm_mday < date.day;
}

/* The first second whose local date is not before `date`, with TZ set: unlike mktime(), this has
 * an answer where clocks skip midnight. */
static int find_day(struct vf_date date, int64_t *ret_us, struct vf_err *err)
{
    int64_t utc = vf_date_to_days(date) * VF_SECONDS_PER_DAY;
    int64_t before = utc - MAX_OFFSET_SECONDS, after = utc + MAX_OFFSET_SECONDS;
    while (after - before > 1) {
        time_t middle = (time_t)(before + (after - before) / 2);
        struct tm local;
        if (!localtime_r(&middle, &local))
            return vf_fail(err, VF_ERR_USAGE, "the year %d is out of range", date.year);
        if (is_before(&local, date))
            before = middle;
        else
            after = middle;
    }
    *ret_us = after * VF_US_PER_SECOND;
    return 0;
}

int vf_day_start(struct vf_date date, const char *zone, int64_t *ret_us, struct vf_err *err)
{
    if (!zone || strcmp(zone, "UTC") == 0) {
        *ret_us = vf_date_to_days(date) * VF_SECONDS_PER_DAY * VF_US_PER_SECOND;
        return 0;
    }
    if (!is_zone(zone)) {
        vf_fail(err, VF_ERR_USAGE, "the time zone database has no zone '%s'", zone);
        vf_hint(err, "zones have names such as UTC or Europe/Berlin; without the system's package "
                     "tzdata there is only UTC");
        return VF_ERR_USAGE;
    }
    const char *tz = getenv("TZ");
    char *saved = tz ? strdup(tz) : NULL;
    if (tz && !saved)
        return vf_fail_memory(err, "the time zone");
    int64_t start_us = 0;
    int rc = set_zone(zone, err);
    if (rc == 0)
        rc = find_day(date, &start_us, err);
    int restored = set_zone(saved, rc ? NULL : err);
    free(saved);
    if (rc == 0)
        rc = restored;
    if (rc == 0)
        *ret_us = start_us;
    return rc;
}

/* The first instant after `date`. find_day() needs no valid day of the month: the 32nd of a month
 * follows its 31st. */
static int day_end(struct vf_date date, const char *zone, int64_t *ret_us, struct vf_err *err)
{
    date.day++;
    return vf_day_start(date, zone, ret_us, err);
}

static struct vf_date days_before(struct vf_date date, size_t n)
{
    time_t day = (vf_date_to_days(date) - (int64_t)n) * VF_SECONDS_PER_DAY;
    struct tm tm = {0};
    gmtime_r(&day, &tm);
    return (struct vf_date){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday};
}

int vf_day_args_resolve(
    const struct vf_day_args *args, int64_t *ret_from_us, int64_t *ret_until_us, struct vf_err *err)
{
    int64_t from_us = INT64_MIN, until_us = INT64_MAX;
    int rc = 0;
    if (args->has_as_of && args->has_range) {
        vf_fail(err, VF_ERR_USAGE, "--as-of and --date-range exclude each other");
        vf_hint(err, "--as-of D is everything up to the end of day D, --date-range A B the days "
                     "from A to B, both included");
        return VF_ERR_USAGE;
    }
    if (args->lookback && !args->has_as_of) {
        vf_fail(
            err, VF_ERR_USAGE, "--lookback goes back from the day of --as-of, which is missing");
        vf_hint(err, "give --as-of, or the days by --date-range");
        return VF_ERR_USAGE;
    }
    if (args->has_range && vf_date_to_days(args->range[1]) < vf_date_to_days(args->range[0])) {
        vf_fail(err, VF_ERR_USAGE, "--date-range ends before it starts");
        vf_hint(err, "give the earlier day first");
        return VF_ERR_USAGE;
    }
    if (args->has_range) {
        VF_TRY(vf_day_start(args->range[0], args->timezone, &from_us, err));
        VF_TRY(day_end(args->range[1], args->timezone, &until_us, err));
    } else if (args->has_as_of) {
        if (args->lookback)
            VF_TRY(vf_day_start(
                days_before(args->as_of, args->lookback - 1), args->timezone, &from_us, err));
        VF_TRY(day_end(args->as_of, args->timezone, &until_us, err));
    } else if (args->timezone) {
        VF_TRY(vf_day_start((struct vf_date){1970, 1, 1}, args->timezone, &from_us, err));
        from_us = INT64_MIN;
    }
    *ret_from_us = from_us;
    *ret_until_us = until_us;
out:
    return rc;
}
