#include "base/queue.h"

#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* A queue that forgets to wake somebody would wait for ever: SIGALRM ends the program instead. */
enum { WATCHDOG_SECONDS = 300 };

static struct vf_queue *new_queue(size_t capacity, void (*destroy_item)(void *))
{
    struct vf_queue *queue = NULL;
    assert_int_equal(vf_queue_new(capacity, destroy_item, &queue, NULL), 0);
    return queue;
}

static pthread_t start(void *(*run)(void *), void *context)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, context), 0);
    return thread;
}

static void items_come_in_order(void **state)
{
    (void)state;
    static int items[100];
    for (size_t capacity = 1; capacity <= 7; capacity++) {
        struct vf_queue *queue = new_queue(capacity, NULL);
        size_t pushed = 0, popped = 0;
        while (popped < VF_COUNT(items)) {
            while (pushed < VF_COUNT(items) && pushed - popped < capacity)
                assert_int_equal(vf_queue_push(queue, &items[pushed++]), VF_QUEUE_OK);
            /* One stays behind, so that the ring turns. */
            size_t keep = pushed < VF_COUNT(items) && capacity > 1 ? 1 : 0;
            while (pushed - popped > keep) {
                void *item = NULL;
                assert_int_equal(vf_queue_pop(queue, &item), VF_QUEUE_OK);
                vf_check(item == &items[popped], "capacity %zu: item %zu", capacity, popped);
                popped++;
            }
        }
        vf_queue_free(queue);
    }
}

struct bounded {
    struct vf_queue *queue;
    atomic_size_t pushed;
};

enum { BOUNDED_ITEMS = 20000, BOUNDED_CAPACITY = 3 };

static void *push_many(void *context)
{
    struct bounded *b = context;
    for (size_t i = 0; i < BOUNDED_ITEMS; i++)
        if (vf_queue_push(b->queue, b) == VF_QUEUE_OK)
            atomic_fetch_add(&b->pushed, 1);
    vf_queue_close(b->queue);
    return NULL;
}

static void push_waits_while_full(void **state)
{
    (void)state;
    struct bounded b = {.queue = new_queue(BOUNDED_CAPACITY, NULL)};
    pthread_t thread = start(push_many, &b);
    size_t popped = 0, most = 0;
    void *item;
    do {
        sched_yield();
        size_t pushed = atomic_load(&b.pushed); /* may lag behind what was popped */
        if (pushed > popped + most)
            most = pushed - popped;
    } while (vf_queue_pop(b.queue, &item) == VF_QUEUE_OK && ++popped);
    pthread_join(thread, NULL);
    vf_check(most <= BOUNDED_CAPACITY, "the producer was %zu items ahead", most);
    assert_int_equal(popped, BOUNDED_ITEMS);
    vf_queue_free(b.queue);
}

static void close_drains(void **state)
{
    (void)state;
    int items[3];
    struct vf_queue *queue = new_queue(3, NULL);
    void *item = NULL;
    assert_int_equal(vf_queue_push(queue, &items[0]), VF_QUEUE_OK);
    assert_int_equal(vf_queue_push(queue, &items[1]), VF_QUEUE_OK);
    vf_queue_close(queue);
    vf_queue_close(queue);
    assert_int_equal(vf_queue_push(queue, &items[2]), VF_QUEUE_END);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(vf_queue_pop(queue, &item), VF_QUEUE_OK);
        assert_ptr_equal(item, &items[i]);
    }
    assert_int_equal(vf_queue_pop(queue, &item), VF_QUEUE_END);
    assert_ptr_equal(item, &items[1]);
    vf_queue_free(queue);
}

static void abort_ends_all_traffic(void **state)
{
    (void)state;
    int items[2];
    struct vf_queue *queue = new_queue(2, NULL);
    void *item = NULL;
    assert_int_equal(vf_queue_push(queue, &items[0]), VF_QUEUE_OK);
    vf_queue_abort(queue);
    vf_queue_close(queue); /* does not turn an abort into an orderly end */
    assert_int_equal(vf_queue_push(queue, &items[1]), VF_QUEUE_ABORTED);
    assert_int_equal(vf_queue_pop(queue, &item), VF_QUEUE_ABORTED);
    assert_null(item);
    vf_queue_free(queue);
}

struct waiter {
    struct vf_queue *queue;
    atomic_size_t *begun;
    bool pushes;
    enum vf_queue_result result;
};

static void *wait_in_queue(void *context)
{
    struct waiter *w = context;
    void *item = w;
    atomic_fetch_add(w->begun, 1);
    w->result = w->pushes ? vf_queue_push(w->queue, item) : vf_queue_pop(w->queue, &item);
    return NULL;
}

static void the_end_wakes_both_sides(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*end)(struct vf_queue *);
        enum vf_queue_result result;
    } cases[] = {
        {"close", vf_queue_close, VF_QUEUE_END}, {"abort", vf_queue_abort, VF_QUEUE_ABORTED}};
    enum { WAITERS = 6, ROUNDS = 50 };
    for (size_t round = 0; round < VF_COUNT(cases) * ROUNDS; round++) {
        size_t c = round % VF_COUNT(cases);
        struct vf_queue *full = new_queue(1, NULL), *empty = new_queue(1, NULL);
        assert_int_equal(vf_queue_push(full, full), VF_QUEUE_OK);
        struct waiter waiters[WAITERS];
        pthread_t threads[WAITERS];
        atomic_size_t begun = 0;
        for (size_t i = 0; i < WAITERS; i++) {
            bool pushes = i % 2 == 0;
            waiters[i] =
                (struct waiter){.queue = pushes ? full : empty, .begun = &begun, .pushes = pushes};
            threads[i] = start(wait_in_queue, &waiters[i]);
        }
        while (atomic_load(&begun) < WAITERS)
            sched_yield();
        cases[c].end(full);
        cases[c].end(empty);
        for (size_t i = 0; i < WAITERS; i++) {
            pthread_join(threads[i], NULL);
            vf_check(waiters[i].result == cases[c].result, "%s: waiter %zu got %d", cases[c].name,
                i, waiters[i].result);
        }
        vf_queue_free(full);
        vf_queue_free(empty);
    }
}

enum { PRODUCERS = 4, CONSUMERS = 4, ITEMS_EACH = 5000 };

struct item {
    size_t producer, number;
    atomic_uint popped;
};

struct crowd {
    struct vf_queue *queue;
    struct item items[PRODUCERS][ITEMS_EACH];
    atomic_size_t next_producer;
    atomic_size_t refused, disordered;
};

static void *produce(void *context)
{
    struct crowd *crowd = context;
    size_t me = atomic_fetch_add(&crowd->next_producer, 1);
    for (size_t i = 0; i < ITEMS_EACH; i++) {
        crowd->items[me][i] = (struct item){.producer = me, .number = i};
        if (vf_queue_push(crowd->queue, &crowd->items[me][i]) != VF_QUEUE_OK)
            atomic_fetch_add(&crowd->refused, 1);
    }
    return NULL;
}

static void *consume(void *context)
{
    struct crowd *crowd = context;
    size_t next[PRODUCERS] = {0};
    void *popped;
    while (vf_queue_pop(crowd->queue, &popped) == VF_QUEUE_OK) {
        struct item *item = popped;
        atomic_fetch_add(&item->popped, 1);
        /* What one consumer sees of one producer is in order. */
        if (item->number < next[item->producer])
            atomic_fetch_add(&crowd->disordered, 1);
        next[item->producer] = item->number + 1;
    }
    return NULL;
}

static void a_crowd_loses_nothing(void **state)
{
    (void)state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    assert_non_null(crowd);
    crowd->queue = new_queue(5, NULL);
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    for (size_t i = 0; i < CONSUMERS; i++)
        consumers[i] = start(consume, crowd);
    for (size_t i = 0; i < PRODUCERS; i++)
        producers[i] = start(produce, crowd);
    for (size_t i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i], NULL);
    vf_queue_close(crowd->queue);
    for (size_t i = 0; i < CONSUMERS; i++)
        pthread_join(consumers[i], NULL);
    assert_int_equal(atomic_load(&crowd->refused), 0);
    assert_int_equal(atomic_load(&crowd->disordered), 0);
    for (size_t p = 0; p < PRODUCERS; p++)
        for (size_t i = 0; i < ITEMS_EACH; i++)
            vf_check(atomic_load(&crowd->items[p][i].popped) == 1, "item %zu of %zu: %u times", i,
                p, atomic_load(&crowd->items[p][i].popped));
    vf_queue_free(crowd->queue);
    free(crowd);
}

static void free_destroys_what_is_left(void **state)
{
    (void)state;
    /* A leak or a second free is what the address sanitizer finds. */
    struct vf_queue *queue = new_queue(3, free);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(vf_queue_push(queue, malloc(1)), VF_QUEUE_OK);
    void *item = NULL;
    assert_int_equal(vf_queue_pop(queue, &item), VF_QUEUE_OK);
    free(item);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(vf_queue_push(queue, malloc(1)), VF_QUEUE_OK);
    vf_queue_abort(queue);
    vf_queue_free(queue);
    vf_queue_free(NULL);
}

int main(void)
{
    alarm(WATCHDOG_SECONDS);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_in_order),
        cmocka_unit_test(push_waits_while_full),
        cmocka_unit_test(close_drains),
        cmocka_unit_test(abort_ends_all_traffic),
        cmocka_unit_test(the_end_wakes_both_sides),
        cmocka_unit_test(a_crowd_loses_nothing),
        cmocka_unit_test(free_destroys_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
