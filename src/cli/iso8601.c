#include "cli/iso8601.h"

#include <stddef.h>

int64_t vf_date_to_days(struct vf_date date)
{
    /* Years begin in March, so that the leap day is the last; eras have 400 years. */
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* Reads exactly `n` digits at *p and steps over them. */
static bool take_digits(const char **p, size_t n, int *ret)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *p += n;
    *ret = value;
    return true;
}

static bool take(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool is_valid(struct vf_date date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date.year < 1 || date.month < 1 || date.month > 12)
        return false;
    bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    int length = lengths[date.month - 1] + (date.month == 2 && leap);
    return date.day >= 1 && date.day <= length;
}

static bool take_date(const char **p, struct vf_date *ret)
{
    struct vf_date date;
    if (!take_digits(p, 4, &date.year) || !take(p, '-') || !take_digits(p, 2, &date.month) ||
        !take(p, '-') || !take_digits(p, 2, &date.day) || !is_valid(date))
        return false;
    *ret = date;
    return true;
}

bool vf_date_parse(const char *text, struct vf_date *ret)
{
    struct vf_date date;
    if (!take_date(&text, &date) || *text != '\0')
        return false;
    *ret = date;
    return true;
}

/* ".123456", of which at least one digit. */
static bool take_fraction(const char **p, int64_t *ret_us)
{
    int64_t unit = VF_US_PER_SECOND / 10;
    int digit;
    if (!take_digits(p, 1, &digit))
        return false;
    do {
        *ret_us += digit * unit;
        unit /= 10;
    } while (take_digits(p, 1, &digit));
    return true;
}

static bool take_time(const char **p, int64_t *ret_us)
{
    int hour, minute, second = 0;
    int64_t fraction = 0;
    if (!take_digits(p, 2, &hour) || !take(p, ':') || !take_digits(p, 2, &minute))
        return false;
    if (take(p, ':')) {
        if (!take_digits(p, 2, &second))
            return false;
        if ((take(p, '.') || take(p, ',')) && !take_fraction(p, &fraction))
            return false;
    }
    /* A leap second counts as the first of the next minute. */
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *ret_us = ((int64_t)hour * 3600 + minute * 60 + second) * VF_US_PER_SECOND + fraction;
    return true;
}

/* What follows the time: nothing, "Z" or an offset. */
static bool take_offset(const char **p, int64_t *ret_us)
{
    *ret_us = 0;
    if (**p == '\0' || take(p, 'Z') || take(p, 'z'))
        return true;
    int sign = **p == '-' ? -1 : 1;
    int hours, minutes = 0;
    if (!take(p, '+') && !take(p, '-'))
        return false;
    if (!take_digits(p, 2, &hours))
        return false;
    bool colon = take(p, ':');
    if ((colon || **p != '\0') && !take_digits(p, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *ret_us = sign * ((int64_t)hours * 3600 + minutes * 60) * VF_US_PER_SECOND;
    return true;
}

bool vf_instant_parse(const char *text, int64_t *ret_us)
{
    struct vf_date date;
    int64_t time_us = 0, offset_us = 0;
    if (!take_date(&text, &date))
        return false;
    if (take(&text, 'T') || take(&text, 't') || take(&text, ' ')) {
        if (!take_time(&text, &time_us) || !take_offset(&text, &offset_us))
            return false;
    }
    if (*text != '\0')
        return false;
    *ret_us = vf_date_to_days(date) * VF_SECONDS_PER_DAY * VF_US_PER_SECOND + time_us - offset_us;
    return true;
}
