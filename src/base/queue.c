#include "base/queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum queue_state { OPEN, CLOSED, ABORTED };

struct vf_queue {
    pthread_mutex_t lock;
    pthread_cond_t not_full;
    pthread_cond_t not_empty;
    enum queue_state state;       /* under lock */
    size_t first, count;          /* under lock: the ring's first item and how many there are */
    size_t capacity;              /* immutable */
    void (*destroy_item)(void *); /* immutable */
    void *items[];                /* under lock */
};

int vf_queue_new(
    size_t capacity, void (*destroy_item)(void *item), struct vf_queue **ret, struct vf_err *err)
{
    assert(capacity > 0);
    struct vf_queue *q = calloc(1, sizeof *q + capacity * sizeof q->items[0]);
    if (!q)
        return vf_fail_memory(err, "a queue");
    q->capacity = capacity;
    q->destroy_item = destroy_item;
    if (pthread_mutex_init(&q->lock, NULL) != 0)
        goto no_lock;
    if (pthread_cond_init(&q->not_full, NULL) != 0)
        goto no_not_full;
    if (pthread_cond_init(&q->not_empty, NULL) != 0)
        goto no_not_empty;
    *ret = q;
    return 0;
no_not_empty:
    pthread_cond_destroy(&q->not_full);
no_not_full:
    pthread_mutex_destroy(&q->lock);
no_lock:
    free(q);
    return vf_fail_memory(err, "the locks of a queue");
}

void vf_queue_free(struct vf_queue *queue)
{
    if (!queue)
        return;
    for (size_t i = 0; queue->destroy_item && i < queue->count; i++)
        queue->destroy_item(queue->items[(queue->first + i) % queue->capacity]);
    pthread_cond_destroy(&queue->not_empty);
    pthread_cond_destroy(&queue->not_full);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

enum vf_queue_result vf_queue_push(struct vf_queue *queue, void *item)
{
    assert(item);
    pthread_mutex_lock(&queue->lock);
    while (queue->state == OPEN && queue->count == queue->capacity)
        pthread_cond_wait(&queue->not_full, &queue->lock);
    enum vf_queue_result result = queue->state == OPEN     ? VF_QUEUE_OK
                                  : queue->state == CLOSED ? VF_QUEUE_END
                                                           : VF_QUEUE_ABORTED;
    if (result == VF_QUEUE_OK) {
        queue->items[(queue->first + queue->count++) % queue->capacity] = item;
        pthread_cond_signal(&queue->not_empty);
    }
    pthread_mutex_unlock(&queue->lock);
    return result;
}

enum vf_queue_result vf_queue_pop(struct vf_queue *queue, void **ret)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->state == OPEN && queue->count == 0)
        pthread_cond_wait(&queue->not_empty, &queue->lock);
    enum vf_queue_result result = queue->state == ABORTED ? VF_QUEUE_ABORTED
                                  : queue->count == 0     ? VF_QUEUE_END
                                                          : VF_QUEUE_OK;
    if (result == VF_QUEUE_OK) {
        *ret = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->lock);
    return result;
}

static void end_traffic(struct vf_queue *queue, enum queue_state state)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->state < state)
        queue->state = state;
    pthread_cond_broadcast(&queue->not_full);
    pthread_cond_broadcast(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

void vf_queue_close(struct vf_queue *queue)
{
    end_traffic(queue, CLOSED);
}

void vf_queue_abort(struct vf_queue *queue)
{
    end_traffic(queue, ABORTED);
}
