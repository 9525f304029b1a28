#include "harness.h"

#include "cli/progress.h"
#include "cli/table_text.h"

#include <stdlib.h>
#include <string.h>

static void test_lines(void **state)
{
    (void)state;
    static const struct {
        uint64_t done, total, tokens;
        double seconds;
        size_t bar;
        const char *line;
    } rows[] = {
        {0, 600, 0, 0, 0, "  0%  0/600 articles  0 tokens/s  ? left"},
        {300, 600, 49000, 5, 0, " 50%  300/600 articles  9.8k tokens/s  0:05 left"},
        {300, 600, 49000, 5, 10, "[#####     ]  50%  300/600 articles  9.8k tokens/s  0:05 left"},
        {600, 600, 98000, 10, 10, "[##########] 100%  600/600 articles  9.8k tokens/s  0:00 left"},
        {0, 0, 0, 1, 10, "[##########] 100%  0/0 articles  0 tokens/s  ? left"},
        {700, 600, 1, 1, 10, "[##########] 100%  700/600 articles  1 tokens/s  0:00 left"},
        {1, 10000, 1000, 2, 0, "  0%  1/10000 articles  500 tokens/s  5:33:18 left"},
    };
    struct vf_meter meter = {.unit = "articles"};
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        char line[128];
        meter.step_done = rows[i].done;
        meter.step_seconds = rows[i].seconds;
        vf_meter_format(&meter, rows[i].done, rows[i].total, rows[i].tokens, rows[i].seconds,
            rows[i].bar, line, sizeof line);
        vf_check(strcmp(line, rows[i].line) == 0, "row %zu: %s", i, line);
    }
}

static void test_counts_down(void **state)
{
    (void)state;
    const struct vf_meter meter = {.unit = "articles", .step_done = 100, .step_seconds = 10};
    char line[128];
    vf_meter_format(&meter, 100, 200, 0, 14, 0, line, sizeof line);
    assert_non_null(strstr(line, "0:06 left"));
    vf_meter_format(&meter, 100, 200, 0, 40, 0, line, sizeof line);
    assert_non_null(strstr(line, "0:00 left"));
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double rate;
        const char *text;
    } rates[] = {{0, "0"}, {-1, "0"}, {9.4, "9"}, {999, "999"}, {999.6, "1.0k"}, {9842, "9.8k"},
        {99960, "100k"}, {123456, "123k"}, {1234567, "1.2M"}};
    static const struct {
        double seconds;
        const char *text;
    } durations[] = {{0, "0:00"}, {7.4, "0:07"}, {754, "12:34"}, {12345, "3:25:45"},
        {1e300, "0:00"}, {-5, "0:00"}};
    char text[32];
    for (size_t i = 0; i < VF_COUNT(rates); i++) {
        vf_format_rate(rates[i].rate, text, sizeof text);
        vf_check(strcmp(text, rates[i].text) == 0, "%s: %s", rates[i].text, text);
    }
    for (size_t i = 0; i < VF_COUNT(durations); i++) {
        vf_format_duration(durations[i].seconds, text, sizeof text);
        vf_check(strcmp(text, durations[i].text) == 0, "%s: %s", durations[i].text, text);
    }
}

static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
        const char *printed;
    } rows[] = {
        {"headline", 8, "headline"},
        {"headline", 7, "headli\xE2\x80\xA6"},
        {"headline", 1, "\xE2\x80\xA6"},
        {"headline", 0, ""},
        {"a\nb\tc\x7F", 9, "a b c "},
        {"\xE4\xB8\xAD\xE5\x9B\xBD", 4, "\xE4\xB8\xAD\xE5\x9B\xBD"},
        {"\xE4\xB8\xAD\xE5\x9B\xBD", 3, "\xE4\xB8\xAD\xE2\x80\xA6"},
        {"e\xCC\x81x", 2, "e\xCC\x81x"},
    };
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        char *printed = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&printed, &n);
        assert_non_null(out);
        vf_print_cut(out, rows[i].text, rows[i].columns);
        fclose(out);
        vf_check(strcmp(printed, rows[i].printed) == 0, "row %zu: %s", i, printed);
        free(printed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_counts_down),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
