/* A directory of its own for a test that needs files. */
#ifndef VF_TESTS_SCRATCH_H
#define VF_TESTS_SCRATCH_H

#include <stddef.h>

struct scratch {
    char path[64]; /* of the directory, absolute */
};

/* Makes an empty directory; the test fails when that is not possible. */
void scratch_init(struct scratch *scratch);

/* Removes it with all that is in it. */
void scratch_release(struct scratch *scratch);

/* Writes `n` bytes to the file `name` ("a/b/c") below the directory, making its folders. */
void scratch_write(const struct scratch *scratch, const char *name, const void *bytes, size_t n);

/* The path of `name` below the directory; valid until the next call. */
const char *scratch_path(const struct scratch *scratch, const char *name);

#endif
