#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/int8_fixture.h"
#include "kernels/kernel_fixture.h"
#include "kernels/kernel_tests.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rows to quantise, by what their elements are. */
static const struct content {
    const char *name;
    float least, most; /* uniform between these */
    float outlier;     /* in one place of each row, unless 0 */
} contents[] = {
    {"numbers about 0", -3, 3, 0},
    {"zeros", 0, 0, 0},
    {"one positive number", 0.7f, 0.7f, 0},
    {"one negative number", -0.7f, -0.7f, 0},
    {"positive numbers", 5, 6, 0},
    {"negative numbers", -6, -5, 0},
    {"an outlier", -0.1f, 0.1f, 100},
    {"the largest numbers", -FLT_MAX, FLT_MAX, FLT_MAX},
    {"denormal numbers", -FLT_MIN / 2, FLT_MIN / 2, 0},
    {"the smallest number", 0, 0, FLT_TRUE_MIN},
    {"results of GELU", -0.17f, 4, 0},
    {"integers to 255", 0, 0, 255},
};

static void fill(struct matrix *x, const struct content *content, struct random *random)
{
    for (size_t r = 0; r < x->rows; r++) {
        for (size_t i = 0; i < x->cols; i++) {
            float t = (random_float(random) + 1) / 2;
            matrix_row(x, r)[i] = content->least * (1 - t) + content->most * t;
        }
        if (content->outlier != 0)
            matrix_row(x, r)[random_bits(random) % x->cols] = content->outlier;
    }
}

enum { SIZES = 140 };

/* Calls `check` for rows of every content and size, with and without factors. */
static void each_case(const struct vf_kernels *kernels, uint64_t seed,
    void (*check)(const struct vf_kernels *kernels, const struct matrix *x,
        const struct matrix *factors, const char *name))
{
    static const size_t real_sizes[] = {384, 1536};
    struct random random = {seed};
    for (size_t i = 0; i < VF_COUNT(contents) * (SIZES + VF_COUNT(real_sizes)); i++) {
        const struct content *content = &contents[i % VF_COUNT(contents)];
        size_t size = i / VF_COUNT(contents), m = (i + size) % 4;
        size_t k = size < SIZES ? size + 1 : real_sizes[size - SIZES];
        char name[128];
        snprintf(name, sizeof name, "%s: %zu rows of %zu, %s, case %zu", kernels->name_int8, m, k,
            content->name, i);
        enum place place = i % 2 ? AFTER_GUARD : BEFORE_GUARD;
        struct matrix x = matrix_new(m, k, k + i % 3, place);
        struct matrix factors = matrix_new(random_bits(&random) % 2, k, k, BEFORE_GUARD);
        fill(&x, content, &random);
        matrix_fill_random(&factors, &random, 1);
        check(kernels, &x, &factors, name);
        matrix_free(&x);
        matrix_free(&factors);
    }
}

static void check_bound(const struct vf_kernels *kernels, const struct matrix *x,
    const struct matrix *factors, const char *name)
{
    struct quantized_rows rows = quantize(kernels, x, factors->rows > 0 ? factors->at : NULL, name);
    struct matrix integers = dequantize(&rows, x->cols);
    for (size_t r = 0; r < x->rows; r++) {
        float low = 0, high = 0, scale = rows.quantized.scales[r];
        int32_t zero = rows.quantized.zeros[r];
        vf_check(zero >= 0 && zero <= 255, "%s: row %zu: zero point %d", name, r, (int)zero);
        for (size_t i = 0; i < x->cols; i++) {
            float want = matrix_row(x, r)[i] * (factors->rows > 0 ? factors->at[i] : 1);
            float integer = matrix_row(&integers, r)[i];
            vf_check(integer + (float)zero >= 0 && integer + (float)zero <= 255,
                "%s: row %zu, column %zu: %g", name, r, i, (double)integer);
            double tolerance = (0.5 + 0x1p-14) * (double)scale;
            double difference = fabs((double)integer * (double)scale - (double)want);
            vf_check(difference <= tolerance, "%s: row %zu, column %zu: off by %g, more than %g",
                name, r, i, difference, tolerance);
            vf_check(want != 0 || integer == 0, "%s: row %zu, column %zu: 0", name, r, i);
            low = fminf(low, want);
            high = fmaxf(high, want);
        }
        float want_scale = fmaxf(high / 255 - low / 255, FLT_MIN);
        vf_check(scale == want_scale, "%s: row %zu: scale %a, not %a", name, r, (double)scale,
            (double)want_scale);
    }
    matrix_free(&integers);
    quantized_rows_free(&rows);
}

void quantize_int8_is_within_its_bound(void **state)
{
    each_case(*state, 61, check_bound);
}

static void check_equal(const struct vf_kernels *kernels, const struct matrix *x,
    const struct matrix *factors, const char *name)
{
    struct vf_kernels ref;
    vf_kernels_init(&ref, 0);
    const float *f = factors->rows > 0 ? factors->at : NULL;
    struct quantized_rows got = quantize(kernels, x, f, name);
    struct quantized_rows want = quantize(&ref, x, f, name);
    matrix_check_same_bits(&got.scales, &want.scales, name);
    matrix_check_same_bits(&got.zeros, &want.zeros, name);
    struct matrix got_integers = dequantize(&got, x->cols);
    struct matrix want_integers = dequantize(&want, x->cols);
    matrix_check_same_bits(&got_integers, &want_integers, name);
    matrix_free(&got_integers);
    matrix_free(&want_integers);
    quantized_rows_free(&got);
    quantized_rows_free(&want);
}

void quantize_int8_equals_the_reference(void **state)
{
    each_case(*state, 62, check_equal);
}

void quantize_int8_marks_rows_that_are_not_finite(void **state)
{
    const struct vf_kernels *kernels = *state;
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    enum { ROWS = 3, LONGEST = 80 };
    enum { IN_X, IN_FACTORS, AS_PRODUCT };
    struct random random = {63};
    for (size_t i = 0; i < 3 * VF_COUNT(bad) * LONGEST; i++) {
        size_t k = i % LONGEST + 1, where = i / LONGEST % 3;
        size_t row = random_bits(&random) % ROWS, column = random_bits(&random) % k;
        char name[96];
        snprintf(name, sizeof name, "%s: rows of %zu, case %zu", kernels->name_int8, k, i);
        struct matrix x = matrix_new(ROWS, k, k, BEFORE_GUARD);
        struct matrix factors = matrix_new(1, k, k, BEFORE_GUARD);
        matrix_fill_random(&x, &random, 1);
        matrix_fill_random(&factors, &random, 1);
        if (where == IN_X)
            matrix_row(&x, row)[column] = bad[i / LONGEST / 3];
        else if (where == IN_FACTORS)
            factors.at[column] = NAN;
        else {
            matrix_row(&x, row)[column] = -FLT_MAX;
            factors.at[column] = 2;
        }
        struct quantized_rows rows = quantize(kernels, &x, factors.at, name);
        for (size_t r = 0; r < ROWS; r++)
            vf_check(isnan(rows.scales.at[r]) == (where == IN_FACTORS || r == row),
                "%s: row %zu: scale %g", name, r, (double)rows.scales.at[r]);
        matrix_free(&x);
        matrix_free(&factors);
        quantized_rows_free(&rows);
    }
}
