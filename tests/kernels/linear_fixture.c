#include "kernels/linear_fixture.h"

#include "harness.h"

#include <math.h>

size_t list_linear_shapes(struct linear_tile tile, struct linear_shape *shapes)
{
    size_t rows = tile.rows, columns = tile.columns, unit = tile.unit, count = 0;
    for (size_t m = 0; m <= 3 * rows + 1; m++) {
        shapes[count++] = (struct linear_shape){m, 1, 7};
        shapes[count++] = (struct linear_shape){m, columns, 16};
        shapes[count++] = (struct linear_shape){m, 2 * columns + unit + 1, 9};
    }
    for (size_t n = 1; n <= 2 * columns + 1; n++) {
        shapes[count++] = (struct linear_shape){1, n, 5};
        shapes[count++] = (struct linear_shape){rows + 1, n, 8};
    }
    for (size_t k = 1; k <= 70; k++) {
        shapes[count++] = (struct linear_shape){1, unit, k};
        shapes[count++] = (struct linear_shape){2 * rows + 1, columns + 3, k};
    }
    shapes[count++] = (struct linear_shape){67, 384, 384};
    shapes[count++] = (struct linear_shape){21, 100, 1536};
    assert_true(count <= MAX_LINEAR_SHAPES);
    return count;
}

static double gelu_erf(double x)
{
    return 0.5 * x * erfc(-x * sqrt(0.5));
}

static double gelu_tanh(double x)
{
    const double pi = 3.14159265358979323846;
    double z = sqrt(2 / pi) * (x + 0.044715 * x * x * x);
    return x / (1 + exp(-2 * z)); /* (1 + tanh z) / 2 without cancellation */
}

double expected_epilogue(enum vf_epilogue epilogue, double x, double e, double *ret_tolerance)
{
    double activation_tolerance = 1.13 * e + VF_ACTIVATION_BOUND * fmax(fabs(x), 1);
    switch (epilogue) {
    case VF_EPILOGUE_GELU_ERF:
        *ret_tolerance = activation_tolerance;
        return gelu_erf(x);
    case VF_EPILOGUE_GELU_TANH:
        *ret_tolerance = activation_tolerance;
        return gelu_tanh(x);
    case VF_EPILOGUE_RELU:
        *ret_tolerance = e;
        return fmax(x, 0);
    case VF_EPILOGUE_SILU:
        *ret_tolerance = activation_tolerance;
        return x / (1 + exp(-x));
    case VF_EPILOGUE_NONE:
        break;
    }
    *ret_tolerance = e;
    return x;
}
