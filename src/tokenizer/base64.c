#include "tokenizer/base64.h"

#include <stdint.h>
#include <string.h>

static int value_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* The four characters at `text` as up to three bytes; 0 when they are none. */
static size_t decode_group(const char *text, bool is_last, uint8_t ret[3])
{
    size_t n_digits = text[3] != '=' ? 4 : text[2] != '=' ? 3 : 2;
    uint32_t bits = 0;
    if (n_digits < 4 && !is_last)
        return 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < n_digits ? value_of(text[i]) : 0;
        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
    }
    for (size_t i = 0; i < 3; i++)
        ret[i] = (uint8_t)(bits >> (16 - 8 * i));
    return n_digits - 1;
}

int vf_base64_decode(const char *text, struct vf_buf *ret, bool *ret_valid, struct vf_err *err)
{
    size_t n = strlen(text);
    int rc = vf_buf_reserve(ret, n / 4 * 3, err);
    *ret_valid = n % 4 == 0;
    for (size_t i = 0; rc == 0 && *ret_valid && i < n; i += 4) {
        uint8_t bytes[3];
        size_t n_bytes = decode_group(text + i, i + 4 == n, bytes);
        *ret_valid = n_bytes > 0;
        rc = vf_buf_append(ret, bytes, n_bytes, err);
    }
    return rc;
}
