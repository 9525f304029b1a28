#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/kernel_fixture.h"
#include "kernels/kernel_tests.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows to normalise, with or without something to add, in place or not. */
struct norm_case {
    char name[128];
    struct vf_norm_f32 norm;
    struct matrix x, y, before; /* `before` is a copy of x */
    struct matrix apart;        /* where the result goes unless it is in place */
    struct matrix gamma, beta;
    bool has_y, in_place;
};

static const struct matrix *result_of(const struct norm_case *t)
{
    return t->in_place ? &t->x : &t->apart;
}

static struct norm_case new_case(
    const struct vf_kernels *kernels, size_t m, size_t n, size_t index, struct random *random)
{
    static const size_t gaps[] = {0, 1, 13};
    size_t ld = n + gaps[index % VF_COUNT(gaps)];
    enum place place = index % 2 ? AFTER_GUARD : BEFORE_GUARD;
    struct norm_case t = {.has_y = index / 2 % 2, .in_place = index / 4 % 2};
    snprintf(t.name, sizeof t.name, "%s: %zu rows of %zu, case %zu", kernels->tier, m, n, index);
    t.x = matrix_new(m, n, ld, place);
    t.y = matrix_new(t.has_y ? m : 0, n, ld, place);
    t.before = matrix_new(m, n, ld, place);
    t.apart = matrix_new(t.in_place ? 0 : m, n, n + gaps[(index + 1) % VF_COUNT(gaps)], place);
    t.gamma = matrix_new(1, n, n, BEFORE_GUARD);
    t.beta = matrix_new(1, n, n, BEFORE_GUARD);
    matrix_fill_random(&t.gamma, random, 2);
    matrix_fill_random(&t.beta, random, 1);
    t.norm = (struct vf_norm_f32){
        .n = n, .rms = index / 8 % 2, .eps = 1e-12f, .gamma = t.gamma.at, .beta = t.beta.at};
    return t;
}

/* Random rows with standard deviation near `scale` about `offset`. */
static void fill_rows(struct norm_case *t, struct random *random, float scale, float offset)
{
    matrix_fill_random(&t->x, random, scale);
    matrix_fill_random(&t->y, random, scale);
    for (size_t i = 0; i < t->x.rows; i++)
        for (size_t j = 0; j < t->x.cols; j++)
            matrix_row(&t->x, i)[j] += offset;
}

static void run_case(struct norm_case *t, const struct vf_kernels *kernels)
{
    for (size_t i = 0; i < t->x.rows; i++)
        memcpy(matrix_row(&t->before, i), matrix_row(&t->x, i), t->x.cols * sizeof(float));
    kernels->add_norm_f32(&t->norm, t->x.at, t->x.ld, t->has_y ? t->y.at : NULL, t->y.ld, t->x.rows,
        result_of(t)->at, result_of(t)->ld);
    matrix_check_canaries(&t->x, t->name);
    matrix_check_canaries(&t->apart, t->name);
    matrix_check_canaries(&t->y, t->name);
}

static void free_case(struct norm_case *t)
{
    matrix_free(&t->x);
    matrix_free(&t->y);
    matrix_free(&t->before);
    matrix_free(&t->apart);
    matrix_free(&t->gamma);
    matrix_free(&t->beta);
}

static double operand(const struct norm_case *t, size_t i, size_t j)
{
    double x = (double)matrix_row(&t->before, i)[j];
    return t->has_y ? x + (double)matrix_row(&t->y, i)[j] : x;
}

static void check_row(const struct norm_case *t, size_t i)
{
    size_t n = t->norm.n;
    double mean = 0, variance = 0, largest = 0;
    for (size_t j = 0; j < n; j++) {
        mean += t->norm.rms ? 0 : operand(t, i, j) / (double)n;
        largest = fmax(largest, fabs(operand(t, i, j)));
    }
    for (size_t j = 0; j < n; j++)
        variance += (operand(t, i, j) - mean) * (operand(t, i, j) - mean) / (double)n;
    double sigma = sqrt(variance + (double)t->norm.eps);
    for (size_t j = 0; j < n; j++) {
        double gamma = (double)t->norm.gamma[j], beta = (double)t->norm.beta[j];
        double z = (operand(t, i, j) - mean) / sigma;
        double tolerance =
            VF_U * (fabs(gamma) * ((double)n + 16) * (1 + largest / sigma) * (1 + 2 * fabs(z)) +
                       2 * fabs(beta));
        check_near(matrix_row(result_of(t), i)[j], gamma * z + beta, tolerance, t->name, i, j);
        if (!t->in_place)
            check_near(matrix_row(&t->x, i)[j], (double)(float)operand(t, i, j), 0, t->name, i, j);
    }
}

void add_norm_is_within_its_bound(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t real_sizes[] = {127, 128, 129, 312, 384, 512, 768, 1024};
    static const size_t rows[] = {0, 1, 2, 3, 5, 8};
    static const struct {
        float scale, offset, eps;
    } values[] = {{1, 0, 1e-12f}, {1, 1000, 1e-12f}, {1e-4f, 0, 1e-5f}, {1e6f, -1e6f, 1e-12f},
        {0, 3, 1e-5f}, {30, 1, 1e-5f}};
    struct random random = {11};
    for (size_t i = 0; i < 3 * (70 + VF_COUNT(real_sizes)); i++) {
        size_t size = i / 3, v = i % VF_COUNT(values);
        size_t n = size < 70 ? size + 1 : real_sizes[size - 70];
        size_t m = rows[random_bits(&random) % VF_COUNT(rows)];
        struct norm_case t = new_case(kernels, m, n, i, &random);
        fill_rows(&t, &random, values[v].scale, values[v].offset);
        t.norm.eps = values[v].eps;
        run_case(&t, kernels);
        for (size_t r = 0; r < m; r++)
            check_row(&t, r);
        free_case(&t);
    }
}

void add_norm_rows_are_independent(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t sizes[] = {5, 16, 37, 384};
    enum { ROWS = 11 };
    struct random random = {12};
    for (size_t i = 0; i < 2 * VF_COUNT(sizes); i++) {
        size_t n = sizes[i / 2];
        struct norm_case t = new_case(kernels, ROWS, n, 2 * i, &random);
        fill_rows(&t, &random, 1, 0.5f);
        run_case(&t, kernels);
        for (size_t r = 0; r < ROWS; r++) {
            struct matrix x = matrix_new(1, n, n, r % 2 ? AFTER_GUARD : BEFORE_GUARD);
            memcpy(x.at, matrix_row(&t.before, r), n * sizeof(float));
            kernels->add_norm_f32(
                &t.norm, x.at, n, t.has_y ? matrix_row(&t.y, r) : NULL, 0, 1, x.at, n);
            struct matrix want = *result_of(&t);
            want.at = matrix_row(&want, r);
            want.rows = 1;
            matrix_check_same_bits(&x, &want, t.name);
            matrix_free(&x);
        }
        free_case(&t);
    }
}

void add_norm_keeps_nan_apart(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t sizes[] = {3, 16, 33, 384};
    enum { ROWS = 7 };
    enum { IN_X, IN_Y, IN_GAMMA, IN_BETA };
    struct random random = {13};
    for (size_t i = 0; i < 4 * VF_COUNT(sizes); i++) {
        size_t n = sizes[i / 4], where = i % 4;
        size_t row = random_bits(&random) % ROWS, column = random_bits(&random) % n;
        struct norm_case t = new_case(kernels, ROWS, n, 2, &random);
        fill_rows(&t, &random, 1, 0);
        struct matrix *matrices[] = {&t.x, &t.y, &t.gamma, &t.beta};
        matrix_row(matrices[where], where <= IN_Y ? row : 0)[column] = NAN;
        run_case(&t, kernels);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t j = 0; j < n; j++) {
                int want = where <= IN_Y ? r == row : j == column;
                vf_check(isnan(matrix_row(result_of(&t), r)[j]) == want,
                    "%s: NaN at %zu: row %zu, column %zu", t.name, where, r, j);
            }
        free_case(&t);
    }
}

/* One row is added to all with a distance of 0. */
void add_equals_the_reference(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t sizes[] = {1, 7, 8, 15, 16, 17, 33, 384};
    enum { ROWS = 5 };
    struct random random = {14};
    for (size_t i = 0; i < 2 * VF_COUNT(sizes); i++) {
        size_t n = sizes[i / 2];
        bool broadcast = i % 2;
        struct norm_case t = new_case(kernels, ROWS, n, 2, &random);
        fill_rows(&t, &random, 1, 0);
        for (size_t r = 0; r < ROWS; r++)
            memcpy(matrix_row(&t.before, r), matrix_row(&t.x, r), n * sizeof(float));
        kernels->add_f32(t.x.at, t.x.ld, t.y.at, broadcast ? 0 : t.y.ld, ROWS, n);
        matrix_check_canaries(&t.x, t.name);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t j = 0; j < n; j++) {
                float y = matrix_row(&t.y, broadcast ? 0 : r)[j];
                double want = (double)(matrix_row(&t.before, r)[j] + y);
                check_near(matrix_row(&t.x, r)[j], want, 0, t.name, r, j);
            }
        free_case(&t);
    }
}
