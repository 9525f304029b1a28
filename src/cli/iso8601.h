/* Dates and instants as ISO 8601 writes them, in the proleptic Gregorian calendar. */
#ifndef VF_CLI_ISO8601_H
#define VF_CLI_ISO8601_H

#include <stdbool.h>
#include <stdint.h>

#define VF_US_PER_SECOND INT64_C(1000000)
#define VF_SECONDS_PER_DAY INT64_C(86400)

struct vf_date {
    int year, month, day;
};

/* Days since 1970-01-01. */
int64_t vf_date_to_days(struct vf_date date);

/* "YYYY-MM-DD" and nothing else, years 0001 to 9999; false for a day that no calendar has. */
bool vf_date_parse(const char *text, struct vf_date *ret);

/* A date, alone or with a time after 'T' or a space: HH:MM[:SS[.fraction]], then nothing (UTC),
 * "Z" or an offset (+HH, +HHMM, +HH:MM, or with '-'). *ret_us is in microseconds since 1970-01-01
 * UTC; digits beyond microseconds are dropped. */
bool vf_instant_parse(const char *text, int64_t *ret_us);

#endif
