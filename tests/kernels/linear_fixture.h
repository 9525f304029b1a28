/* What the tests of linear maps share: their shapes, and the epilogues in double. */
#ifndef VF_TESTS_LINEAR_FIXTURE_H
#define VF_TESTS_LINEAR_FIXTURE_H

#include "kernels/kernels.h"

#include <stddef.h>

struct linear_shape {
    size_t m, n, k;
};

enum { MAX_LINEAR_SHAPES = 8192 };

/* The register tile of a kernel: rows, columns of a panel, columns of a vector. */
struct linear_tile {
    size_t rows, columns, unit;
};

/* Every number of rows up to three tiles, of columns up to two panels, of inputs around any
 * unrolling, each with a few values of the other two. */
size_t list_linear_shapes(struct linear_tile tile, struct linear_shape *shapes);

/* The epilogue in double and its tolerance for an input with error `e`. */
double expected_epilogue(enum vf_epilogue epilogue, double x, double e, double *ret_tolerance);

#endif
