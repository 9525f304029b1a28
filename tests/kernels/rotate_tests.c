#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/kernel_fixture.h"
#include "kernels/kernel_tests.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const size_t head_sizes[] = {2, 4, 6, 14, 16, 18, 30, 32, 34, 64, 66, 96, 128, 256};

/* Rows of heads, a copy of them, and what to turn them by. */
struct rotate_case {
    char name[128];
    struct matrix x, before, turns;
    size_t head_size, heads;
};

static struct rotate_case new_case(const struct vf_kernels *kernels, size_t m, size_t head_size,
    size_t heads, size_t index, struct random *random)
{
    size_t width = head_size * heads, ld = width + index % 3;
    enum place place = index % 2 ? AFTER_GUARD : BEFORE_GUARD;
    struct rotate_case t = {.head_size = head_size, .heads = heads};
    snprintf(t.name, sizeof t.name, "%s: %zu rows of %zu heads of %zu", kernels->tier, m, heads,
        head_size);
    t.x = matrix_new(m, width, ld, place);
    t.before = matrix_new(m, width, ld, place);
    t.turns = matrix_new(m, head_size, head_size + index % 2, BEFORE_GUARD);
    matrix_fill_random(&t.x, random, 3);
    matrix_fill_random(&t.turns, random, 1);
    return t;
}

static void run_case(struct rotate_case *t, const struct vf_kernels *kernels)
{
    for (size_t i = 0; i < t->x.rows; i++)
        memcpy(matrix_row(&t->before, i), matrix_row(&t->x, i), t->x.cols * sizeof(float));
    kernels->rotate_f32(
        t->turns.at, t->turns.ld, t->head_size, t->heads, t->x.at, t->x.ld, t->x.rows);
    matrix_check_canaries(&t->x, t->name);
}

static void free_case(struct rotate_case *t)
{
    matrix_free(&t->x);
    matrix_free(&t->before);
    matrix_free(&t->turns);
}

static void check_head(const struct rotate_case *t, size_t i, size_t head)
{
    size_t half = t->head_size / 2, first = head * t->head_size;
    const float *before = matrix_row(&t->before, i) + first, *turns = matrix_row(&t->turns, i);
    const float *after = matrix_row(&t->x, i) + first;
    for (size_t j = 0; j < half; j++) {
        double a = (double)before[j], b = (double)before[half + j];
        double c = (double)turns[j], s = (double)turns[half + j];
        check_near(
            after[j], a * c - b * s, 2 * VF_U * (fabs(a * c) + fabs(b * s)), t->name, i, first + j);
        check_near(after[half + j], b * c + a * s, 2 * VF_U * (fabs(b * c) + fabs(a * s)), t->name,
            i, first + half + j);
    }
}

void rotate_is_within_its_bound(void **state)
{
    const struct vf_kernels *kernels = *state;
    struct random random = {41};
    for (size_t i = 0; i < 4 * VF_COUNT(head_sizes); i++) {
        size_t m = random_bits(&random) % 6, heads = 1 + random_bits(&random) % 4;
        struct rotate_case t = new_case(kernels, m, head_sizes[i / 4], heads, i, &random);
        run_case(&t, kernels);
        for (size_t r = 0; r < m; r++)
            for (size_t head = 0; head < heads; head++)
                check_head(&t, r, head);
        free_case(&t);
    }
}

void rotate_keeps_nan_apart(void **state)
{
    const struct vf_kernels *kernels = *state;
    enum { ROWS = 3, HEADS = 2 };
    struct random random = {42};
    for (size_t i = 0; i < VF_COUNT(head_sizes); i++) {
        size_t size = head_sizes[i], column = random_bits(&random) % (HEADS * size);
        struct rotate_case t = new_case(kernels, ROWS, size, HEADS, i, &random);
        matrix_row(&t.x, 1)[column] = NAN;
        run_case(&t, kernels);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t j = 0; j < HEADS * size; j++) {
                int want =
                    r == 1 && j / size == column / size && j % (size / 2) == column % (size / 2);
                vf_check(isnan(matrix_row(&t.x, r)[j]) == want,
                    "%s: NaN at %zu: row %zu, column %zu", t.name, column, r, j);
            }
        free_case(&t);
    }
}
