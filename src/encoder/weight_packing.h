/* Packs the tensors of a model into linear maps, panel by panel on all threads. */
#ifndef VF_ENCODER_WEIGHT_PACKING_H
#define VF_ENCODER_WEIGHT_PACKING_H

#include "encoder/int8_weights.h"
#include "encoder/packed_linear.h"
#include "model/model.h"

/* Maps that share their input are stacked into one. */
#define VF_STACKED_MAX 2

/* Outputs of a packed map: a tensor's rows, times `scale`. */
struct vf_linear_part {
    const struct vf_tensor *weight; /* [outputs, inputs] */
    const struct vf_tensor *bias;   /* [outputs]; one without data means zeros */
    float scale;
};

struct vf_linear_source {
    struct vf_linear_part parts[VF_STACKED_MAX]; /* of the same inputs, stacked by outputs */
    size_t n_parts;
    const struct vf_packed_linear *linear; /* where they go */
};

/* Lays out source->linear in `arena` for the parts of `source`, and once that is allocated writes
 * the bias. */
void vf_linear_source_place(struct vf_linear_source *source, struct vf_packed_linear *linear,
    enum vf_precision precision, const struct vf_kernels *kernels, struct vf_arena *arena);

/* Reads the outputs [first, first + count) of the stacked parts as rows[count][inputs]. */
void vf_linear_source_read(
    const struct vf_linear_source *source, size_t first, size_t count, float *rows);

/* Packs the weights of `n` sources with `threads` threads; with `int8` (else NULL) its weights, of
 * the same maps. VF_ERR_DATA when they are others. */
VF_MUST_CHECK int vf_pack_linears(const struct vf_linear_source *sources, size_t n,
    const struct vf_int8_weights *int8, const struct vf_kernels *kernels, unsigned threads,
    struct vf_err *err);

#endif
