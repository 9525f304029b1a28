/* How often a request is tried again: a few times in a row, with pauses that double, and anew once
 * something has arrived. Refusals and floods (429) are never tried again. */
#ifndef VF_HUB_HUB_RETRY_H
#define VF_HUB_HUB_RETRY_H

#include "hub/hub_watch.h"

#include <stdbool.h>

struct vf_hub_retry {
    unsigned failures; /* in a row; begins at 0 */
};

/* True, after the pause that is due, when another attempt is to follow the failure `rc`. A stop
 * while waiting makes *rc VF_ERR_INTERRUPTED. *err stays as it was otherwise. */
static inline bool vf_hub_retry_next(
    struct vf_hub_retry *retry, struct vf_hub_watch *watch, int *rc, struct vf_err *err)
{
    enum { MAX_RETRIES = 4, FIRST_PAUSE_MS = 500 };
    if (*rc != VF_ERR_UNAVAILABLE || retry->failures >= MAX_RETRIES)
        return false;
    int stopped = vf_hub_watch_pause(watch, FIRST_PAUSE_MS << retry->failures++, err);
    if (stopped)
        *rc = stopped;
    return !stopped;
}

#endif
