/* Sharing a loop over spans among workers. */
#include "encoder/team.h"

#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

/* A team that forgets to wake somebody would wait for ever: SIGALRM ends the program instead. */
enum { TOO_LONG_SECONDS = 120 };

enum { HELPERS_MAX = 4, ROWS_MAX = 100 };

/* Idle workers around a team. */
struct crew {
    struct vf_team team;
    pthread_t threads[HELPERS_MAX];
    size_t n;
    bool stop; /* under the team's lock */
};

static void *help(void *arg)
{
    struct crew *crew = arg;
    pthread_mutex_lock(&crew->team.lock);
    while (!crew->stop) {
        if (crew->team.loops)
            vf_team_help(&crew->team, NULL);
        else
            vf_team_wait(&crew->team);
    }
    pthread_mutex_unlock(&crew->team.lock);
    return NULL;
}

/* Starts `n` helpers and waits until all of them are idle. */
static void start_crew(struct crew *crew, size_t n)
{
    *crew = (struct crew){.n = n};
    vf_team_init(&crew->team);
    for (size_t i = 0; i < n; i++)
        vf_check(pthread_create(&crew->threads[i], NULL, help, crew) == 0, "thread %zu", i);
    while (vf_team_width(&crew->team) < n + 1)
        sched_yield();
}

static void stop_crew(struct crew *crew)
{
    pthread_mutex_lock(&crew->team.lock);
    crew->stop = true;
    pthread_cond_broadcast(&crew->team.work);
    pthread_mutex_unlock(&crew->team.lock);
    for (size_t i = 0; i < crew->n; i++)
        pthread_join(crew->threads[i], NULL);
    vf_team_release(&crew->team);
}

struct counts {
    atomic_int of_row[ROWS_MAX];
    atomic_size_t longest;
};

static void count_rows(const void *work, struct vf_activations *own, size_t row, size_t m)
{
    struct counts *counts = *(struct counts *const *)work;
    (void)own;
    for (size_t i = 0; i < m; i++)
        atomic_fetch_add(&counts->of_row[row + i], 1);
    size_t longest = atomic_load(&counts->longest);
    while (m > longest && !atomic_compare_exchange_weak(&counts->longest, &longest, m))
        ;
}

static void test_every_row_is_computed_once(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {{1, 1}, {5, 5}, {5, 7}, {7, 3}, {100, 1}, {100, 33}, {9, 3}};
    for (size_t helpers = 0; helpers <= HELPERS_MAX; helpers++) {
        struct crew crew;
        start_crew(&crew, helpers);
        for (size_t i = 0; i < VF_COUNT(shapes); i++) {
            size_t rows = shapes[i][0], length = shapes[i][1];
            struct counts counts = {0}, *work = &counts;
            vf_team_run(&crew.team, NULL, count_rows, &work, rows, length);
            for (size_t row = 0; row < ROWS_MAX; row++)
                vf_check(atomic_load(&counts.of_row[row]) == (row < rows),
                    "%zu helpers, %zu rows by %zu: row %zu", helpers, rows, length, row);
            vf_check(atomic_load(&counts.longest) == (rows < length ? rows : length),
                "%zu helpers, %zu rows by %zu: a span of %zu", helpers, rows, length,
                atomic_load(&counts.longest));
        }
        stop_crew(&crew);
    }
}

struct meeting {
    atomic_uint arrived;
    unsigned expected;
};

/* Each span waits for all others, so that no thread can do two of them. */
static void meet(const void *work, struct vf_activations *own, size_t row, size_t m)
{
    struct meeting *meeting = *(struct meeting *const *)work;
    (void)own;
    (void)row;
    (void)m;
    atomic_fetch_add(&meeting->arrived, 1);
    while (atomic_load(&meeting->arrived) < meeting->expected)
        sched_yield();
}

static void test_idle_workers_share(void **state)
{
    (void)state;
    for (unsigned helpers = 1; helpers <= HELPERS_MAX; helpers++) {
        struct crew crew;
        struct meeting meeting = {.expected = helpers + 1}, *work = &meeting;
        start_crew(&crew, helpers);
        vf_team_run(&crew.team, NULL, meet, &work, meeting.expected, 1);
        assert_int_equal(atomic_load(&meeting.arrived), meeting.expected);
        stop_crew(&crew);
    }
}

enum { CALLERS = 3, CALLS = 50 };

struct caller {
    pthread_t thread;
    struct vf_team *team;
    struct counts counts;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct counts *work = &caller->counts;
    for (size_t i = 0; i < CALLS; i++)
        vf_team_run(caller->team, NULL, count_rows, &work, ROWS_MAX, 7);
    return NULL;
}

static void test_loops_of_several_callers(void **state)
{
    (void)state;
    struct crew crew;
    static struct caller callers[CALLERS];
    start_crew(&crew, 2);
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i].team = &crew.team;
        vf_check(pthread_create(&callers[i].thread, NULL, call, &callers[i]) == 0, "caller %zu", i);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        for (size_t row = 0; row < ROWS_MAX; row++)
            vf_check(atomic_load(&callers[i].counts.of_row[row]) == CALLS, "row %zu", row);
    }
    stop_crew(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_computed_once),
        cmocka_unit_test(test_idle_workers_share),
        cmocka_unit_test(test_loops_of_several_callers),
    };
    alarm(TOO_LONG_SECONDS);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
