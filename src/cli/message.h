/* What vecfill says on standard error: errors, warnings and notes, each with the program's name;
 * or, with --log-format json, one JSON object a line with `time` (ISO 8601, UTC), `level` (error,
 * warning, info, debug), `event` (vecfill(1) lists them), `message`, `hint` and what the event
 * adds.
 *
 * A message is one line of what failed and why, and at most one line of what to do next. Colour
 * only where standard error is a terminal and neither NO_COLOR nor TERM=dumb nor --no-color says
 * otherwise. Control characters never reach the terminal.
 */
#ifndef VF_CLI_MESSAGE_H
#define VF_CLI_MESSAGE_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct vf_console {
    const char *program;
    bool is_terminal; /* standard error is one that can move its cursor */
    bool color;
    bool quiet, verbose;
    bool json;      /* --log-format json */
    bool bar_drawn; /* a progress bar stands on the current line */
    json_t *result; /* owned: what a command adds to the event "finished"; NULL: nothing */
};

/* Info is not said with --quiet, debug only with --verbose. */
enum vf_log_level { VF_LOG_ERROR, VF_LOG_WARNING, VF_LOG_INFO, VF_LOG_DEBUG };

void vf_console_init(struct vf_console *console, const char *program);

/* An event. Takes over `fields` (an object; NULL: none, or memory was out), which text leaves out.
 * `fmt` is the message; with NULL there is none, and text says nothing. */
void vf_console_log(struct vf_console *console, enum vf_log_level level, const char *event,
    json_t *fields, const char *fmt, ...) VF_PRINTF(5, 6);

/* The event "finished" with the exit status; ends the console. */
void vf_console_finish(struct vf_console *console, int status);

/* "PROGRAM: error: MESSAGE" and "PROGRAM: hint: HINT". */
void vf_console_error(struct vf_console *console, const struct vf_err *err);

void vf_console_warn(struct vf_console *console, const char *fmt, ...) VF_PRINTF(2, 3);

/* Not with --quiet. */
void vf_console_note(struct vf_console *console, const char *fmt, ...) VF_PRINTF(2, 3);

/* Only with --verbose. */
void vf_console_detail(struct vf_console *console, const char *fmt, ...) VF_PRINTF(2, 3);

/* What makes a noun plural: "" for one, else "s". */
const char *vf_plural(uint64_t n);

/* The exit status for `rc`: 0, a vf_code, or an exit status over 0, which stays. */
int vf_exit_status(int rc);

#endif
