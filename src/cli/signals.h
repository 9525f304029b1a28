/* SIGINT and SIGTERM: the first asks to finish what is in hand, the second ends the process at
 * once with status 128 + signal. */
#ifndef VF_CLI_SIGNALS_H
#define VF_CLI_SIGNALS_H

#include "base/error.h"

#include <signal.h>

/* Set to 1 by the first signal. */
extern volatile sig_atomic_t vf_stop_requested;

/* From here on the two signals are caught; they end a blocking read with EINTR. */
void vf_signals_catch(void);

/* 0, or VF_ERR_INTERRUPTED once a signal came. */
VF_MUST_CHECK int vf_signals_check(struct vf_err *err);

/* 130 or 143 after a signal, 0 before. */
int vf_signals_status(void);

#endif
