#include "cli/progress.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_PAUSE_NS INT64_C(100000000)
#define LINE_PAUSE_NS INT64_C(5000000000)

enum { MAX_COLUMNS = 256, DEFAULT_COLUMNS = 80, MAX_BAR = 30, MIN_BAR = 10 };

void vf_format_rate(double rate, char *ret, size_t size)
{
    if (!(rate >= 999.5))
        snprintf(ret, size, "%.0f", rate > 0 ? rate : 0.0);
    else if (rate < 999.5e3)
        snprintf(ret, size, rate < 99.95e3 ? "%.1fk" : "%.0fk", rate / 1e3);
    else
        snprintf(ret, size, "%.1fM", rate / 1e6);
}

void vf_format_duration(double seconds, char *ret, size_t size)
{
    uint64_t s = seconds > 0 && seconds < 1e15 ? (uint64_t)(seconds + 0.5) : 0;
    if (s < 3600)
        snprintf(ret, size, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
    else
        snprintf(ret, size, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
}

static double seconds_left(const struct vf_meter *meter, uint64_t total, double seconds)
{
    if (meter->step_done >= total)
        return 0;
    double pace = meter->step_seconds / (double)(meter->step_done - meter->begun_at);
    double left = pace * (double)(total - meter->step_done) - (seconds - meter->step_seconds);
    return left > 0 ? left : 0;
}

void vf_meter_format(const struct vf_meter *meter, uint64_t done, uint64_t total, uint64_t tokens,
    double seconds, size_t bar_columns, char *ret, size_t size)
{
    double share = total > 0 ? (double)done / (double)total : 1.0;
    char bar[MAX_BAR + 4] = "", rate[16], left[32] = "?";
    if (share > 1.0)
        share = 1.0;
    if (bar_columns > MAX_BAR)
        bar_columns = MAX_BAR;
    if (bar_columns > 0) {
        size_t filled = (size_t)(share * (double)bar_columns);
        memset(bar, ' ', bar_columns + 3);
        bar[0] = '[';
        memset(bar + 1, '#', filled);
        bar[bar_columns + 1] = ']';
    }
    vf_format_rate(seconds > 0 ? (double)tokens / seconds : 0.0, rate, sizeof rate);
    if (meter->step_done > meter->begun_at)
        vf_format_duration(seconds_left(meter, total, seconds), left, sizeof left);
    snprintf(ret, size, "%s%3.0f%%  %" PRIu64 "/%" PRIu64 " %s  %s %s  %s left", bar, 100.0 * share,
        done, total, meter->unit, rate, meter->rate_unit ? meter->rate_unit : "tokens/s", left);
}

static size_t terminal_columns(void)
{
    struct winsize window;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) || window.ws_col == 0)
        return DEFAULT_COLUMNS;
    return window.ws_col < MAX_COLUMNS ? window.ws_col : MAX_COLUMNS - 1;
}

static void draw_bar(
    struct vf_meter *meter, uint64_t done, uint64_t total, uint64_t tokens, double seconds)
{
    char text[MAX_COLUMNS];
    size_t columns = terminal_columns();
    vf_meter_format(meter, done, total, tokens, seconds, 0, text, sizeof text);
    size_t used = strlen(text) + 4;
    size_t room = columns > used ? columns - used : 0;
    vf_meter_format(meter, done, total, tokens, seconds, room < MIN_BAR ? 0 : room, text, columns);
    fprintf(stderr, "\r%s\033[K", text);
    meter->console->bar_drawn = true;
}

static void log_progress(
    const struct vf_meter *meter, uint64_t done, uint64_t total, uint64_t tokens, double seconds)
{
    json_t *fields = json_pack("{s:I, s:I, s:s, s:I, s:f}", "done", (json_int_t)done, "total",
        (json_int_t)total, "unit", meter->unit, meter->rate_unit ? "bytes" : "tokens",
        (json_int_t)tokens, "seconds", seconds);
    if (fields && meter->step_done > meter->begun_at)
        json_object_set_new(fields, "seconds_left", json_real(seconds_left(meter, total, seconds)));
    vf_console_log(meter->console, VF_LOG_INFO, "progress", fields, NULL);
}

void vf_meter_show(
    struct vf_meter *meter, uint64_t done, uint64_t total, uint64_t tokens, double seconds)
{
    if (done != meter->step_done) {
        meter->step_done = done;
        meter->step_seconds = seconds;
    }
    bool is_bar = meter->console->is_terminal;
    int64_t now = vf_now_ns();
    int64_t pause = is_bar ? BAR_PAUSE_NS : LINE_PAUSE_NS;
    /* The first plain line waits too: a short run needs none. */
    if (!is_bar && meter->shown_ns == 0)
        meter->shown_ns = now;
    bool fresh = meter->shown_ns != 0 && now - meter->shown_ns < pause;
    bool is_end = done == total && !meter->shown_end && (is_bar || meter->console->json);
    if (meter->console->quiet || (fresh && !is_end))
        return;
    meter->shown_ns = now;
    meter->shown_end = done == total;
    if (is_bar) {
        draw_bar(meter, done, total, tokens, seconds);
    } else if (meter->console->json) {
        log_progress(meter, done, total, tokens, seconds);
    } else {
        char text[MAX_COLUMNS];
        vf_meter_format(meter, done, total, tokens, seconds, 0, text, sizeof text);
        vf_console_note(meter->console, "%s", text);
    }
}

void vf_meter_end(struct vf_meter *meter)
{
    if (meter->console->bar_drawn)
        fputc('\n', stderr);
    meter->console->bar_drawn = false;
}
