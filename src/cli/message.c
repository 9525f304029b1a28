#include "cli/message.h"

#include "cli/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

/* ---- as text ---- */

static void print(struct vf_console *console, const char *color, const char *kind, const char *text)
{
    if (console->bar_drawn)
        fputs("\r\033[K", stderr);
    console->bar_drawn = false;
    bool colored = console->color && color;
    fprintf(stderr, "%s: %s%s%s%s%s\n", console->program, colored ? color : "", kind,
        kind[0] ? ": " : "", colored ? RESET : "", text);
}

/* ---- as JSON ---- */

/* Now, in UTC, to the millisecond. */
static void format_time(char ret[32])
{
    struct timespec now;
    struct tm parts;
    char seconds[24];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(ret, 32, "%s.%03dZ", seconds, (int)(now.tv_nsec / 1000000));
}

/* One line in one write. `message` and `hint` may be empty; takes over `fields`. */
static void print_json(enum vf_log_level level, const char *event, const char *message,
    const char *hint, json_t *fields)
{
    static const char *const levels[] = {[VF_LOG_ERROR] = "error",
        [VF_LOG_WARNING] = "warning",
        [VF_LOG_INFO] = "info",
        [VF_LOG_DEBUG] = "debug"};
    char time[32];
    format_time(time);
    json_t *line =
        json_pack("{s:s, s:s, s:s}", "time", time, "level", levels[level], "event", event);
    if (message[0])
        json_object_set_new(line, "message", vf_json_string(message));
    if (hint[0])
        json_object_set_new(line, "hint", vf_json_string(hint));
    if (fields)
        json_object_update(line, fields);
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    if (text)
        fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(line);
    json_decref(fields);
}

/* ---- messages ---- */

static bool is_said(const struct vf_console *console, enum vf_log_level level)
{
    return level <= VF_LOG_WARNING || (level == VF_LOG_INFO && !console->quiet) ||
           (level == VF_LOG_DEBUG && console->verbose);
}

/* Takes over `fields`; `fmt` may be NULL. */
static void say(struct vf_console *console, enum vf_log_level level, const char *event,
    json_t *fields, const char *fmt, va_list ap)
{
    struct vf_err line = {0};
    char text[sizeof line.msg] = "";
    if (!is_said(console, level)) {
        json_decref(fields);
        return;
    }
    if (fmt)
        vsnprintf(text, sizeof text, fmt, ap);
    vf_fail(&line, VF_OK, "%s", text); /* makes it fit to print */
    if (console->json) {
        print_json(level, event, line.msg, "", fields);
        return;
    }
    if (fmt)
        print(console, level == VF_LOG_WARNING ? YELLOW : NULL,
            level == VF_LOG_WARNING ? "warning" : "", line.msg);
    json_decref(fields);
}

void vf_console_log(struct vf_console *console, enum vf_log_level level, const char *event,
    json_t *fields, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(console, level, event, fields, fmt, ap);
    va_end(ap);
}

void vf_console_error(struct vf_console *console, const struct vf_err *err)
{
    if (console->json) {
        print_json(VF_LOG_ERROR, "error", err->msg, err->hint, NULL);
        return;
    }
    print(console, RED, "error", err->msg);
    if (err->hint[0])
        print(console, CYAN, "hint", err->hint);
}

void vf_console_finish(struct vf_console *console, int status)
{
    json_t *fields = console->result ? console->result : json_object();
    console->result = NULL;
    if (fields)
        json_object_set_new(fields, "status", json_integer(status));
    vf_console_log(console, VF_LOG_INFO, "finished", fields, NULL);
}

void vf_console_warn(struct vf_console *console, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(console, VF_LOG_WARNING, "message", NULL, fmt, ap);
    va_end(ap);
}

void vf_console_note(struct vf_console *console, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(console, VF_LOG_INFO, "message", NULL, fmt, ap);
    va_end(ap);
}

void vf_console_detail(struct vf_console *console, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(console, VF_LOG_DEBUG, "message", NULL, fmt, ap);
    va_end(ap);
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
