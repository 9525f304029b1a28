/* A bounded queue of pointers between two stages of a pipeline.
 *
 * Ownership moves: a successful push gives the item to the queue, a successful pop gives it to the
 * caller; after a failed push the caller still owns it. Any number of threads may push and pop.
 * One mutex, two conditions. Errors do not travel here but in the items.
 *
 *   open     push waits while full, pop waits while empty
 *   closed   push fails; pop drains what is left, then returns VF_QUEUE_END
 *   aborted  push and pop return VF_QUEUE_ABORTED at once; the items stay for vf_queue_free()
 */
#ifndef VF_BASE_QUEUE_H
#define VF_BASE_QUEUE_H

#include "base/error.h"

#include <stddef.h>

struct vf_queue;

enum vf_queue_result { VF_QUEUE_OK, VF_QUEUE_END, VF_QUEUE_ABORTED };

/* A queue of at most `capacity` (at least 1) items. `destroy_item` frees what is left over when
 * the queue is freed; NULL when the items have another owner. */
VF_MUST_CHECK int vf_queue_new(
    size_t capacity, void (*destroy_item)(void *item), struct vf_queue **ret, struct vf_err *err);

/* Destroys the items left and the queue. No thread may be inside push or pop. Accepts NULL. */
void vf_queue_free(struct vf_queue *queue);

/* Blocks while the queue is full. VF_QUEUE_OK: the queue owns `item`, which must not be NULL.
 * VF_QUEUE_END (closed) or VF_QUEUE_ABORTED: the caller still owns it. */
VF_MUST_CHECK enum vf_queue_result vf_queue_push(struct vf_queue *queue, void *item);

/* Blocks while the queue is empty and open. *ret is set only with VF_QUEUE_OK. */
VF_MUST_CHECK enum vf_queue_result vf_queue_pop(struct vf_queue *queue, void **ret);

/* No more pushes. May be called more than once, from any thread. */
void vf_queue_close(struct vf_queue *queue);

/* Wakes everybody and ends all traffic. May be called more than once, from any thread. */
void vf_queue_abort(struct vf_queue *queue);

#endif
