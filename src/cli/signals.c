#include "cli/signals.h"

#include <unistd.h>

volatile sig_atomic_t vf_stop_requested;
static volatile sig_atomic_t first_signal;

static void on_signal(int number)
{
    if (vf_stop_requested)
        _exit(128 + number);
    first_signal = number;
    vf_stop_requested = 1;
}

void vf_signals_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int vf_signals_check(struct vf_err *err)
{
    return vf_stop_requested ? vf_fail(err, VF_ERR_INTERRUPTED, "stopped by a signal") : 0;
}

int vf_signals_status(void)
{
    return vf_stop_requested ? 128 + (int)first_signal : 0;
}
