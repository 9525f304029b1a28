/* The small models of tests/parity/architectures/: a directory as the Hub has it, whose weights are
 * made from a formula, and what scripts/make-architecture-models.py expects of it. */
#ifndef VF_TESTS_ARCHITECTURE_MODEL_H
#define VF_TESTS_ARCHITECTURE_MODEL_H

#include "unit/scratch.h"

#include <stddef.h>
#include <stdint.h>

/* A line of expected.txt. */
struct expected_vector {
    char *text;    /* to be embedded; NULL: `ids` are */
    int32_t *ids;  /* [n], or NULL */
    size_t n;      /* tokens */
    float *vector; /* [dimensions] */
};

struct architecture_model {
    struct scratch scratch; /* the directory */
    size_t dimensions, n;
    struct expected_vector *expected; /* [n] */
};

/* Writes the model `name` into a directory of its own. Every failure fails the test. */
void architecture_model_init(struct architecture_model *model, const char *name);

void architecture_model_release(struct architecture_model *model);

#endif
