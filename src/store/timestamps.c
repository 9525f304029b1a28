#include "store/timestamps.h"

#include <inttypes.h>
#include <stdio.h>

enum { SECONDS_PER_DAY = 86400, DAYS_PER_ERA = 146097, DAYS_TO_1970 = 719468 };

struct civil {
    int64_t year;
    int month, day;
};

/* Days since 1970-01-01; the year is counted from March, so that the leap day comes last. */
static int64_t days_from_civil(struct civil c)
{
    int64_t year = c.year - (c.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static struct civil civil_from_days(int64_t days)
{
    days += DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
    struct civil c = {.year = year_of_era + era * 400 + (month >= 10),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1)};
    return c;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

struct cursor {
    const char *p, *end;
};

static bool take_char(struct cursor *c, char wanted)
{
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

/* Exactly `digits` digits whose value lies in [min, max]. */
static bool take_number(struct cursor *c, int digits, int min, int max, int *ret)
{
    int value = 0;
    for (int i = 0; i < digits; i++, c->p++) {
        if (c->p == c->end || *c->p < '0' || *c->p > '9')
            return false;
        value = value * 10 + (*c->p - '0');
    }
    *ret = value;
    return value >= min && value <= max;
}

static bool take_fraction(struct cursor *c, int *ret_us)
{
    int us = 0, scale = 100000;
    const char *first = c->p;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++, scale /= 10)
        us += (*c->p - '0') * scale;
    *ret_us = us;
    return c->p > first;
}

/* HH:MM[:SS[.fraction]] as microseconds of the day. */
static bool take_time(struct cursor *c, int64_t *ret_us)
{
    int hour, minute, second = 0, us = 0;
    if (!take_number(c, 2, 0, 23, &hour) || !take_char(c, ':') ||
        !take_number(c, 2, 0, 59, &minute))
        return false;
    if (take_char(c, ':') && !take_number(c, 2, 0, 60, &second))
        return false;
    if (take_char(c, '.') && !take_fraction(c, &us))
        return false;
    *ret_us = ((hour * 60 + minute) * INT64_C(60) + second) * VF_US_PER_SECOND + us;
    return true;
}

/* 'Z', an offset, or nothing, as microseconds east of UTC. */
static bool take_zone(struct cursor *c, int64_t *ret_us)
{
    int hours, minutes = 0;
    *ret_us = 0;
    if (c->p == c->end || take_char(c, 'Z') || take_char(c, 'z'))
        return true;
    bool west = take_char(c, '-');
    if ((!west && !take_char(c, '+')) || !take_number(c, 2, 0, 23, &hours))
        return false;
    bool colon = take_char(c, ':');
    if ((colon || c->p < c->end) && !take_number(c, 2, 0, 59, &minutes))
        return false;
    *ret_us = (west ? -1 : 1) * (hours * 60 + minutes) * 60 * VF_US_PER_SECOND;
    return true;
}

bool vf_timestamp_parse(const char *s, size_t n, int64_t *ret_us)
{
    struct cursor c = {s, s + n};
    int year, month, day;
    int64_t time_us = 0, zone_us = 0;
    if (!take_number(&c, 4, 1, 9999, &year) || !take_char(&c, '-') ||
        !take_number(&c, 2, 1, 12, &month) || !take_char(&c, '-') ||
        !take_number(&c, 2, 1, days_in_month(year, month), &day))
        return false;
    if (take_char(&c, 'T') || take_char(&c, 't') || take_char(&c, ' ')) {
        if (!take_time(&c, &time_us))
            return false;
        take_char(&c, ' ');
    }
    if (!take_zone(&c, &zone_us) || c.p != c.end)
        return false;
    int64_t days = days_from_civil((struct civil){year, month, day});
    *ret_us = days * SECONDS_PER_DAY * VF_US_PER_SECOND + time_us - zone_us;
    return true;
}

void vf_timestamp_format(int64_t us, char ret[VF_TIMESTAMP_CHARS])
{
    if (us == INT64_MIN || us == INT64_MAX) {
        snprintf(ret, VF_TIMESTAMP_CHARS, "%s", us < 0 ? "-infinity" : "infinity");
        return;
    }
    int64_t seconds = us / VF_US_PER_SECOND;
    int fraction = (int)(us % VF_US_PER_SECOND);
    if (fraction < 0) {
        fraction += (int)VF_US_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / SECONDS_PER_DAY;
    int second = (int)(seconds % SECONDS_PER_DAY);
    if (second < 0) {
        second += SECONDS_PER_DAY;
        days--;
    }
    struct civil c = civil_from_days(days);
    char tail[16] = "";
    if (fraction)
        snprintf(tail, sizeof tail, ".%06d", fraction);
    snprintf(ret, VF_TIMESTAMP_CHARS, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d%sZ", c.year, c.month,
        c.day, second / 3600, second / 60 % 60, second % 60, tail);
}
