#include "encoder/packed_linear.h"

#include "base/checked.h"

#include <string.h>

/* How the panels of a precision lie. */
struct layout {
    size_t panel_columns; /* outputs of a panel */
    size_t unit;          /* outputs are filled up to a multiple of it */
    size_t k_unit;        /* so are inputs */
    size_t element_bytes;
};

static struct layout layout_of(enum vf_precision precision, const struct vf_kernels *kernels)
{
    if (precision == VF_PRECISION_BF16)
        return (struct layout){
            kernels->panel_columns_bf16, kernels->panel_unit_bf16, 2, sizeof(vf_bf16)};
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
    }
}

size_t vf_packed_linear_scratch(
    const struct vf_packed_linear *linear, const struct vf_kernels *kernels)
{
    return linear->precision == VF_PRECISION_BF16 ? kernels->linear_scratch_bf16(linear->k) : 0;
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
    }
}
