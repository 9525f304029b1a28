/* Threads for one piece of work that is over when the call returns. */
#ifndef VF_ENCODER_PARALLEL_H
#define VF_ENCODER_PARALLEL_H

#include "base/error.h"

#include <pthread.h>

/* Starts a thread without a signal that it could receive: signals are for the program's own. */
VF_MUST_CHECK int vf_thread_start(
    pthread_t *ret, void *(*body)(void *arg), void *arg, struct vf_err *err);

/* Runs work(arg, i) for i in [0, threads) at the same time, i = 0 in the calling thread, and
 * waits for all. When a thread cannot be had, those that run are waited for. */
VF_MUST_CHECK int vf_parallel(
    unsigned threads, void (*work)(void *arg, unsigned index), void *arg, struct vf_err *err);

#endif
