/* How a download is watched; part of <vecfill/vecfill.h>. */
#ifndef VECFILL_FETCH_H
#define VECFILL_FETCH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How far the file in hand is. All strings live as long as the call. */
struct vf_fetch_progress {
    const char *model, *hub; /* what is fetched, and the address it is fetched from */
    const char *file;        /* its path in the repository; NULL while the Hub is asked */
    uint64_t done, total;    /* bytes; total is 0 while it is not known */
};

/* Called about once a second or more often, on the thread that asked for the model, also while
 * nothing arrives. Anything but 0 stops the download, which then fails with VF_ERR_INTERRUPTED and
 * goes on from there the next time. */
typedef int vf_fetch_callback(void *context, const struct vf_fetch_progress *progress);

#ifdef __cplusplus
}
#endif

#endif
