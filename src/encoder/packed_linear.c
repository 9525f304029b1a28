#include "encoder/packed_linear.h"

#include "base/checked.h"

#include <assert.h>
#include <string.h>

/* Rows that are quantised and multiplied at a time: as few as let the panels be read seldom enough,
 * for the quantised rows should stay in the first-level cache. */
enum { QUANTIZED_ROWS = 128 };

/* How the panels of a precision lie. */
struct layout {
    size_t panel_columns; /* outputs of a panel */
    size_t unit;          /* outputs are filled up to a multiple of it */
    size_t k_unit;        /* so are inputs */
    size_t element_bytes;
};

static struct layout layout_of(enum vf_precision precision, const struct vf_kernels *kernels)
{
    switch (precision) {
    case VF_PRECISION_BF16:
        return (struct layout){
            kernels->panel_columns_bf16, kernels->panel_unit_bf16, 2, sizeof(vf_bf16)};
    case VF_PRECISION_INT8:
        return (struct layout){
            kernels->panel_columns_int8, kernels->panel_unit_int8, VF_INT8_GROUP, sizeof(int8_t)};
    case VF_PRECISION_FP32:
        break;
    }
    return (struct layout){kernels->panel_columns, kernels->panel_unit, 1, sizeof(float)};
}

void vf_packed_linear_place(struct vf_packed_linear *linear, enum vf_precision precision, size_t n,
    size_t k, const struct vf_kernels *kernels, struct vf_arena *arena)
{
    struct layout layout = layout_of(precision, kernels);
    size_t columns = 0, inputs = 0;
    if (!vf_size_round_up(n, layout.unit, &columns) || !vf_size_round_up(k, layout.k_unit, &inputs))
        arena->impossible = true;
    *linear = (struct vf_packed_linear){
        .precision = precision,
        .n = n,
        .k = k,
        .panels = vf_arena_take(arena, columns, inputs, layout.element_bytes),
        .bias = vf_arena_take(arena, 1, n, sizeof(float)),
    };
    if (precision == VF_PRECISION_INT8) {
        linear->sums = vf_arena_take(arena, 1, n, sizeof(int32_t));
        linear->scales = vf_arena_take(arena, 1, n, sizeof(float));
        linear->factors = vf_arena_take(arena, 1, k, sizeof(float));
    }
    if (linear->bias)
        memset(linear->bias, 0, n * sizeof(float));
}

size_t vf_packed_linear_panel_columns(
    const struct vf_packed_linear *linear, const struct vf_kernels *kernels)
{
    return layout_of(linear->precision, kernels).panel_columns;
}

void vf_packed_linear_pack(const struct vf_packed_linear *linear, const struct vf_kernels *kernels,
    size_t first, size_t count, const float *rows)
{
    size_t k = linear->k;
    switch (linear->precision) {
    case VF_PRECISION_FP32:
        kernels->pack_panel_f32(rows, k, count, k, (float *)linear->panels + first * k);
        break;
    case VF_PRECISION_BF16:
        vf_pack_panel_bf16(
            kernels, rows, k, count, k, (vf_bf16 *)linear->panels + first * (k + k % 2));
        break;
    case VF_PRECISION_INT8:
        assert(!"eight-bit weights are packed as such");
        break;
    }
}

void vf_packed_linear_pack_int8(const struct vf_packed_linear *linear,
    const struct vf_kernels *kernels, size_t first, size_t count, const struct vf_int8_linear *from)
{
    size_t k = linear->k, padded = (k + VF_INT8_GROUP - 1) / VF_INT8_GROUP * VF_INT8_GROUP;
    vf_pack_panel_int8(kernels, from->weights + first * k, k, count, k,
        (int8_t *)linear->panels + first * padded, linear->sums + first);
    memcpy(linear->scales + first, from->scales + first, count * sizeof(float));
    if (first == 0)
        memcpy(linear->factors, from->factors, k * sizeof(float));
}

/* What quantised rows of `linear` take of the scratch: bytes, scales and zero points. */
static size_t quantized_row_bytes(
    const struct vf_packed_linear *linear, const struct vf_kernels *kernels)
{
    return vf_quantized_bytes(kernels, linear->k) + sizeof(float) + sizeof(int32_t);
}

static void apply_int8(const struct vf_packed_linear *linear, const struct vf_kernels *kernels,
    enum vf_epilogue epilogue, const float *a, size_t lda, size_t m, float *c, size_t ldc,
    float *scratch)
{
    const struct vf_linear_int8 weights = {
        linear->n, linear->k, linear->panels, linear->sums, linear->scales, linear->bias};
    size_t ld = vf_quantized_bytes(kernels, linear->k);
    uint8_t *bytes = (uint8_t *)scratch;
    float *scales = (float *)(void *)(bytes + QUANTIZED_ROWS * ld);
    const struct vf_quantized rows = {
        bytes, ld, scales, (int32_t *)(void *)(scales + QUANTIZED_ROWS)};
    for (size_t row = 0, count; row < m; row += count) {
        count = m - row < QUANTIZED_ROWS ? m - row : QUANTIZED_ROWS;
        kernels->quantize_int8(a + row * lda, lda, count, linear->k, linear->factors, &rows);
        kernels->linear_int8(&weights, epilogue, &rows, count, c + row * ldc, ldc);
    }
}

size_t vf_packed_linear_scratch(
    const struct vf_packed_linear *linear, const struct vf_kernels *kernels)
{
    switch (linear->precision) {
    case VF_PRECISION_BF16:
        return kernels->linear_scratch_bf16(linear->k);
    case VF_PRECISION_INT8:
        return QUANTIZED_ROWS * quantized_row_bytes(linear, kernels) / sizeof(float);
    case VF_PRECISION_FP32:
        break;
    }
    return 0;
}

void vf_packed_linear_apply(const struct vf_packed_linear *linear, const struct vf_kernels *kernels,
    enum vf_epilogue epilogue, const float *a, size_t lda, size_t m, float *c, size_t ldc,
    float *scratch)
{
    switch (linear->precision) {
    case VF_PRECISION_FP32:
        kernels->linear_f32(
            &(struct vf_linear_f32){linear->n, linear->k, linear->panels, linear->bias}, epilogue,
            a, lda, m, c, ldc);
        break;
    case VF_PRECISION_BF16:
        kernels->linear_bf16(
            &(struct vf_linear_bf16){linear->n, linear->k, linear->panels, linear->bias}, epilogue,
            a, lda, m, c, ldc, scratch);
        break;
    case VF_PRECISION_INT8:
        apply_int8(linear, kernels, epilogue, a, lda, m, c, ldc, scratch);
        break;
    }
}
