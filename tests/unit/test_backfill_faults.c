/* The backfill when threads or memory cannot be had, and how much memory it takes. The linker puts
 * the functions below in the place of the C library's. */
#include "harness.h"
#include "support/desk.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- allocations that are counted and fail on demand ---- */

static atomic_long n_calls;      /* since it was last set to 0 */
static atomic_long failing = -1; /* the call that fails, from 0; -1: none */
static atomic_long live_bytes, peak_bytes;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
char *__real_strdup(const char *s);
void __real_free(void *memory);
int __real_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);
char *__wrap_strdup(const char *s);
void __wrap_free(void *memory);
int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument);

static bool fails(void)
{
    return atomic_fetch_add(&n_calls, 1) == atomic_load(&failing);
}

static void *count_live(void *memory)
{
    long live = atomic_fetch_add(&live_bytes, (long)malloc_usable_size(memory));
    live += (long)malloc_usable_size(memory);
    long peak = atomic_load(&peak_bytes);
    while (live > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, live))
        ;
    return memory;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : count_live(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : count_live(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t n)
{
    if (fails())
        return NULL;
    atomic_fetch_sub(&live_bytes, (long)malloc_usable_size(old));
    return count_live(__real_realloc(old, n));
}

char *__wrap_strdup(const char *s)
{
    return fails() ? NULL : count_live(__real_strdup(s));
}

void __wrap_free(void *memory)
{
    atomic_fetch_sub(&live_bytes, (long)malloc_usable_size(memory));
    __real_free(memory);
}

/* ---- threads that cannot be started ---- */

static atomic_int n_threads;           /* since it was last set to 0 */
static atomic_int failing_thread = -1; /* the one that is refused, from 0; -1: none */

int __wrap_pthread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument)
{
    if (atomic_fetch_add(&n_threads, 1) == atomic_load(&failing_thread))
        return EAGAIN;
    return __real_pthread_create(thread, attr, run, argument);
}

/* ---- tests ---- */

static void check_a_whole_run(struct desk *desk, struct vf_embedder *embedder, uint64_t n)
{
    struct vf_backfill_options options = desk_options();
    struct vf_backfill_report report;
    struct vf_err err;
    vf_check(desk_run(desk, embedder, &options, &report, &err) == 0, "%s", err.msg);
    assert_int_equal(report.embedded + report.unchanged, n);
}

static void test_threads(void **state)
{
    (void)state;
    enum { N = 300, MAX_THREADS = 16 };
    struct desk desk;
    desk_init(&desk);
    desk_fill(&desk, 0, N);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
    atomic_store(&n_threads, 0);
    check_a_whole_run(&desk, embedder, N);
    int n_needed = atomic_load(&n_threads);
    assert_in_range(n_needed, 1, MAX_THREADS);
    for (int i = 0; i < n_needed; i++) {
        struct vf_backfill_options options = desk_options();
        struct vf_backfill_report report;
        struct vf_err err;
        desk_sql(&desk, "DELETE FROM text_embeddings");
        atomic_store(&n_threads, 0);
        atomic_store(&failing_thread, i);
        int rc = desk_run(&desk, embedder, &options, &report, &err);
        atomic_store(&failing_thread, -1);
        vf_check(rc == VF_ERR_NO_MEMORY, "thread %d: %d %s", i, rc, err.msg);
        vf_check(report.selected == N, "thread %d", i);
        vf_check(
            report.embedded == (uint64_t)desk_number(&desk, "SELECT count(*) FROM text_embeddings"),
            "thread %d", i);
        check_a_whole_run(&desk, embedder, N);
    }
    vf_close(embedder);
    desk_release(&desk);
}

/* Whichever allocation fails, the run says so or goes on, and the next one does the rest. */
static void test_memory(void **state)
{
    (void)state;
    enum { N = 40 };
    struct desk desk;
    desk_init(&desk);
    desk_fill(&desk, 0, N);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 1);
    atomic_store(&n_calls, 0);
    check_a_whole_run(&desk, embedder, N);
    long n_needed = atomic_load(&n_calls), n_failures = 0;
    assert_in_range(n_needed, 10, 1000);
    for (long i = 0; i < n_needed; i++) {
        struct vf_backfill_options options = desk_options();
        struct vf_backfill_report report;
        struct vf_err err;
        desk_sql(&desk, "DELETE FROM text_embeddings");
        atomic_store(&n_calls, 0);
        atomic_store(&failing, i);
        int rc = desk_run(&desk, embedder, &options, &report, &err);
        atomic_store(&failing, -1);
        vf_check(rc == 0 || rc == VF_ERR_NO_MEMORY, "allocation %ld: %d %s", i, rc, err.msg);
        vf_check(
            report.embedded == (uint64_t)desk_number(&desk, "SELECT count(*) FROM text_embeddings"),
            "allocation %ld", i);
        vf_check(rc == 0 || report.embedded < N, "allocation %ld", i);
        n_failures += rc != 0;
        check_a_whole_run(&desk, embedder, N);
    }
    assert_true(n_failures > n_needed / 2);
    vf_close(embedder);
    desk_release(&desk);
}

/* Four times the articles do not need more memory: windows are recycled. */
static void test_constant_memory(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct desk desk;
    long peaks[2];
    desk_init(&desk);
    struct vf_embedder *embedder = desk_embedder(&desk, NULL, 2);
    for (unsigned i = 0; i < 2; i++) {
        desk_fill(&desk, i * N, i == 0 ? N : 4 * N);
        long before = atomic_load(&live_bytes);
        atomic_store(&peak_bytes, before);
        check_a_whole_run(&desk, embedder, i == 0 ? N : 5 * N);
        peaks[i] = atomic_load(&peak_bytes) - before;
        vf_check(atomic_load(&live_bytes) == before, "%ld bytes were not freed",
            atomic_load(&live_bytes) - before);
    }
    vf_check(peaks[1] < peaks[0] + peaks[0] / 2, "%ld bytes for %d articles, %ld for %d", peaks[0],
        N, peaks[1], 4 * N);
    vf_close(embedder);
    desk_release(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_constant_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
