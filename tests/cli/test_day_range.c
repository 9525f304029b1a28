#include "harness.h"

#include "cli/day_range.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR (3600 * VF_US_PER_SECOND)

static int64_t utc(int year, int month, int day)
{
    const struct vf_date date = {year, month, day};
    return vf_date_to_days(date) * VF_SECONDS_PER_DAY * VF_US_PER_SECOND;
}

static bool has_zones(void)
{
    return access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0;
}

static void test_day_start(void **state)
{
    (void)state;
    const struct {
        const char *zone;
        struct vf_date date;
        int64_t us;
    } rows[] = {
        {NULL, {2025, 1, 31}, utc(2025, 1, 31)},
        {"UTC", {1987, 2, 26}, utc(1987, 2, 26)},
        {"Europe/Berlin", {2025, 1, 31}, utc(2025, 1, 31) - 1 * HOUR},
        {"Europe/Berlin", {2025, 7, 31}, utc(2025, 7, 31) - 2 * HOUR},
        {"America/New_York", {2025, 1, 31}, utc(2025, 1, 31) + 5 * HOUR},
        {"Asia/Kolkata", {2025, 1, 31}, utc(2025, 1, 31) - 11 * HOUR / 2},
        {"Pacific/Kiritimati", {2025, 1, 31}, utc(2025, 1, 31) - 14 * HOUR},
        /* Clocks went from midnight to one: the day began an hour late. */
        {"America/Sao_Paulo", {2018, 11, 4}, utc(2018, 11, 4) + 3 * HOUR},
        {"Europe/Berlin", {1960, 1, 1}, utc(1960, 1, 1) - 1 * HOUR},
    };
    if (!has_zones())
        skip();
    setenv("TZ", "Asia/Tokyo", 1);
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        int64_t us = 0;
        struct vf_err err = {0};
        int rc = vf_day_start(rows[i].date, rows[i].zone, &us, &err);
        vf_check(rc == 0, "row %zu: %s", i, err.msg);
        vf_check(us == rows[i].us, "row %zu: %lld", i, (long long)us);
    }
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    unsetenv("TZ");
}

static void test_unknown_zone(void **state)
{
    (void)state;
    static const char *const zones[] = {"Mars/Olympus", "europe/berlin", "+02:00", "../etc/passwd",
        "/usr/share/zoneinfo/Europe/Berlin", "Europe", "tzdata.zi", ""};
    const struct vf_date date = {2025, 1, 31};
    for (size_t i = 0; i < VF_COUNT(zones); i++) {
        int64_t us = 42;
        struct vf_err err = {0};
        int rc = vf_day_start(date, zones[i], &us, &err);
        vf_check(rc == VF_ERR_USAGE && us == 42, "'%s'", zones[i]);
        vf_check(strstr(err.msg, "no zone"), "'%s': %s", zones[i], err.msg);
    }
}

static void test_resolve(void **state)
{
    (void)state;
    struct vf_day_args args = {.has_as_of = true, .as_of = {2025, 1, 31}};
    struct vf_err err = {0};
    int64_t from = 1, until = 1;
    assert_int_equal(vf_day_args_resolve(&args, &from, &until, &err), 0);
    assert_true(from == INT64_MIN && until == utc(2025, 2, 1));

    args = (struct vf_day_args){.has_range = true, .range = {{2024, 2, 29}, {2024, 12, 31}}};
    assert_int_equal(vf_day_args_resolve(&args, &from, &until, &err), 0);
    assert_true(from == utc(2024, 2, 29) && until == utc(2025, 1, 1));

    args = (struct vf_day_args){.has_range = true, .range = {{2025, 1, 2}, {2025, 1, 1}}};
    assert_int_equal(vf_day_args_resolve(&args, &from, &until, &err), VF_ERR_USAGE);
    assert_non_null(strstr(err.msg, "ends before it starts"));

    args = (struct vf_day_args){.has_as_of = true, .has_range = true};
    assert_int_equal(vf_day_args_resolve(&args, &from, &until, &err), VF_ERR_USAGE);
    assert_non_null(strstr(err.msg, "exclude each other"));

    static char mars[] = "Mars/Olympus";
    args = (struct vf_day_args){.timezone = mars};
    assert_int_equal(vf_day_args_resolve(&args, &from, &until, &err), VF_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_day_start),
        cmocka_unit_test(test_unknown_zone),
        cmocka_unit_test(test_resolve),
    };
    return cmocka_run_group_tests_name("day_range", tests, NULL, NULL);
}
