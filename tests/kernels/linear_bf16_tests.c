#include "kernels/bf16.h"
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

/* A linear map with its operands, placed and strided differently from case to case. */
struct bf16_case {
    char name[128];
    struct vf_linear_bf16 linear;
    struct matrix a, weights, bias, c;
    struct matrix panels, scratch; /* one row */
};

static struct bf16_case new_case(
    const struct vf_kernels *kernels, struct linear_shape shape, size_t index)
{
    static const size_t gaps[] = {0, 1, 13};
    size_t gap = gaps[index % VF_COUNT(gaps)];
    enum place place = index % 2 ? AFTER_GUARD : BEFORE_GUARD;
    struct bf16_case t = {.panels = {0}};
    snprintf(t.name, sizeof t.name, "%s: %zu rows, %zu columns, %zu inputs, case %zu",
        kernels->name_bf16, shape.m, shape.n, shape.k, index);
    t.a = matrix_new(shape.m, shape.k, shape.k + gap, place);
    t.c = matrix_new(shape.m, shape.n, shape.n + gap, place);
    t.weights = matrix_new(shape.n, shape.k, shape.k + gap, place);
    t.bias = matrix_new(1, shape.n, shape.n, BEFORE_GUARD);
    return t;
}

static vf_bf16 *panel_at(const struct vf_kernels *kernels, const struct matrix *panels,
    const struct matrix *weights, size_t output)
{
    size_t first = output / kernels->panel_columns_bf16 * kernels->panel_columns_bf16;
    return (vf_bf16 *)(void *)panels->at + first * (weights->cols + weights->cols % 2);
}

static struct matrix pack(const struct vf_kernels *kernels, const struct matrix *weights)
{
    size_t n = weights->rows, k = weights->cols, columns = kernels->panel_columns_bf16;
    size_t floats = vf_panel_bf16s(kernels, n, k) / 2;
    struct matrix panels = matrix_new(1, floats, floats, BEFORE_GUARD_ALIGNED);
    for (size_t first = 0; first < n; first += columns)
        vf_pack_panel_bf16(kernels, matrix_row(weights, first), weights->ld,
            n - first < columns ? n - first : columns, k,
            panel_at(kernels, &panels, weights, first));
    return panels;
}

/* Packs the weights for `kernels`, replacing what was packed before. */
static void prepare(struct bf16_case *t, const struct vf_kernels *kernels)
{
    size_t floats = kernels->linear_scratch_bf16(t->weights.cols);
    matrix_free(&t->panels);
    matrix_free(&t->scratch);
    t->panels = pack(kernels, &t->weights);
    t->scratch = matrix_new(floats > 0, floats, floats, BEFORE_GUARD_ALIGNED);
    t->linear = (struct vf_linear_bf16){.n = t->weights.rows,
        .k = t->weights.cols,
        .panels = panel_at(kernels, &t->panels, &t->weights, 0),
        .bias = t->bias.at};
}

static void run_case(
    struct bf16_case *t, const struct vf_kernels *kernels, enum vf_epilogue epilogue)
{
    kernels->linear_bf16(
        &t->linear, epilogue, t->a.at, t->a.ld, t->a.rows, t->c.at, t->c.ld, t->scratch.at);
    matrix_check_canaries(&t->c, t->name);
    matrix_check_canaries(&t->a, t->name);
    if (t->scratch.rows > 0)
        matrix_check_canaries(&t->scratch, t->name);
}

static void free_case(struct bf16_case *t)
{
    matrix_free(&t->a);
    matrix_free(&t->c);
    matrix_free(&t->weights);
    matrix_free(&t->bias);
    matrix_free(&t->panels);
    matrix_free(&t->scratch);
}

static struct linear_tile tile_of(const struct vf_kernels *kernels)
{
    return (struct linear_tile){
        kernels->tile_rows, kernels->panel_columns_bf16, kernels->panel_unit_bf16};
}

void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    static const struct {
        float x, want;
    } cases[] = {
        {0, 0},
        {-0.0f, -0.0f},
        {1, 1},
        {0x1.01p0f, 0x1.00p0f},     /* a tie, down to even */
        {0x1.03p0f, 0x1.04p0f},     /* a tie, up to even */
        {0x1.010002p0f, 0x1.02p0f}, /* just above a tie */
        {0x1.02fffep0f, 0x1.02p0f}, /* just below one */
        {-0x1.03p0f, -0x1.04p0f},   /* the sign does not matter */
        {0x1.ffp0f, 0x1p1f},        /* carries into the exponent */
        {0x1p-133f, 0x1p-133f},     /* the smallest */
        {0x1p-134f, 0},             /* half of it */
        {0x1.8p-134f, 0x1p-133f},
        {FLT_MAX, INFINITY},
        {-FLT_MAX, -INFINITY},
        {0x1.fep127f, 0x1.fep127f}, /* the largest */
        {INFINITY, INFINITY},
    };
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        float got = vf_bf16_widen(vf_bf16_round(cases[i].x));
        vf_check(memcmp(&got, &cases[i].want, sizeof got) == 0, "%a becomes %a", (double)cases[i].x,
            (double)got);
    }
    /* A NaN whose payload is in the lower half alone. */
    const uint32_t bits = 0x7F800001;
    float nan;
    memcpy(&nan, &bits, sizeof nan);
    assert_true(isnan(vf_bf16_widen(vf_bf16_round(nan))));
}

void pack_panel_bf16_lays_out(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t inputs[] = {1, 2, 7, 16, 33};
    struct random random = {31};
    for (size_t n = 1; n <= 2 * kernels->panel_columns_bf16; n++) {
        for (size_t i = 0; i < VF_COUNT(inputs); i++) {
            size_t k = inputs[i], columns = kernels->panel_columns_bf16;
            char name[64];
            snprintf(name, sizeof name, "%s: %zu columns, %zu inputs", kernels->tier, n, k);
            struct matrix rows = matrix_new(n, k, k + i, i % 2 ? AFTER_GUARD : BEFORE_GUARD);
            matrix_fill_random(&rows, &random, 1);
            struct matrix panels = pack(kernels, &rows);
            for (size_t j = 0; j < n; j++) {
                size_t unit = kernels->panel_unit_bf16, first = j / columns * columns;
                size_t left = n - first < columns ? n - first : columns;
                size_t width = (left + unit - 1) / unit * unit;
                const vf_bf16 *panel = panel_at(kernels, &panels, &rows, j);
                for (size_t p = 0; p < k + k % 2; p++) {
                    vf_bf16 want = p < k ? vf_bf16_round(matrix_row(&rows, j)[p]) : 0;
                    vf_bf16 got = panel[(p / 2 * width + (j - first)) * 2 + p % 2];
                    vf_check(got == want, "%s: output %zu, input %zu", name, j, p);
                }
                for (size_t p = 0; j + 1 == n && p < k + k % 2; p++)
                    for (size_t after = n - first; after < width; after++)
                        vf_check(panel[(p / 2 * width + after) * 2 + p % 2] == 0,
                            "%s: behind the last output, input %zu", name, p);
            }
            matrix_check_canaries(&panels, name);
            matrix_free(&panels);
            matrix_free(&rows);
        }
    }
}

void linear_bf16_is_exact_on_integers(void **state)
{
    const struct vf_kernels *kernels = *state;
    /* Denormals too: a kernel that computes in float32 must not flush them. */
    static const float scales[] = {1, 0x1p100f, 0x1p-149f};
    size_t n_scales = VF_COUNT(scales) - kernels->rounds_inputs_bf16;
    static const enum vf_epilogue epilogues[] = {VF_EPILOGUE_NONE, VF_EPILOGUE_RELU};
    struct vf_kernels ref;
    vf_kernels_init(&ref, 0);
    struct random random = {32};
    static struct linear_shape shapes[MAX_LINEAR_SHAPES];
    size_t count = list_linear_shapes(tile_of(kernels), shapes);
    for (size_t i = 0; i < count; i++) {
        enum vf_epilogue epilogue = epilogues[i / 3 % 2];
        float scale = scales[i % n_scales];
        struct bf16_case t = new_case(kernels, shapes[i], i);
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

static void check_case(
    const struct bf16_case *t, const struct vf_kernels *kernels, enum vf_epilogue epilogue)
{
    size_t k = t->weights.cols;
    double u = kernels->rounds_inputs_bf16 ? 2 * VF_U : VF_U;
    for (size_t i = 0; i < t->c.rows; i++)
        for (size_t j = 0; j < t->c.cols; j++) {
            double bias = (double)t->bias.at[j], sum = bias, magnitude = fabs(bias), tolerance;
            for (size_t p = 0; p < k; p++) {
                float a = matrix_row(&t->a, i)[p];
                a = kernels->rounds_inputs_bf16 ? vf_bf16_widen(vf_bf16_round(a)) : a;
                double product =
                    (double)a * (double)vf_bf16_widen(vf_bf16_round(matrix_row(&t->weights, j)[p]));
                sum += product;
                magnitude += fabs(product);
            }
            double error = (double)(k + 2) * u * magnitude;
            double want = expected_epilogue(epilogue, sum, error, &tolerance);
            if (kernels->rounds_inputs_bf16 && epilogue >= VF_EPILOGUE_GELU_ERF)
                tolerance +=
                    (VF_ACTIVATION_BOUND_COARSE - VF_ACTIVATION_BOUND) * fmax(fabs(sum), 1);
            check_near(matrix_row(&t->c, i)[j], want, tolerance, t->name, i, j);
        }
}

void linear_bf16_is_within_its_bound(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const float scales[] = {1, 4, 1e-3f, 1e5f};
    struct random random = {33};
    static struct linear_shape shapes[MAX_LINEAR_SHAPES];
    size_t count = list_linear_shapes(tile_of(kernels), shapes);
    for (size_t i = 0; i < count; i++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)(i % 5);
        float scale = scales[i / 4 % VF_COUNT(scales)];
        struct bf16_case t = new_case(kernels, shapes[i], i);
        matrix_fill_random(&t.a, &random, scale);
        matrix_fill_random(&t.weights, &random, 1);
        matrix_fill_random(&t.bias, &random, 2);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        check_case(&t, kernels, epilogue);
        free_case(&t);
    }
}

/* It is linear_f32 with rounded weights, to the last bit. */
void linear_bf16_equals_linear_f32(void **state)
{
    const struct vf_kernels *kernels = *state;
    if (kernels->rounds_inputs_bf16)
        skip();
    struct random random = {34};
    assert_int_equal(kernels->panel_columns_bf16, kernels->panel_columns);
    for (size_t e = 0; e < 4; e++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)e;
        size_t m = 2 * kernels->tile_rows + 1, n = kernels->panel_columns, k = 37 + e;
        struct bf16_case t = new_case(kernels, (struct linear_shape){m, n, k}, e);
        struct matrix panels = matrix_new(1, n * k, n * k, BEFORE_GUARD_ALIGNED);
        struct matrix want = matrix_new(m, n, n, BEFORE_GUARD);
        matrix_fill_random(&t.a, &random, 3);
        matrix_fill_random(&t.weights, &random, 1);
        matrix_fill_random(&t.bias, &random, 1);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        for (size_t j = 0; j < n; j++)
            for (size_t p = 0; p < k; p++) {
                float *weight = &matrix_row(&t.weights, j)[p];
                *weight = vf_bf16_widen(vf_bf16_round(*weight));
            }
        kernels->pack_panel_f32(t.weights.at, t.weights.ld, n, k, panels.at);
        kernels->linear_f32(
            &(struct vf_linear_f32){.n = n, .k = k, .panels = panels.at, .bias = t.bias.at},
            epilogue, t.a.at, t.a.ld, m, want.at, want.ld);
        matrix_check_same_bits(&t.c, &want, t.name);
        matrix_free(&want);
        matrix_free(&panels);
        free_case(&t);
    }
}

void linear_bf16_rows_are_independent(void **state)
{
    const struct vf_kernels *kernels = *state;
    struct random random = {35};
    /* More rows than any kernel takes at a time. */
    size_t m = 150, n = 2 * kernels->panel_columns_bf16 + 3, k = 37;
    for (size_t e = 0; e < 4; e++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)e;
        struct bf16_case t = new_case(kernels, (struct linear_shape){m, n, k}, e);
        matrix_fill_random(&t.a, &random, 3);
        matrix_fill_random(&t.weights, &random, 1);
        matrix_fill_random(&t.bias, &random, 1);
        prepare(&t, kernels);
        run_case(&t, kernels, epilogue);
        for (size_t first = 0; first < m; first++) {
            size_t rows = 1 + first % (m - first);
            struct matrix c = matrix_new(rows, n, n, BEFORE_GUARD);
            kernels->linear_bf16(&t.linear, epilogue, matrix_row(&t.a, first), t.a.ld, rows, c.at,
                c.ld, t.scratch.at);
            struct matrix want = t.c;
            want.at = matrix_row(&t.c, first);
            want.rows = rows;
            matrix_check_same_bits(&c, &want, t.name);
            matrix_free(&c);
        }
        free_case(&t);
    }
}

void linear_bf16_keeps_nan_apart(void **state)
{
    const struct vf_kernels *kernels = *state;
    struct random random = {36};
    size_t m = 2 * kernels->tile_rows + 1, n = kernels->panel_columns_bf16 + 3, k = 19;
    enum { IN_ROW, IN_COLUMN, IN_BIAS };
    for (size_t i = 0; i < 4 * 3 * 4; i++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)(i % 5);
        size_t where = i / 4 % 3;
        size_t row = random_bits(&random) % m, column = random_bits(&random) % n;
        struct bf16_case t = new_case(kernels, (struct linear_shape){m, n, k}, i);
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
                    "%s: epilogue %zu, NaN at %zu: row %zu, column %zu", t.name, i % 4, where, r,
                    j);
            }
        free_case(&t);
    }
}

void linear_scratch_bf16_grows(void **state)
{
    const struct vf_kernels *kernels = *state;
    for (size_t k = 1; k <= 5000; k++)
        vf_check(kernels->linear_scratch_bf16(k) <= kernels->linear_scratch_bf16(k + 1),
            "%s: %zu inputs", kernels->tier, k);
}
