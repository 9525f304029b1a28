#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* Length of the valid UTF-8 sequence at `s` (NUL-terminated), or 0. */
static size_t utf8_sequence(const unsigned char *s)
{
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
               : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
               : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

/* Makes `s` fit to print on a terminal: one line, valid UTF-8, no control characters. */
static void make_printable(char *s)
{
    unsigned char *p = (unsigned char *)s;
    while (*p) {
        size_t n = utf8_sequence(p);
        if (n == 0) {
            *p++ = '?';
        } else if (n == 1) {
            if (*p < 0x20 || *p == 0x7F)
                *p = ' ';
            p++;
        } else {
            p += n;
        }
    }
    while (p > (unsigned char *)s && p[-1] == ' ')
        *--p = '\0';
}

int vf_fail(struct vf_err *err, enum vf_code code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        err->code = code;
        err->hint[0] = '\0';
        vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
        make_printable(err->msg);
    }
    return code;
}

void vf_hint(struct vf_err *err, const char *fmt, ...)
{
    if (!err)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    make_printable(err->hint);
}

void vf_err_prefix(struct vf_err *err, const char *fmt, ...)
{
    if (!err)
        return;
    char prefix[256];
    char whole[sizeof err->msg + sizeof prefix + 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    snprintf(whole, sizeof whole, "%s: %s", prefix, err->msg);
    memcpy(err->msg, whole, sizeof err->msg - 1);
    err->msg[sizeof err->msg - 1] = '\0';
    make_printable(err->msg);
}

int vf_fail_memory(struct vf_err *err, const char *what)
{
    vf_fail(err, VF_ERR_NO_MEMORY, "out of memory for %s", what);
    vf_hint(err, "free memory, or use fewer threads or a smaller batch size");
    return VF_ERR_NO_MEMORY;
}
