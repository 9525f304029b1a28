#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/kernel_fixture.h"
#include "kernels/kernel_tests.h"
#include "kernels/linear_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const size_t sizes[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64, 100, 1152};
static const size_t rows[] = {0, 1, 2, 5};
enum { EPILOGUES = VF_EPILOGUE_SILU + 1 };

/* Rows of gate and up, and a copy of them. */
struct gate_case {
    char name[128];
    struct matrix a, before;
    size_t n;
};

static struct gate_case new_case(
    const struct vf_kernels *kernels, size_t m, size_t n, size_t index, struct random *random)
{
    size_t ld = 2 * n + index % 3;
    enum place place = index % 2 ? AFTER_GUARD : BEFORE_GUARD;
    struct gate_case t = {.n = n};
    snprintf(t.name, sizeof t.name, "%s: %zu rows of %zu, case %zu", kernels->tier, m, n, index);
    t.a = matrix_new(m, 2 * n, ld, place);
    t.before = matrix_new(m, 2 * n, ld, place);
    matrix_fill_random(&t.a, random, 6);
    return t;
}

static void run_case(
    struct gate_case *t, const struct vf_kernels *kernels, enum vf_epilogue epilogue)
{
    for (size_t i = 0; i < t->a.rows; i++)
        memcpy(matrix_row(&t->before, i), matrix_row(&t->a, i), t->a.cols * sizeof(float));
    kernels->gate_f32(epilogue, t->a.at, t->a.ld, t->a.rows, t->n);
    matrix_check_canaries(&t->a, t->name);
}

static void free_case(struct gate_case *t)
{
    matrix_free(&t->a);
    matrix_free(&t->before);
}

static void check_row(const struct gate_case *t, enum vf_epilogue epilogue, size_t i)
{
    const float *before = matrix_row(&t->before, i), *after = matrix_row(&t->a, i);
    for (size_t j = 0; j < t->n; j++) {
        double error, up = (double)before[t->n + j];
        double gate = expected_epilogue(epilogue, (double)before[j], 0, &error);
        double tolerance = (error + VF_U * (fabs(gate) + error)) * fabs(up);
        check_near(after[j], gate * up, tolerance, t->name, i, j);
        check_near(after[t->n + j], up, 0, t->name, i, t->n + j);
    }
}

void gate_is_within_its_bound(void **state)
{
    const struct vf_kernels *kernels = *state;
    struct random random = {31};
    for (size_t i = 0; i < EPILOGUES * VF_COUNT(sizes); i++) {
        enum vf_epilogue epilogue = (enum vf_epilogue)(i % EPILOGUES);
        size_t m = rows[random_bits(&random) % VF_COUNT(rows)];
        struct gate_case t = new_case(kernels, m, sizes[i / EPILOGUES], i, &random);
        run_case(&t, kernels, epilogue);
        for (size_t r = 0; r < m; r++)
            check_row(&t, epilogue, r);
        free_case(&t);
    }
}

void gate_keeps_nan_apart(void **state)
{
    const struct vf_kernels *kernels = *state;
    enum { ROWS = 3 };
    struct random random = {32};
    for (size_t i = 0; i < EPILOGUES * VF_COUNT(sizes); i++) {
        size_t n = sizes[i / EPILOGUES], column = random_bits(&random) % (2 * n);
        struct gate_case t = new_case(kernels, ROWS, n, i, &random);
        matrix_row(&t.a, 1)[column] = NAN;
        run_case(&t, kernels, (enum vf_epilogue)(i % EPILOGUES));
        for (size_t r = 0; r < ROWS; r++)
            for (size_t j = 0; j < n; j++)
                vf_check(isnan(matrix_row(&t.a, r)[j]) == (r == 1 && j == column % n),
                    "%s: NaN at %zu: row %zu, column %zu", t.name, column, r, j);
        free_case(&t);
    }
}
