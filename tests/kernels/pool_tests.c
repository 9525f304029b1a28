#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/kernel_fixture.h"
#include "kernels/kernel_tests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pool {
    const char *name;
    size_t offset; /* of its slot in the table */
} pools[] = {{"mean", offsetof(struct vf_kernels, pool_mean_f32)},
    {"max", offsetof(struct vf_kernels, pool_max_f32)}};

static vf_pool_f32_fn *slot(const struct vf_kernels *kernels, const struct pool *pool)
{
    vf_pool_f32_fn *fn;
    memcpy(&fn, (const char *)kernels + pool->offset, sizeof fn);
    return fn;
}

void pools_equal_the_reference(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const size_t rows[] = {1, 2, 3, 4, 5, 7, 8, 9, 31, 128, 512};
    static const size_t real_sizes[] = {384, 768, 1024};
    struct vf_kernels ref;
    vf_kernels_init(&ref, 0);
    struct random random = {31};
    for (size_t i = 0; i < VF_COUNT(pools) * (70 + VF_COUNT(real_sizes)); i++) {
        size_t size = i / VF_COUNT(pools), m = rows[random_bits(&random) % VF_COUNT(rows)];
        size_t n = size < 70 ? size + 1 : real_sizes[size - 70];
        const struct pool *pool = &pools[i % VF_COUNT(pools)];
        char name[96];
        snprintf(name, sizeof name, "%s: %s of %zu rows of %zu", kernels->tier, pool->name, m, n);
        enum place place = size % 2 ? AFTER_GUARD : BEFORE_GUARD;
        struct matrix x = matrix_new(m, n, n + i % 5, place);
        struct matrix got = matrix_new(1, n, n, place), want = matrix_new(1, n, n, BEFORE_GUARD);
        matrix_fill_random(&x, &random, i % 3 ? 1 : 1e6f);
        slot(&ref, pool)(x.at, x.ld, m, n, want.at);
        slot(kernels, pool)(x.at, x.ld, m, n, got.at);
        matrix_check_same_bits(&got, &want, name);
        matrix_check_canaries(&got, name);
        for (size_t j = 0; j < n; j++) {
            double sum = 0, max = -HUGE_VAL, magnitude = 0;
            for (size_t r = 0; r < m; r++) {
                double value = (double)matrix_row(&x, r)[j];
                sum += value / (double)m;
                magnitude += fabs(value) / (double)m;
                max = fmax(max, value);
            }
            if (pool == &pools[0])
                check_near(got.at[j], sum, VF_U * fabs(sum) + 1e-13 * magnitude, name, 0, j);
            else
                check_near(got.at[j], max, 0, name, 0, j);
        }
        matrix_free(&x);
        matrix_free(&got);
        matrix_free(&want);
    }
}

void pools_keep_nan_apart(void **state)
{
    const struct vf_kernels *kernels = *state;
    enum { ROWS = 5, COLUMNS = 37 };
    struct random random = {32};
    for (size_t i = 0; i < VF_COUNT(pools) * ROWS * COLUMNS; i++) {
        const struct pool *pool = &pools[i % VF_COUNT(pools)];
        size_t row = i / VF_COUNT(pools) / COLUMNS, column = i / VF_COUNT(pools) % COLUMNS;
        struct matrix x = matrix_new(ROWS, COLUMNS, COLUMNS, BEFORE_GUARD);
        struct matrix out = matrix_new(1, COLUMNS, COLUMNS, BEFORE_GUARD);
        matrix_fill_random(&x, &random, 1);
        matrix_row(&x, row)[column] = NAN;
        slot(kernels, pool)(x.at, x.ld, ROWS, COLUMNS, out.at);
        for (size_t j = 0; j < COLUMNS; j++)
            vf_check(isnan(out.at[j]) == (j == column), "%s: %s, NaN in row %zu: column %zu of %zu",
                kernels->tier, pool->name, row, j, column);
        matrix_free(&x);
        matrix_free(&out);
    }
}

void peaks_count_operations(void **state)
{
    const struct vf_kernels *kernels = *state;
    vf_peak_fn *const peaks[] = {kernels->peak_f32, kernels->peak_bf16, kernels->peak_int8};
    for (size_t i = 0; i < VF_COUNT(peaks); i++) {
        double one = peaks[i](1);
        vf_check(one >= 2, "%s: peak %zu: %g operations a round", kernels->tier, i, one);
        assert_true(peaks[i](1000) == 1000 * one);
    }
}
