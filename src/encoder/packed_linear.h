/* A linear map with packed weights: the one place that knows how each precision packs its weights
 * and which kernel applies them.
 *
 * Thread rule: immutable once packed; any thread may apply it with its own output and scratch.
 */
#ifndef VF_ENCODER_PACKED_LINEAR_H
#define VF_ENCODER_PACKED_LINEAR_H

#include "encoder/arena.h"
#include "encoder/int8_weights.h"
#include "kernels/kernels.h"

#include <vecfill/vecfill.h>

struct vf_packed_linear {
    enum vf_precision precision;
    size_t n, k;  /* outputs, inputs */
    void *panels; /* of float, vf_bf16 or int8_t */
    float *bias;  /* [n] */

    /* VF_PRECISION_INT8 alone. */
    int32_t *sums;  /* [n], of an output's weights */
    float *scales;  /* [n] */
    float *factors; /* [k], of the inputs */
};

/* Lays out a map of k inputs to n outputs in `arena`, with a bias of zeros; while that measures,
 * panels and bias stay NULL. */
void vf_packed_linear_place(struct vf_packed_linear *linear, enum vf_precision precision, size_t n,
    size_t k, const struct vf_kernels *kernels, struct vf_arena *arena);

/* Outputs of a panel, which are packed together. */
size_t vf_packed_linear_panel_columns(
    const struct vf_packed_linear *linear, const struct vf_kernels *kernels);

/* Packs the `count` outputs of the panel that starts with output `first`, given as rows
 * [count][k]. Different panels may be packed by several threads at once. */
void vf_packed_linear_pack(const struct vf_packed_linear *linear, const struct vf_kernels *kernels,
    size_t first, size_t count, const float *rows);

/* The same for the panels of VF_PRECISION_INT8, from all weights of the map. */
void vf_packed_linear_pack_int8(const struct vf_packed_linear *linear,
    const struct vf_kernels *kernels, size_t first, size_t count,
    const struct vf_int8_linear *from);

/* Floats of scratch that vf_packed_linear_apply() needs. */
size_t vf_packed_linear_scratch(
    const struct vf_packed_linear *linear, const struct vf_kernels *kernels);

/* c[m][n] = epilogue(a[m][k] W^T + bias). `scratch` is aligned. */
void vf_packed_linear_apply(const struct vf_packed_linear *linear, const struct vf_kernels *kernels,
    enum vf_epilogue epilogue, const float *a, size_t lda, size_t m, float *c, size_t ldc,
    float *scratch);

#endif
