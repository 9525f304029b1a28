#include "base/utf8.h"

#include <stdbool.h>

/* The range of the second byte that keeps a sequence valid: no overlong forms, no surrogates,
 * nothing over U+10FFFF (Unicode 15, table 3-7). */
static void second_byte_range(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *ret_high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
}

/* Decodes at p; *ret_valid tells a real U+FFFD from a replacement. */
static size_t decode(const uint8_t *p, const uint8_t *end, uint32_t *ret, bool *ret_valid)
{
    uint8_t lead = p[0];
    *ret_valid = true;
    if (lead < 0x80) {
        *ret = lead;
        return 1;
    }
    size_t need = lead >= 0xC2 && lead <= 0xDF   ? 1
                  : lead >= 0xE0 && lead <= 0xEF ? 2
                  : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                 : 0;
    uint32_t c = need == 1 ? lead & 0x1Fu : need == 2 ? lead & 0x0Fu : lead & 0x07u;
    uint8_t low, high;
    second_byte_range(lead, &low, &high);
    size_t n = 1;
    for (; n <= need && p + n < end && p[n] >= low && p[n] <= high; n++) {
        c = c << 6 | (p[n] & 0x3Fu);
        low = 0x80;
        high = 0xBF;
    }
    if (need == 0 || n <= need) {
        *ret = VF_REPLACEMENT_CHARACTER;
        *ret_valid = false;
        return n;
    }
    *ret = c;
    return n;
}

size_t vf_utf8_decode(const uint8_t *p, const uint8_t *end, uint32_t *ret)
{
    bool valid;
    return decode(p, end, ret, &valid);
}

size_t vf_utf8_encode(uint32_t c, uint8_t *out)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

size_t vf_utf8_valid_prefix(const uint8_t *p, size_t n)
{
    const uint8_t *begin = p, *end = p + n;
    while (p < end) {
        uint32_t c;
        bool valid;
        size_t used = decode(p, end, &c, &valid);
        if (!valid)
            break;
        p += used;
    }
    return (size_t)(p - begin);
}
