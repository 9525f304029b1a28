/* Trying again while the database is away: a server that restarts, a connection that is cut, a
 * deadlock, a time-out of a statement or a lock.
 *
 *     unsigned tries = 0;
 *     do
 *         rc = vf_store_write(…, err);
 *     while (vf_retry(retry, &tries, &rc, err));
 *
 * The waits double from half a second up to half a minute and vary by a quarter, so that many
 * processes do not come back at once. Belongs to one thread at a time.
 */
#ifndef VF_PIPELINE_RETRY_H
#define VF_PIPELINE_RETRY_H

#include "pipeline/event.h"
#include "store/store.h"

#include <stdatomic.h>

/* Six waits take about half a minute together. */
enum { VF_DEFAULT_RETRIES = 6 };

struct vf_retry {
    struct vf_store *store;      /* NULL: there is none yet */
    unsigned max_tries;          /* of one thing; 0: none */
    const atomic_bool *stopping; /* when set, there is no further try; NULL: never */
    struct vf_event_sink sink;   /* called on the thread that tries */
    uint64_t n;                  /* times that something was tried again */
};

/* Whether to try again, after `rc` came of something that can be repeated. True after a wait, when
 * the store is connected again. Else *rc and *err say what the failure is: the last one. */
VF_MUST_CHECK bool vf_retry(struct vf_retry *retry, unsigned *tries, int *rc, struct vf_err *err);

#endif
