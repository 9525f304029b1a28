/* Workers that share the work on one text.
 *
 * A worker runs its forward pass as loops over spans of rows that do not depend on each other.
 * Workers that wait for something to do take some of the spans. Who computes one does not change
 * its bits.
 *
 * Thread rule: the functions may be called from any thread; the lock is the one that the workers
 * wait with, so that they can wait for other work as well.
 */
#ifndef VF_ENCODER_TEAM_H
#define VF_ENCODER_TEAM_H

#include "encoder/activations.h"

#include <pthread.h>

/* Computes the rows [row, row + m) of `work` with the memory of the worker that calls it. */
typedef void vf_span_fn(const void *work, struct vf_activations *own, size_t row, size_t m);

struct vf_span_loop;

struct vf_team {
    pthread_mutex_t lock;
    pthread_cond_t work;        /* something to do has come */
    struct vf_span_loop *loops; /* under lock: those with spans left to take */
    unsigned idle;              /* under lock: workers that wait */
};

void vf_team_init(struct vf_team *team);
void vf_team_release(struct vf_team *team);

/* Waits for `work` under the lock, as an idle worker. */
void vf_team_wait(struct vf_team *team);

/* Workers that could share a loop at this moment, the caller included. */
unsigned vf_team_width(struct vf_team *team);

/* Calls span(work, …) for the spans of `rows` rows, each of `length` but for the last, here and on
 * idle workers. Returns when all are done. */
void vf_team_run(struct vf_team *team, struct vf_activations *own, vf_span_fn *span,
    const void *work, size_t rows, size_t length);

/* Computes a span of the first loop, of which there must be one. Under the lock, which is released
 * meanwhile. */
void vf_team_help(struct vf_team *team, struct vf_activations *own);

#endif
