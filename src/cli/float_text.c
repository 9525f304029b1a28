#include "cli/float_text.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Nine significant digits tell any two neighbouring floats apart. The fast path is for 1e-5 <=
 * |x| < 10, where the digits come out of one multiplication in double: its error of 2^-53 moves
 * the ninth digit by one at most, which is a third of half the distance between neighbours. */
#define FAST_MIN 1e-5
#define FAST_MAX 9.9999999
#define FIRST_DIGIT 100000000u
enum { N_DIGITS = 9, MAX_ZEROS = 5 };

/* The digits of `value`, which has exactly 9, without trailing zeros; returns how many. */
static size_t write_digits(uint32_t value, char *digits)
{
    for (size_t i = N_DIGITS; i-- > 0; value /= 10)
        digits[i] = (char)('0' + value % 10);
    size_t n = N_DIGITS;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

static size_t write_fast(double x, char *out)
{
    static const double scales[MAX_ZEROS + 1] = {1e8, 1e9, 1e10, 1e11, 1e12, 1e13};
    char digits[N_DIGITS], *p = out;
    size_t zeros = 0;
    while (x * scales[zeros] < FIRST_DIGIT - 0.5)
        zeros++;
    size_t n = write_digits((uint32_t)(x * scales[zeros] + 0.5), digits);
    if (zeros > 0) {
        memcpy(p, "0.00000", zeros + 1);
        p += zeros + 1;
        memcpy(p, digits, n);
        return (size_t)(p + n - out);
    }
    *p++ = digits[0];
    *p++ = '.';
    if (n == 1)
        *p++ = '0';
    memcpy(p, digits + 1, n - 1);
    return (size_t)(p + n - 1 - out);
}

size_t vf_float_text(float x, char *out)
{
    double magnitude = fabs((double)x);
    if (magnitude >= FAST_MIN && magnitude < FAST_MAX) {
        size_t sign = x < 0;
        out[0] = '-';
        return sign + write_fast(magnitude, out + sign);
    }
    if (magnitude == 0) {
        const char *zero = signbit(x) ? "-0.0" : "0.0";
        memcpy(out, zero, strlen(zero));
        return strlen(zero);
    }
    char text[32];
    int n = snprintf(text, sizeof text, "%.9g", (double)x);
    memcpy(out, text, (size_t)n);
    return (size_t)n;
}
