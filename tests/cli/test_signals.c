#include "harness.h"

#include "cli/signals.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_ENDED = 99 };

/* Sends itself the signals in a child of its own and returns the child's status. */
static int status_after(int first, int second)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        vf_signals_catch();
        raise(first);
        if (vf_stop_requested != 1 || vf_signals_check(NULL) != VF_ERR_INTERRUPTED ||
            vf_signals_status() != 128 + first)
            _exit(1);
        if (second)
            raise(second);
        _exit(NOT_ENDED);
    }
    int status = -1;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_first_asks_second_ends(void **state)
{
    (void)state;
    assert_int_equal(vf_signals_check(NULL), 0);
    assert_int_equal(vf_signals_status(), 0);
    assert_int_equal(status_after(SIGINT, 0), NOT_ENDED);
    assert_int_equal(status_after(SIGTERM, 0), NOT_ENDED);
    assert_int_equal(status_after(SIGINT, SIGINT), 130);
    assert_int_equal(status_after(SIGTERM, SIGTERM), 143);
    assert_int_equal(status_after(SIGTERM, SIGINT), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_first_asks_second_ends)};
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
