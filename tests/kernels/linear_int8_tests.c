#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/int8_fixture.h"
#include "kernels/kernel_fixture.h"
#include "kernels/kernel_tests.h"
#include "kernels/linear_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A linear map with its operands, placed and strided differently from case to case. */
struct int8_case {
    char name[128];
    struct matrix a, bias, scales, c;
    int8_t *weights; /* [n][k] */
    struct int8_weights packed;
    struct quantized_rows rows;
};

static struct int8_case new_case(
    const struct vf_kernels *kernels, struct linear_shape shape, size_t index)
{
    static const size_t gaps[] = {0, 1, 13};
    size_t gap = gaps[index % VF_COUNT(gaps)];
    enum place place = index % 2 ? AFTER_GUARD : BEFORE_GUARD;
    struct int8_case t = {.weights = malloc(shape.n * shape.k)};
    assert_non_null(t.weights);
    snprintf(t.name, sizeof t.name, "%s: %zu rows, %zu columns, %zu inputs, case %zu",
        kernels->name_int8, shape.m, shape.n, shape.k, index);
    t.a = matrix_new(shape.m, shape.k, shape.k + gap, place);
    t.c = matrix_new(shape.m, shape.n, shape.n + gap, place);
    t.bias = matrix_new(1, shape.n, shape.n, BEFORE_GUARD);
    t.scales = matrix_new(1, shape.n, shape.n, BEFORE_GUARD);
    return t;
}

static void fill_case(struct int8_case *t, struct random *random)
{
    matrix_fill_random(&t->a, random, 3);
    matrix_fill_random(&t->bias, random, 1);
    matrix_fill_random(&t->scales, random, 0.01f);
    for (size_t i = 0; i < t->c.cols * t->a.cols; i++)
        t->weights[i] = (int8_t)((int)(random_bits(random) % 255) - VF_INT8_WEIGHT_MAX);
}

/* Packs and quantises for `kernels`, replacing what was there. */
static void prepare(struct int8_case *t, const struct vf_kernels *kernels)
{
    int8_weights_free(&t->packed);
    quantized_rows_free(&t->rows);
    t->packed = int8_weights_new(kernels, t->weights, t->c.cols, t->a.cols);
    t->packed.linear.scales = t->scales.at;
    t->packed.linear.bias = t->bias.at;
    t->rows = quantize(kernels, &t->a, NULL, t->name);
}

static void run_case(
    struct int8_case *t, const struct vf_kernels *kernels, enum vf_epilogue epilogue)
{
    kernels->linear_int8(
        &t->packed.linear, epilogue, &t->rows.quantized, t->a.rows, t->c.at, t->c.ld);
    matrix_check_canaries(&t->c, t->name);
    matrix_check_canaries(&t->rows.bytes, t->name);
}

static void free_case(struct int8_case *t)
{
    matrix_free(&t->a);
    matrix_free(&t->c);
    matrix_free(&t->bias);
    matrix_free(&t->scales);
    int8_weights_free(&t->packed);
    quantized_rows_free(&t->rows);
    free(t->weights);
}

static struct linear_tile tile_of(const struct vf_kernels *kernels)
{
    return (struct linear_tile){
        kernels->tile_rows, kernels->panel_columns_int8, kernels->panel_unit_int8};
}

void pack_panel_int8_lays_out(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t inputs[] = {1, 3, 4, 5, 16, 33};
    size_t columns = kernels->panel_columns_int8, unit = kernels->panel_unit_int8;
    struct random random = {51};
    for (size_t i = 0; i < VF_COUNT(inputs) * 2 * columns; i++) {
        size_t n = 1 + i / VF_COUNT(inputs), k = inputs[i % VF_COUNT(inputs)];
        struct int8_case t = new_case(kernels, (struct linear_shape){1, n, k}, i);
        fill_case(&t, &random);
        prepare(&t, kernels);
        const int8_t *panel = t.packed.linear.panels;
        for (size_t first = 0; first < n; first += columns) {
            size_t left = n - first < columns ? n - first : columns;
            size_t width = (left + unit - 1) / unit * unit;
            for (size_t p = 0; p < (k + 3) / 4 * 4; p++)
                for (size_t j = 0; j < width; j++) {
                    int want = p < k && j < left ? t.weights[(first + j) * k + p] : 0;
                    vf_check(panel[(p / 4 * width + j) * 4 + p % 4] == want,
                        "%s: output %zu, input %zu", t.name, first + j, p);
                }
            panel += columns * ((k + 3) / 4 * 4);
        }
        for (size_t j = 0; j < n; j++) {
            int32_t sum = 0;
            for (size_t p = 0; p < k; p++)
                sum += t.weights[j * k + p];
            vf_check(t.packed.linear.sums[j] == sum, "%s: sum of output %zu", t.name, j);
        }
        free_case(&t);
    }
}

void linear_int8_equals_the_reference(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const enum vf_epilogue epilogues[] = {VF_EPILOGUE_NONE, VF_EPILOGUE_RELU};
    struct vf_kernels ref;
    vf_kernels_init(&ref, 0);
    struct random random = {52};
    static struct linear_shape shapes[MAX_LINEAR_SHAPES];
    size_t count = list_linear_shapes(tile_of(kernels), shapes);
    for (size_t i = 0; i < count; i++) {
        enum vf_epilogue epilogue = epilogues[i / 3 % 2];
        struct int8_case t = new_case(kernels, shapes[i], i);
        fill_case(&t, &random);
        prepare(&t, &ref);
        run_case(&t, &ref, epilogue);
        struct matrix want = t.c;
        t.c = matrix_new(want.rows, want.cols, want.ld, i % 2 ? BEFORE_GUARD : AFTER_GUARD);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        matrix_check_same_bits(&t.c, &want, t.name);
        matrix_free(&want);
        free_case(&t);
    }
}

/* The largest sums that there can be: all activations at one end of the range, all weights at one
 * end of theirs. A kernel that saturates or wraps anywhere gets them wrong. */
void linear_int8_sums_do_not_overflow(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t inputs[] = {1, 4, 64, 1536, VF_INT8_INPUTS_MAX};
    size_t n = kernels->panel_columns_int8 + 1;
    for (size_t i = 0; i < VF_COUNT(inputs) * 4; i++) {
        size_t k = inputs[i / 4];
        int weight = i % 2 ? VF_INT8_WEIGHT_MAX : -VF_INT8_WEIGHT_MAX;
        float a = i / 2 % 2 ? 255 : -255; /* the scale is 1 */
        struct int8_case t = new_case(kernels, (struct linear_shape){2, n, k}, i);
        matrix_fill(&t.a, a);
        matrix_fill(&t.bias, 0);
        matrix_fill(&t.scales, 1);
        memset(t.weights, weight, n * k);
        prepare(&t, kernels);
        run_case(&t, kernels, VF_EPILOGUE_NONE);
        double want = (double)k * (double)weight * (double)a;
        for (size_t j = 0; j < 2 * n; j++)
            check_near(
                matrix_row(&t.c, j / n)[j % n], want, VF_U * fabs(want), t.name, j / n, j % n);
        free_case(&t);
    }
}

static void check_case(const struct int8_case *t, enum vf_epilogue epilogue)
{
    size_t k = t->a.cols;
    struct matrix a = dequantize(&t->rows, k);
    for (size_t i = 0; i < t->c.rows; i++)
        for (size_t j = 0; j < t->c.cols; j++) {
            double product = 0, tolerance;
            for (size_t p = 0; p < k; p++)
                product += (double)matrix_row(&a, i)[p] * (double)t->weights[j * k + p];
            product *= (double)t->rows.quantized.scales[i] * (double)t->scales.at[j];
            double x = product + (double)t->bias.at[j];
            double error = VF_U * (2.001 * fabs(product) + fabs(x));
            double want = expected_epilogue(epilogue, x, error, &tolerance);
            if (epilogue == VF_EPILOGUE_GELU_ERF || epilogue == VF_EPILOGUE_GELU_TANH)
                tolerance += (VF_ACTIVATION_BOUND_INT8 - VF_ACTIVATION_BOUND) * fmax(fabs(x), 1);
            check_near(matrix_row(&t->c, i)[j], want, tolerance, t->name, i, j);
        }
    matrix_free(&a);
}

void linear_int8_is_within_its_bound(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const float scales[] = {1, 4, 1e-3f, 1e5f};
    struct random random = {53};
    static struct linear_shape shapes[MAX_LINEAR_SHAPES];
    size_t count = list_linear_shapes(tile_of(kernels), shapes);
    for (size_t i = 0; i < count; i++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)(i % 5);
        struct int8_case t = new_case(kernels, shapes[i], i);
        fill_case(&t, &random);
        matrix_fill_random(&t.a, &random, scales[i / 4 % VF_COUNT(scales)]);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        check_case(&t, epilogue);
        free_case(&t);
    }
}

void linear_int8_rows_are_independent(void **state)
{
    const struct vf_kernels *kernels = *state;
    struct random random = {54};
    size_t m = 3 * kernels->tile_rows + 1, n = 2 * kernels->panel_columns_int8 + 3, k = 37;
    for (size_t e = 0; e < 4; e++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)e;
        struct int8_case t = new_case(kernels, (struct linear_shape){m, n, k}, e);
        fill_case(&t, &random);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        for (size_t first = 0; first < m; first++) {
            size_t rows = 1 + first % (m - first);
            struct matrix c = matrix_new(rows, n, n, BEFORE_GUARD);
            struct vf_quantized from = vf_quantized_from(t.rows.quantized, first);
            kernels->linear_int8(&t.packed.linear, epilogue, &from, rows, c.at, c.ld);
            struct matrix want = t.c;
            want.at = matrix_row(&t.c, first);
            want.rows = rows;
            matrix_check_same_bits(&c, &want, t.name);
            matrix_free(&c);
        }
        free_case(&t);
    }
}

void linear_int8_keeps_nan_apart(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    struct random random = {55};
    size_t m = 2 * kernels->tile_rows + 1, n = kernels->panel_columns_int8 + 3, k = 19;
    enum { IN_ROW, IN_SCALES, IN_BIAS };
    for (size_t i = 0; i < 4 * 3 * 6; i++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)(i % 5);
        size_t where = i / 4 % 3;
        size_t row = random_bits(&random) % m, column = random_bits(&random) % n;
        struct int8_case t = new_case(kernels, (struct linear_shape){m, n, k}, i);
        fill_case(&t, &random);
        if (where == IN_ROW)
            matrix_row(&t.a, row)[random_bits(&random) % k] = bad[i / 12 % VF_COUNT(bad)];
        else if (where == IN_SCALES)
            t.scales.at[column] = NAN;
        else
            t.bias.at[column] = NAN;
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        for (size_t r = 0; r < m; r++)
            for (size_t j = 0; j < n; j++) {
                int want = where == IN_ROW ? r == row : j == column;
                vf_check(isnan(matrix_row(&t.c, r)[j]) == want,
                    "%s: epilogue %zu, NaN at %zu: row %zu, column %zu", t.name, i % 4, where, r,
                    j);
            }
        free_case(&t);
    }
}
