/* Instants as int64_t microseconds since 1970-01-01 UTC, in the proleptic Gregorian calendar. */
#ifndef VF_STORE_TIMESTAMPS_H
#define VF_STORE_TIMESTAMPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VF_US_PER_SECOND INT64_C(1000000)
#define VF_TIMESTAMP_CHARS 64 /* room for any formatted instant and its NUL */

/* Reads ISO 8601: a date, then optionally 'T' or a space and HH:MM[:SS[.fraction]], then
 * optionally 'Z' or an offset (+01, +0100, +01:00). Without an offset it is UTC; digits of the
 * fraction beyond the sixth are dropped; second 60 is the first of the next minute. Years 0001 to
 * 9999. */
bool vf_timestamp_parse(const char *s, size_t n, int64_t *ret_us);

/* Writes "2025-01-31T08:15:00Z", with ".ffffff" when there is a fraction; "-infinity" and
 * "infinity" for the first and the last int64_t. */
void vf_timestamp_format(int64_t us, char ret[VF_TIMESTAMP_CHARS]);

#endif
