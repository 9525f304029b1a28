#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/kernel_fixture.h"
#include "kernels/kernel_tests.h"
#include "kernels/linear_fixture.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A linear map and its operands, placed and strided differently from case to case. */
struct linear_case {
    char name[128];
    struct vf_linear_f32 linear;
    struct matrix a, weights, bias, c;
    struct matrix panels; /* one row */
};

static struct matrix pack(const struct vf_kernels *kernels, const struct matrix *weights)
{
    size_t n = weights->rows, k = weights->cols;
    size_t floats = vf_panel_floats(kernels, n, k);
    struct matrix panels = matrix_new(1, floats, floats, BEFORE_GUARD_ALIGNED);
    for (size_t first = 0; first < n; first += kernels->panel_columns) {
        size_t left = n - first;
        size_t columns = left < kernels->panel_columns ? left : kernels->panel_columns;
        kernels->pack_panel_f32(
            matrix_row(weights, first), weights->ld, columns, k, panels.at + first * k);
    }
    return panels;
}

static struct linear_case new_case(
    const struct vf_kernels *kernels, struct linear_shape shape, size_t index)
{
    static const size_t gaps[] = {0, 1, 13};
    size_t gap = gaps[index % VF_COUNT(gaps)];
    enum place place = index % 2 ? AFTER_GUARD : BEFORE_GUARD;
    struct linear_case t;
    snprintf(t.name, sizeof t.name, "%s: %zu rows, %zu columns, %zu inputs, case %zu",
        kernels->tier, shape.m, shape.n, shape.k, index);
    t.a = matrix_new(shape.m, shape.k, shape.k + gap, place);
    t.c = matrix_new(shape.m, shape.n, shape.n + gap, place);
    t.weights = matrix_new(shape.n, shape.k, shape.k + gap, place);
    t.bias = matrix_new(1, shape.n, shape.n, BEFORE_GUARD);
    t.panels = (struct matrix){0};
    return t;
}

/* Packs the weights for `kernels`, replacing what was packed before. */
static void prepare(struct linear_case *t, const struct vf_kernels *kernels)
{
    matrix_free(&t->panels);
    t->panels = pack(kernels, &t->weights);
    t->linear = (struct vf_linear_f32){
        .n = t->weights.rows, .k = t->weights.cols, .panels = t->panels.at, .bias = t->bias.at};
}

static void run_case(
    struct linear_case *t, const struct vf_kernels *kernels, enum vf_epilogue epilogue)
{
    kernels->linear_f32(&t->linear, epilogue, t->a.at, t->a.ld, t->a.rows, t->c.at, t->c.ld);
    matrix_check_canaries(&t->c, t->name);
    matrix_check_canaries(&t->a, t->name);
}

static void free_case(struct linear_case *t)
{
    matrix_free(&t->a);
    matrix_free(&t->c);
    matrix_free(&t->weights);
    matrix_free(&t->bias);
    matrix_free(&t->panels);
}

static struct linear_tile tile_of(const struct vf_kernels *kernels)
{
    return (struct linear_tile){kernels->tile_rows, kernels->panel_columns, kernels->panel_unit};
}

void pack_panel_lays_out(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t inputs[] = {1, 2, 7, 16, 33};
    struct random random = {1};
    for (size_t n = 1; n <= kernels->panel_columns; n++) {
        for (size_t i = 0; i < VF_COUNT(inputs); i++) {
            size_t k = inputs[i];
            char name[64];
            snprintf(name, sizeof name, "%s: %zu columns, %zu inputs", kernels->tier, n, k);
            struct matrix rows = matrix_new(n, k, k + i, i % 2 ? AFTER_GUARD : BEFORE_GUARD);
            matrix_fill_random(&rows, &random, 1);
            struct matrix panel = pack(kernels, &rows);
            size_t width = panel.cols / k;
            for (size_t p = 0; p < k; p++)
                for (size_t j = 0; j < width; j++) {
                    float want = j < n ? matrix_row(&rows, j)[p] : 0.0f;
                    check_near(panel.at[p * width + j], (double)want, 0, name, p, j);
                }
            matrix_check_canaries(&panel, name);
            matrix_free(&panel);
            matrix_free(&rows);
        }
    }
}

void linear_is_exact_on_integers(void **state)
{
    const struct vf_kernels *kernels = *state;
    /* Denormals too: a kernel must not flush them. */
    static const float scales[] = {1, 0x1p-149f, 0x1p100f};
    static const enum vf_epilogue epilogues[] = {VF_EPILOGUE_NONE, VF_EPILOGUE_RELU};
    struct vf_kernels ref;
    vf_kernels_init(&ref, 0);
    struct random random = {2};
    static struct linear_shape shapes[MAX_LINEAR_SHAPES];
    size_t count = list_linear_shapes(tile_of(kernels), shapes);
    for (size_t i = 0; i < count; i++) {
        enum vf_epilogue epilogue = epilogues[i / 3 % 2];
        float scale = scales[i % VF_COUNT(scales)];
        struct linear_case t = new_case(kernels, shapes[i], i);
        matrix_fill_integers(&t.a, &random, 8, scale);
        matrix_fill_integers(&t.weights, &random, 8, 1);
        matrix_fill_integers(&t.bias, &random, 100, scale);
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

static void check_case(const struct linear_case *t, enum vf_epilogue epilogue)
{
    size_t k = t->weights.cols;
    for (size_t i = 0; i < t->c.rows; i++)
        for (size_t j = 0; j < t->c.cols; j++) {
            double bias = (double)t->bias.at[j], sum = bias, magnitude = fabs(bias), tolerance;
            for (size_t p = 0; p < k; p++) {
                double product =
                    (double)matrix_row(&t->a, i)[p] * (double)matrix_row(&t->weights, j)[p];
                sum += product;
                magnitude += fabs(product);
            }
            double error = (double)(k + 2) * VF_U * magnitude;
            double want = expected_epilogue(epilogue, sum, error, &tolerance);
            check_near(matrix_row(&t->c, i)[j], want, tolerance, t->name, i, j);
        }
}

void linear_is_within_its_bound(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const float scales[] = {1, 4, 1e-3f, 1e5f};
    struct random random = {3};
    static struct linear_shape shapes[MAX_LINEAR_SHAPES];
    size_t count = list_linear_shapes(tile_of(kernels), shapes);
    for (size_t i = 0; i < count; i++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)(i % 5);
        struct linear_case t = new_case(kernels, shapes[i], i);
        matrix_fill_random(&t.a, &random, scales[i / 4 % VF_COUNT(scales)]);
        matrix_fill_random(&t.weights, &random, 1);
        matrix_fill_random(&t.bias, &random, 2);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        check_case(&t, epilogue);
        free_case(&t);
    }
}

void linear_rows_are_independent(void **state)
{
    const struct vf_kernels *kernels = *state;
    struct random random = {4};
    size_t m = 3 * kernels->tile_rows + 1, n = 2 * kernels->panel_columns + 3, k = 37;
    for (size_t e = 0; e < 4; e++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)e;
        struct linear_case t = new_case(kernels, (struct linear_shape){m, n, k}, e);
        matrix_fill_random(&t.a, &random, 3);
        matrix_fill_random(&t.weights, &random, 1);
        matrix_fill_random(&t.bias, &random, 1);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        for (size_t first = 0; first < m; first++) {
            size_t rows = 1 + first % (m - first);
            struct matrix c = matrix_new(rows, n, n, BEFORE_GUARD);
            kernels->linear_f32(
                &t.linear, epilogue, matrix_row(&t.a, first), t.a.ld, rows, c.at, c.ld);
            struct matrix want = t.c;
            want.at = matrix_row(&t.c, first);
            want.rows = rows;
            matrix_check_same_bits(&c, &want, t.name);
            matrix_free(&c);
        }
        free_case(&t);
    }
}

void linear_keeps_nan_apart(void **state)
{
    const struct vf_kernels *kernels = *state;
    struct random random = {5};
    size_t m = 2 * kernels->tile_rows + 1, n = kernels->panel_columns + 3, k = 19;
    enum { IN_ROW, IN_COLUMN, IN_BIAS };
    for (size_t i = 0; i < 4 * 3 * 4; i++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)(i % 5);
        size_t where = i / 4 % 3;
        size_t row = random_bits(&random) % m, column = random_bits(&random) % n;
        struct linear_case t = new_case(kernels, (struct linear_shape){m, n, k}, i);
        matrix_fill_random(&t.a, &random, 1);
        matrix_fill_random(&t.weights, &random, 1);
        matrix_fill_random(&t.bias, &random, 1);
        if (where == IN_ROW)
            matrix_row(&t.a, row)[random_bits(&random) % k] = NAN;
        else if (where == IN_COLUMN)
            matrix_row(&t.weights, column)[random_bits(&random) % k] = NAN;
        else
            t.bias.at[column] = NAN;
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        for (size_t r = 0; r < m; r++)
            for (size_t j = 0; j < n; j++) {
                int want = where == IN_ROW ? r == row : j == column;
                vf_check(isnan(matrix_row(&t.c, r)[j]) == want,
                    "%s: epilogue %zu, NaN at %zu: row %zu, column %zu", t.name, i % 5, where, r,
                    j);
            }
        free_case(&t);
    }
}

/* A linear map of one input with weight 1 shows the epilogue alone. */
void activations_are_within_their_bound(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const float special[] = {0.0f, -0.0f, FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MIN, -FLT_MIN,
        1e-10f, 1e6f, -1e6f, 1e12f, -1e12f, FLT_MAX, -FLT_MAX};
    enum { STEPS = 40001, RANGE = 12 };
    struct linear_shape shape = {STEPS + VF_COUNT(special), 1, 1};
    static const enum vf_epilogue epilogues[] = {
        VF_EPILOGUE_GELU_ERF, VF_EPILOGUE_GELU_TANH, VF_EPILOGUE_SILU};
    for (size_t e = 0; e < VF_COUNT(epilogues); e++) {
        struct linear_case t = new_case(kernels, shape, e);
        for (size_t i = 0; i < STEPS; i++)
            t.a.at[i * t.a.ld] = (float)(2.0 * RANGE * (double)i / (STEPS - 1) - RANGE);
        for (size_t i = 0; i < VF_COUNT(special); i++) {
            /* The exponents of the other forms leave the range of float beyond 1e12. */
            int fits = fabsf(special[i]) <= 1e12f || epilogues[e] == VF_EPILOGUE_GELU_ERF;
            t.a.at[(STEPS + i) * t.a.ld] = fits ? special[i] : 0;
        }
        matrix_fill(&t.weights, 1);
        matrix_fill(&t.bias, 0);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogues[e]);
        for (size_t i = 0; i < shape.m; i++) {
            double tolerance, x = (double)t.a.at[i * t.a.ld];
            double want = expected_epilogue(epilogues[e], x, 0, &tolerance);
            check_near(t.c.at[i * t.c.ld], want, tolerance, t.name, i, 0);
        }
        free_case(&t);
    }
}
