#include "pipeline/retry.h"

#include "base/clock.h"
#include "store/recovery.h"

#include <time.h>

enum { FIRST_WAIT_MS = 500, MAX_DOUBLINGS = 6, STEP_MS = 100 };

static bool is_stopping(const struct vf_retry *retry)
{
    return retry->stopping && atomic_load(retry->stopping);
}

static int64_t wait_before(unsigned tries)
{
    return (int64_t)FIRST_WAIT_MS << (tries < MAX_DOUBLINGS ? tries : MAX_DOUBLINGS);
}

static bool may_recover(const struct vf_retry *retry)
{
    return !retry->store || vf_store_may_recover(retry->store);
}

/* Between three and five quarters of the wait; the clock's last digits are as good as dice. */
static int64_t vary(int64_t wait_ms)
{
    return wait_ms - wait_ms / 4 + vf_now_ns() / 1000 % (wait_ms / 2);
}

/* False when the run is stopped meanwhile. */
static bool wait_ms(const struct vf_retry *retry, int64_t ms)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    int64_t end = vf_now_ns() + ms * 1000000;
    while (vf_now_ns() < end && !is_stopping(retry))
        nanosleep(&step, NULL);
    return !is_stopping(retry);
}

bool vf_retry(struct vf_retry *retry, unsigned *tries, int *rc, struct vf_err *err)
{
    while (*rc == VF_ERR_UNAVAILABLE && may_recover(retry) && *tries < retry->max_tries) {
        int64_t wait = vary(wait_before(*tries));
        vf_event_send(&retry->sink, (struct vf_event){.kind = VF_EVENT_RETRY,
                                        .message = err ? err->msg : "",
                                        .n = *tries + 1,
                                        .wait_ms = wait});
        if (!wait_ms(retry, wait))
            break;
        ++*tries;
        retry->n++;
        *rc = retry->store ? vf_store_recover(retry->store, err) : 0;
        if (*rc == 0) {
            vf_event_send(&retry->sink, (struct vf_event){.kind = VF_EVENT_RECOVERED});
            return true;
        }
    }
    return false;
}
