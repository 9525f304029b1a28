/* Who is told how far a download is, and may stop it. */
#ifndef VF_HUB_HUB_WATCH_H
#define VF_HUB_HUB_WATCH_H

#include "base/error.h"

#include <time.h>
#include <vecfill/fetch.h>

struct vf_hub_watch {
    vf_fetch_callback *callback; /* NULL: nobody */
    void *context;
    struct vf_fetch_progress at;
};

/* Not 0 when the download is to stop. `watch` is a struct vf_hub_watch. */
static inline int vf_hub_watch_call(void *watch)
{
    const struct vf_hub_watch *w = watch;
    return w->callback ? w->callback(w->context, &w->at) : 0;
}

/* Waits, and goes on calling; VF_ERR_INTERRUPTED when it is to stop. */
VF_MUST_CHECK static inline int vf_hub_watch_pause(
    struct vf_hub_watch *watch, unsigned ms, struct vf_err *err)
{
    enum { SLICE_MS = 100 };
    for (unsigned waited = 0; waited < ms; waited += SLICE_MS) {
        if (vf_hub_watch_call(watch))
            return vf_fail(err, VF_ERR_INTERRUPTED, "stopped while waiting to try again");
        nanosleep(&(struct timespec){.tv_nsec = SLICE_MS * 1000000L}, NULL);
    }
    return 0;
}

#endif
