/* Filling the error type of <vecfill/error.h>.
 *
 * Thread rule: an error belongs to one thread at a time, like any other struct.
 */
#ifndef VF_BASE_ERROR_H
#define VF_BASE_ERROR_H

#include <stdarg.h>
#include <vecfill/error.h>

#define VF_MUST_CHECK __attribute__((warn_unused_result))
#define VF_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* Runs `x`; on failure keeps its code in the local `rc` and jumps to the one exit label `out`. */
#define VF_TRY(x)                                                                                  \
    do {                                                                                           \
        rc = (x);                                                                                  \
        if (rc)                                                                                    \
            goto out;                                                                              \
    } while (0)

/* Sets code and message, clears the hint, and returns `code`, so that a failing function can end
 * with `return vf_fail(err, …)`. Control characters of the text become spaces and invalid UTF-8
 * becomes '?', for messages may quote untrusted input. `err` may be NULL. */
int vf_fail(struct vf_err *err, enum vf_code code, const char *fmt, ...) VF_PRINTF(3, 4);

/* Sets what to do next. `err` may be NULL. */
void vf_hint(struct vf_err *err, const char *fmt, ...) VF_PRINTF(2, 3);

/* Puts "prefix: " before the message: for a boundary (a stage, a command) that knows the file or
 * the row. `err` may be NULL. */
void vf_err_prefix(struct vf_err *err, const char *fmt, ...) VF_PRINTF(2, 3);

/* VF_ERR_NO_MEMORY with a message that names `what` the memory was for. */
int vf_fail_memory(struct vf_err *err, const char *what);

#endif
