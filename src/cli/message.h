/* What vecfill says on standard error: errors, warnings and notes, each with the program's name.
 *
 * A message is one line of what failed and why, and at most one line of what to do next. Colour
 * only where standard error is a terminal and neither NO_COLOR nor TERM=dumb nor --no-color says
 * otherwise. Control characters never reach the terminal.
 */
#ifndef VF_CLI_MESSAGE_H
#define VF_CLI_MESSAGE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct vf_console {
    const char *program;
    bool is_terminal; /* standard error is one that can move its cursor */
    bool color;
    bool quiet, verbose;
    bool bar_drawn; /* a progress bar stands on the current line */
};

void vf_console_init(struct vf_console *console, const char *program);

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
