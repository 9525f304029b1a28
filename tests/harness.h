/* What every cmocka test of the project includes: cmocka's own needs, and a way to fail with the
 * name of a table's row. */
#ifndef VF_TESTS_HARNESS_H
#define VF_TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define VF_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Fails with a printf-style message unless `condition`. A comparison with NaN fails too. */
#define vf_check(condition, ...)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error("%s:%d: %s: ", __FILE__, __LINE__, #condition);                            \
            print_error(__VA_ARGS__);                                                              \
            print_error("\n");                                                                     \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

#endif
