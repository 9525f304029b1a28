#include "harness.h"

#include "cli/float_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* A number as JSON (RFC 8259) has it. */
static bool is_json_number(const char *s)
{
    s += *s == '-';
    size_t whole = strspn(s, "0123456789");
    if (whole == 0 || (whole > 1 && *s == '0'))
        return false;
    s += whole;
    if (*s == '.') {
        size_t digits = strspn(s + 1, "0123456789");
        if (digits == 0)
            return false;
        s += 1 + digits;
    }
    if (*s == 'e') {
        s += 1 + (s[1] == '-' || s[1] == '+');
        if (*s < '0' || *s > '9')
            return false;
        s += strspn(s, "0123456789");
    }
    return *s == '\0';
}

static void check(float x)
{
    char text[VF_FLOAT_TEXT_MAX + 1];
    size_t n = vf_float_text(x, text);
    text[n <= VF_FLOAT_TEXT_MAX ? n : VF_FLOAT_TEXT_MAX] = '\0';
    float back = strtof(text, NULL);
    vf_check(n <= VF_FLOAT_TEXT_MAX, "%a: %zu bytes", (double)x, n);
    vf_check(memcmp(&back, &x, sizeof x) == 0, "%a: %s", (double)x, text);
    vf_check(is_json_number(text), "%a: %s", (double)x, text);
}

static void test_edges(void **state)
{
    (void)state;
    static const float edges[] = {0.0f, 1.0f, 10.0f, 0.1f, 0.5f, 1e-5f, 1e-4f, 0.001f, 0.01f,
        9.9999999f, 0.99999994f, 0.099999994f, 9.9999999e-6f, 1e-38f, 1e-45f, 3.4028235e38f,
        16777216.0f, 123456.789f, 2.98023224e-8f};
    for (size_t i = 0; i < VF_COUNT(edges); i++) {
        check(edges[i]);
        check(-edges[i]);
        check(nextafterf(edges[i], 0.0f));
        check(nextafterf(edges[i], 3e38f));
    }
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        float x;
        const char *text;
    } rows[] = {{0.0f, "0.0"}, {1.0f, "1.0"}, {-0.5f, "-0.5"}, {0.25f, "0.25"}, {1.5f, "1.5"},
        {0.1f, "0.100000001"}, {-0.03125f, "-0.03125"}};
    for (size_t i = 0; i < VF_COUNT(rows); i++) {
        char text[VF_FLOAT_TEXT_MAX + 1];
        text[vf_float_text(rows[i].x, text)] = '\0';
        vf_check(strcmp(text, rows[i].text) == 0, "%s: %s", rows[i].text, text);
    }
}

/* A sample of all bit patterns, and all of some around the powers of ten of the fast path. */
static void test_round_trip(void **state)
{
    (void)state;
    uint32_t bits = 1;
    for (size_t i = 0; i < 400000; i++) {
        bits = bits * 1664525u + 1013904223u;
        float x = of_bits(bits ^ bits >> 16);
        if (isfinite(x))
            check(x);
    }
    for (float power = 1e-6f; power < 100.0f; power *= 10.0f) {
        uint32_t middle;
        memcpy(&middle, &power, sizeof middle);
        for (uint32_t i = middle - 5000; i < middle + 5000; i++)
            check(of_bits(i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests_name("float_text", tests, NULL, NULL);
}
