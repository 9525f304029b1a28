#include "encoder/parallel.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct share {
    pthread_t thread;
    void (*work)(void *arg, unsigned index);
    void *arg;
    unsigned index;
};

int vf_thread_start(pthread_t *ret, void *(*body)(void *arg), void *arg, struct vf_err *err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = pthread_create(ret, NULL, body, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code)
        return vf_fail(err, VF_ERR_NO_MEMORY, "cannot start a thread: %s", strerror(code));
    return 0;
}

static void *run_share(void *arg)
{
    struct share *share = arg;
    share->work(share->arg, share->index);
    return NULL;
}

int vf_parallel(
    unsigned threads, void (*work)(void *arg, unsigned index), void *arg, struct vf_err *err)
{
    int rc = 0;
    unsigned started = 1;
    struct share *shares = calloc(threads, sizeof(*shares));
    if (!shares)
        return vf_fail_memory(err, "threads");
    for (; started < threads; started++) {
        struct share *share = &shares[started];
        *share = (struct share){.work = work, .arg = arg, .index = started};
        VF_TRY(vf_thread_start(&share->thread, run_share, share, err));
    }
    work(arg, 0);
out:
    for (unsigned i = 1; i < started; i++)
        pthread_join(shares[i].thread, NULL);
    free(shares);
    return rc;
}
