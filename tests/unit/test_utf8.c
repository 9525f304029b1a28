#include "base/utf8.h"

#include "harness.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LAST_SCALAR = 0x10FFFF, R = VF_REPLACEMENT_CHARACTER };

static bool is_scalar(uint32_t c)
{
    return c <= LAST_SCALAR && (c < 0xD800 || c > 0xDFFF);
}

/* Rows 3-8 to 3-11 are the tables of Unicode 15, section 3.9, under "U+FFFD Substitution of
 * Maximal Subparts". */
static void invalid_bytes_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        uint32_t scalars[10]; /* ends with 0 */
        size_t valid_prefix;
    } cases[] = {
        {"ASCII", "Az", {'A', 'z'}, 2},
        {"shortest and longest of each length",
            "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF",
            {0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF}, 19},
        {"a real U+FFFD is valid", "\xEF\xBF\xBD", {R}, 3},
        {"around the surrogates", "\xED\x9F\xBF\xEE\x80\x80", {0xD7FF, 0xE000}, 6},
        {"3-8: non-shortest forms", "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41",
            {R, R, R, R, R, R, R, R, 'A'}, 0},
        {"3-9: surrogates", "\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", {R, R, R, R, R, R, R, R, 'A'},
            0},
        {"3-10: other ill-formed sequences", "\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42",
            {R, R, R, R, R, 'A', R, R, 'B'}, 0},
        {"3-11: truncated sequences", "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", {R, R, R, R, 'A'}, 0},
        {"cut after one byte", "a\xE6", {'a', R}, 1},
        {"cut after two bytes", "a\xE6\x9D", {'a', R}, 1},
        {"cut after three bytes", "a\xF0\x9F\x99", {'a', R}, 1},
        {"lone continuation", "\x80", {R}, 0},
        {"never in UTF-8", "\xF5\xFE\xFF", {R, R, R}, 0},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        const uint8_t *begin = (const uint8_t *)cases[i].bytes, *p = begin;
        size_t n_bytes = strlen(cases[i].bytes), n = 0;
        for (; p < begin + n_bytes && n < VF_COUNT(cases[i].scalars); n++) {
            uint32_t c;
            p += vf_utf8_decode(p, begin + n_bytes, &c);
            vf_check(c == cases[i].scalars[n], "%s: scalar %zu is U+%04X", cases[i].name, n, c);
        }
        vf_check(
            p == begin + n_bytes, "%s: read %td bytes of %zu", cases[i].name, p - begin, n_bytes);
        vf_check(n == VF_COUNT(cases[i].scalars) || cases[i].scalars[n] == 0, "%s: %zu scalars",
            cases[i].name, n);
        size_t valid = vf_utf8_valid_prefix(begin, n_bytes);
        vf_check(valid == cases[i].valid_prefix, "%s: valid prefix of %zu", cases[i].name, valid);
    }
}

static void every_scalar_value_round_trips(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= LAST_SCALAR; c++) {
        if (!is_scalar(c))
            continue;
        uint8_t bytes[5] = {0, 0, 0, 0, 0xA5};
        uint32_t decoded = ~c;
        size_t n = vf_utf8_encode(c, bytes);
        size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        vf_check(n == length && bytes[4] == 0xA5, "U+%04X: encoded in %zu bytes", c, n);
        vf_check(vf_utf8_decode(bytes, bytes + n, &decoded) == n && decoded == c,
            "U+%04X: decoded as U+%04X", c, decoded);
        vf_check(vf_utf8_valid_prefix(bytes, n) == n, "U+%04X: not valid", c);
    }
}

/* Whether `n` bytes begin the encoding of some scalar value: the values that they leave open form
 * a range, which must meet what their length may encode. */
static bool begins_a_scalar(const uint8_t *p, size_t n, size_t *ret_length)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t first, last;
    } forms[] = {{0x80, 0x00, 0, 0x7F}, {0xE0, 0xC0, 0x80, 0x7FF}, {0xF0, 0xE0, 0x800, 0xFFFF},
        {0xF8, 0xF0, 0x10000, LAST_SCALAR}};
    for (size_t f = 0; f < VF_COUNT(forms); f++) {
        if ((p[0] & forms[f].mask) != forms[f].lead || n > f + 1)
            continue;
        uint32_t low = p[0] & (uint8_t)~forms[f].mask, high = low;
        for (size_t i = 1; i <= f; i++) {
            if (i < n && (p[i] & 0xC0) != 0x80)
                return false;
            low = low << 6 | (i < n ? p[i] & 0x3Fu : 0);
            high = high << 6 | (i < n ? p[i] & 0x3Fu : 0x3Fu);
        }
        low = low < forms[f].first ? forms[f].first : low;
        high = high > forms[f].last ? forms[f].last : high;
        *ret_length = f + 1;
        return low <= high && (is_scalar(low) || is_scalar(high));
    }
    return false;
}

static void maximal_subparts_by_definition(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
        0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    enum { N = VF_COUNT(bytes) };
    for (size_t i = 0; i < N * N * N * N; i++) {
        const uint8_t p[4] = {
            bytes[i % N], bytes[i / N % N], bytes[i / N / N % N], bytes[i / N / N / N]};
        size_t length = 0, n = 0;
        while (n < 4 && begins_a_scalar(p, n + 1, &length))
            n++;
        bool valid = n > 0 && n == length;
        uint32_t c;
        size_t used = vf_utf8_decode(p, p + 4, &c);
        vf_check(used == (n > 0 ? n : 1) && (valid || c == R), "%02X %02X %02X %02X: %zu, U+%04X",
            p[0], p[1], p[2], p[3], used, c);
        vf_check((vf_utf8_valid_prefix(p, 4) >= used) == valid, "%02X %02X %02X %02X: validity",
            p[0], p[1], p[2], p[3]);
    }
}

static void nothing_is_read_past_the_end(void **state)
{
    (void)state;
    /* The rest of the character lies behind the end and must not be used. */
    static const uint8_t bytes[] = "\xF0\x9F\x99\x82";
    for (size_t n = 1; n <= 4; n++) {
        uint32_t c;
        size_t used = vf_utf8_decode(bytes, bytes + n, &c);
        vf_check(used == n, "%zu bytes: %zu used", n, used);
        vf_check(c == (n == 4 ? 0x1F642 : R), "%zu bytes: U+%04X", n, c);
    }
    assert_int_equal(vf_utf8_valid_prefix(bytes, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invalid_bytes_are_replaced),
        cmocka_unit_test(every_scalar_value_round_trips),
        cmocka_unit_test(maximal_subparts_by_definition),
        cmocka_unit_test(nothing_is_read_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
