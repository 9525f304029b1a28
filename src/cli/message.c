#include "cli/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"
#define RESET "\033[0m"

void vf_console_init(struct vf_console *console, const char *program)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool is_dumb = !term || strcmp(term, "dumb") == 0;
    *console = (struct vf_console){.program = program};
    console->is_terminal = !is_dumb && isatty(STDERR_FILENO) == 1;
    console->color = console->is_terminal && !(no_color && no_color[0]);
}

static void print(struct vf_console *console, const char *color, const char *kind, const char *text)
{
    if (console->bar_drawn)
        fputs("\r\033[K", stderr);
    console->bar_drawn = false;
    bool colored = console->color && color;
    fprintf(stderr, "%s: %s%s%s%s%s\n", console->program, colored ? color : "", kind,
        kind[0] ? ": " : "", colored ? RESET : "", text);
}

void vf_console_error(struct vf_console *console, const struct vf_err *err)
{
    print(console, RED, "error", err->msg);
    if (err->hint[0])
        print(console, CYAN, "hint", err->hint);
}

/* A formatted message made fit to print, as vf_fail() does it. */
static void format(struct vf_err *line, const char *fmt, va_list ap)
{
    char text[sizeof line->msg];
    vsnprintf(text, sizeof text, fmt, ap);
    vf_fail(line, VF_OK, "%s", text);
}

void vf_console_warn(struct vf_console *console, const char *fmt, ...)
{
    struct vf_err line;
    va_list ap;
    va_start(ap, fmt);
    format(&line, fmt, ap);
    va_end(ap);
    print(console, YELLOW, "warning", line.msg);
}

void vf_console_note(struct vf_console *console, const char *fmt, ...)
{
    struct vf_err line;
    va_list ap;
    va_start(ap, fmt);
    format(&line, fmt, ap);
    va_end(ap);
    if (!console->quiet)
        print(console, NULL, "", line.msg);
}

void vf_console_detail(struct vf_console *console, const char *fmt, ...)
{
    struct vf_err line;
    va_list ap;
    va_start(ap, fmt);
    format(&line, fmt, ap);
    va_end(ap);
    if (console->verbose)
        print(console, NULL, "", line.msg);
}

const char *vf_plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

int vf_exit_status(int rc)
{
    switch (rc) {
    case VF_ERR_USAGE:
        return 2;
    case VF_ERR_DATA:
        return 65;
    case VF_ERR_NOT_FOUND:
        return 66;
    case VF_ERR_UNAVAILABLE:
    case VF_ERR_LOGIN:
        return 69;
    case VF_ERR_CONFIG:
        return 78;
    case VF_ERR_PERMISSION:
        return 77;
    case VF_ERR_IO:
        return 74;
    case VF_ERR_INTERRUPTED:
        return 130;
    case VF_ERR_NO_MEMORY:
    case VF_ERR_INTERNAL:
        return 70;
    default:
        return rc >= 0 ? rc : 70;
    }
}
