#include "cli/table_text.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

/* Steps over one character; *ret_columns is 0 for one that combines with the last. */
static size_t step(const uint8_t *p, const uint8_t *end, size_t *ret_columns)
{
    uint32_t c;
    size_t n = vf_utf8_decode(p, end, &c);
    int width = c < 0x20 || c == 0x7F ? 1 : utf8proc_charwidth((utf8proc_int32_t)c);
    *ret_columns = width > 0 ? (size_t)width : 0;
    return n;
}

size_t vf_text_columns(const char *text)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + strlen(text);
    size_t columns = 0, width;
    while (p < end) {
        p += step(p, end, &width);
        columns += width;
    }
    return columns;
}

void vf_print_cut(FILE *out, const char *text, size_t columns)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + strlen(text);
    bool is_cut = vf_text_columns(text) > columns;
    size_t room = is_cut ? columns - (columns > 0) : columns, used = 0, width;
    while (p < end) {
        size_t n = step(p, end, &width);
        if (used + width > room)
            break;
        if (*p < 0x20 || *p == 0x7F)
            fputc(' ', out);
        else
            fwrite(p, 1, n, out);
        used += width;
        p += n;
    }
    if (is_cut && columns > 0)
        fputs("\xE2\x80\xA6", out);
}

size_t vf_output_columns(void)
{
    struct winsize window;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) || window.ws_col == 0)
        return SIZE_MAX;
    return window.ws_col;
}
