#include "kernels/int8_fixture.h"

#include "harness.h"

#include <stdlib.h>
#include <string.h>

struct int8_weights int8_weights_new(
    const struct vf_kernels *kernels, const int8_t *weights, size_t n, size_t k)
{
    size_t columns = kernels->panel_columns_int8, floats = vf_panel_int8s(kernels, n, k) / 4;
    struct int8_weights packed = {
        .panels = matrix_new(1, floats, floats, BEFORE_GUARD_ALIGNED),
        .sums = malloc(n * sizeof(int32_t)),
    };
    assert_non_null(packed.sums);
    int8_t *panels = (int8_t *)(void *)packed.panels.at;
    for (size_t first = 0; first < n; first += columns)
        vf_pack_panel_int8(kernels, weights + first * k, k,
            n - first < columns ? n - first : columns, k,
            panels + first * ((k + VF_INT8_GROUP - 1) / VF_INT8_GROUP * VF_INT8_GROUP),
            packed.sums + first);
    matrix_check_canaries(&packed.panels, kernels->name_int8);
    packed.linear = (struct vf_linear_int8){.n = n, .k = k, .panels = panels, .sums = packed.sums};
    return packed;
}

void int8_weights_free(struct int8_weights *weights)
{
    matrix_free(&weights->panels);
    free(weights->sums);
    *weights = (struct int8_weights){0};
}

struct quantized_rows quantize(const struct vf_kernels *kernels, const struct matrix *x,
    const float *factors, const char *name)
{
    size_t m = x->rows, ld = vf_quantized_bytes(kernels, x->cols);
    struct quantized_rows rows = {
        .kernels = kernels,
        .m = m,
        .bytes = matrix_new(m, ld / sizeof(float), ld / sizeof(float), BEFORE_GUARD_ALIGNED),
        .scales = matrix_new(m > 0, m, m, BEFORE_GUARD),
        .zeros = matrix_new(m > 0, m, m, BEFORE_GUARD),
    };
    rows.quantized = (struct vf_quantized){
        .bytes = (uint8_t *)rows.bytes.at,
        .ld = ld,
        .scales = rows.scales.at,
        .zeros = (int32_t *)(void *)rows.zeros.at,
    };
    kernels->quantize_int8(x->at, x->ld, m, x->cols, factors, &rows.quantized);
    matrix_check_canaries(x, name);
    matrix_check_canaries(&rows.bytes, name);
    if (m > 0) {
        matrix_check_canaries(&rows.scales, name);
        matrix_check_canaries(&rows.zeros, name);
    }
    return rows;
}

void quantized_rows_free(struct quantized_rows *rows)
{
    matrix_free(&rows->bytes);
    matrix_free(&rows->scales);
    matrix_free(&rows->zeros);
}

/* What lies in a row shows through an identity map whose row scale is 1. */
struct matrix dequantize(const struct quantized_rows *rows, size_t k)
{
    int8_t *identity = calloc(k, k);
    assert_non_null(identity);
    for (size_t i = 0; i < k; i++)
        identity[i * k + i] = 1;
    struct int8_weights packed = int8_weights_new(rows->kernels, identity, k, k);
    struct matrix ones = matrix_new(1, k, k, BEFORE_GUARD);
    struct matrix zeros = matrix_new(1, k, k, BEFORE_GUARD);
    struct matrix row_scales = matrix_new(1, rows->m + 1, rows->m + 1, BEFORE_GUARD);
    matrix_fill(&ones, 1);
    matrix_fill(&zeros, 0);
    matrix_fill(&row_scales, 1);
    packed.linear.scales = ones.at;
    packed.linear.bias = zeros.at;
    struct vf_quantized unscaled = rows->quantized;
    unscaled.scales = row_scales.at;
    struct matrix out = matrix_new(rows->m, k, k, BEFORE_GUARD);
    rows->kernels->linear_int8(
        &packed.linear, VF_EPILOGUE_NONE, &unscaled, rows->m, out.at, out.ld);
    int8_weights_free(&packed);
    matrix_free(&ones);
    matrix_free(&zeros);
    matrix_free(&row_scales);
    free(identity);
    return out;
}
