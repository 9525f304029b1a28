#include "base/error.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

/* Makes `s` fit to print on a terminal: one line, valid UTF-8, no control characters. */
static void make_printable(char *s)
{
    uint8_t *in = (uint8_t *)s, *out = in;
    const uint8_t *end = in + strlen(s);
    while (in < end) {
        uint32_t c;
        size_t n = vf_utf8_decode(in, end, &c);
        if (vf_utf8_valid_prefix(in, n) < n) {
            *out++ = '?';
        } else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
            *out++ = ' ';
        } else {
            memmove(out, in, n);
            out += n;
        }
        in += n;
    }
    while (out > (uint8_t *)s && out[-1] == ' ')
        out--;
    *out = '\0';
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
