#include "harness.h"

#include "cli/iso8601.h"

#define SECOND VF_US_PER_SECOND

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        int64_t days;
    } rows[] = {
        {"1970-01-01", true, 0},
        {"1969-12-31", true, -1},
        {"2000-02-29", true, 11016},
        {"2025-01-31", true, 20119},
        {"1900-03-01", true, -25508},
        {"0001-01-01", true, -719162},
        {"9999-12-31", true, 2932896},
        {"2025-02-30", false, 0},
        {"1900-02-29", false, 0},
        {"2025-02-29", false, 0},
        {"2025-04-31", false, 0},
        {"2025-00-10", false, 0},
        {"2025-13-01", false, 0},
        {"2025-01-00", false, 0},
        {"0000-01-01", false, 0},
        {"2025-1-31", false, 0},
        {"25-01-31", false, 0},
        {"2025-01-31 ", false, 0},
        {" 2025-01-31", false, 0},
        {"2025/01/31", false, 0},
        {"20250131", false, 0},
        {"today", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        struct vf_date date;
        bool valid = vf_date_parse(rows[i].text, &date);
        vf_check(valid == rows[i].valid, "'%s'", rows[i].text);
        if (valid)
            vf_check(vf_date_to_days(date) == rows[i].days, "'%s'", rows[i].text);
    }
}

static void test_instants(void **state)
{
    (void)state;
    const int64_t base = INT64_C(1738311300) * SECOND; /* 2025-01-31T08:15:00Z */
    const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        {"2025-01-31T08:15:00Z", base},
        {"2025-01-31T08:15:00z", base},
        {"2025-01-31t08:15:00", base},
        {"2025-01-31 08:15:00", base},
        {"2025-01-31 08:15", base},
        {"2025-01-31T09:15:00+01:00", base},
        {"2025-01-31T09:15:00+01", base},
        {"2025-01-31T09:15:00+0100", base},
        {"2025-01-31 02:45:00-05:30", base},
        {"2025-01-30T22:15:00-10:00", base},
        {"2025-01-31T08:15:00.5Z", base + SECOND / 2},
        {"2025-01-31T08:15:00.123456+00:00", base + 123456},
        {"2025-01-31T08:15:00,123456789Z", base + 123456},
        {"2025-01-31", base - (8 * 3600 + 15 * 60) * SECOND},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800) * SECOND},
        {"1969-12-31T23:59:59.999999Z", -1},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        int64_t us = 0;
        vf_check(vf_instant_parse(rows[i].text, &us), "'%s'", rows[i].text);
        vf_check(us == rows[i].us, "'%s': %lld", rows[i].text, (long long)us);
    }
}

static void test_no_instants(void **state)
{
    (void)state;
    static const char *const rows[] = {"", "now", "2025-02-30T00:00:00Z", "2025-01-31T24:00:00Z",
        "2025-01-31T08:60:00Z", "2025-01-31T08:15:61Z", "2025-01-31T08", "2025-01-31T8:15:00Z",
        "2025-01-31T08:15:00.Z", "2025-01-31T08:15:00 Z", "2025-01-31T08:15:00Zx",
        "2025-01-31T08:15:00+1", "2025-01-31T08:15:00+01:", "2025-01-31T08:15:00+01:60",
        "2025-01-31T08:15:00+24:00", "2025-01-31Z", "1738311300", "2025-01-31T08:15:00Europe"};
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        int64_t us = 42;
        vf_check(!vf_instant_parse(rows[i], &us), "'%s'", rows[i]);
        vf_check(us == 42, "'%s'", rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_instants),
        cmocka_unit_test(test_no_instants),
    };
    return cmocka_run_group_tests_name("iso8601", tests, NULL, NULL);
}
