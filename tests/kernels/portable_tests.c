#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/kernel_fixture.h"
#include "kernels/portable_tests.h"

#include <stdio.h>
#include <stdlib.h>

static float *pack(const struct vf_kernels *kernels, const struct matrix *weights)
{
    size_t n = weights->rows, k = weights->cols, columns = kernels->panel_columns;
    float *panels = aligned_alloc(64, (vf_panel_floats(kernels, n, k) + 15) / 16 * 64);
    vf_check(panels, "panels");
    for (size_t first = 0; first < n; first += columns)
        kernels->pack_panel_f32(matrix_row(weights, first), weights->ld,
            n - first < columns ? n - first : columns, k, panels + first * k);
    return panels;
}

/* Compares all epilogues for the same product. */
static void compare(const struct vf_kernels *kernels, const struct matrix *a,
    const struct matrix *w, const struct matrix *bias)
{
    size_t m = a->rows, n = w->rows, k = w->cols;
    struct vf_kernels baseline;
    vf_kernels_init_portable(&baseline, 0);
    struct matrix got = matrix_new(m, n, n + 1, BEFORE_GUARD);
    struct matrix want = matrix_new(m, n, n, BEFORE_GUARD);
    float *panels = pack(kernels, w), *baseline_panels = pack(&baseline, w);
    for (int epilogue = VF_EPILOGUE_NONE; epilogue <= VF_EPILOGUE_SILU; epilogue++) {
        char name[96];
        kernels->linear_f32(&(struct vf_linear_f32){n, k, panels, bias->at},
            (enum vf_epilogue)epilogue, a->at, a->ld, m, got.at, got.ld);
        baseline.linear_f32(&(struct vf_linear_f32){n, k, baseline_panels, bias->at},
            (enum vf_epilogue)epilogue, a->at, a->ld, m, want.at, want.ld);
        (void)snprintf(name, sizeof(name), "%zu x %zu x %zu, epilogue %d", m, n, k, epilogue);
        matrix_check_same_bits(&got, &want, name);
    }
    free(panels);
    free(baseline_panels);
    matrix_free(&got);
    matrix_free(&want);
}

void portable_linear_has_the_same_bits(void **state)
{
    static const struct {
        size_t m, n, k;
    } shapes[] = {{1, 1, 1}, {3, 31, 7}, {14, 32, 64}, {17, 50, 129}, {40, 97, 384}};
    struct random random = {1};
    for (size_t i = 0; i < VF_COUNT(shapes); i++) {
        size_t n = shapes[i].n, k = shapes[i].k;
        struct matrix a = matrix_new(shapes[i].m, k, k + 3, AFTER_GUARD);
        struct matrix w = matrix_new(n, k, k, AFTER_GUARD);
        struct matrix bias = matrix_new(1, n, n, AFTER_GUARD);
        matrix_fill_random(&a, &random, 4);
        matrix_fill_random(&w, &random, 1);
        matrix_fill_random(&bias, &random, 20);
        compare(*state, &a, &w, &bias);
        matrix_free(&a);
        matrix_free(&w);
        matrix_free(&bias);
    }
}

/* The activations alone, of numbers great and small. */
void portable_activations_have_the_same_bits(void **state)
{
    enum { NUMBERS = 1 << 16 };
    struct matrix x = matrix_new(NUMBERS, 1, 1, AFTER_GUARD);
    struct matrix one = matrix_new(1, 1, 1, AFTER_GUARD), zero = matrix_new(1, 1, 1, AFTER_GUARD);
    matrix_fill(&one, 1);
    matrix_fill(&zero, 0);
    for (int i = 0; i < NUMBERS; i++) {
        float y = (float)(i - NUMBERS / 2) / (NUMBERS / 6);
        x.at[i] = y * y * y * y * y; /* up to 243, many of them near 0 */
    }
    compare(*state, &x, &one, &zero);
    matrix_free(&x);
    matrix_free(&one);
    matrix_free(&zero);
}
