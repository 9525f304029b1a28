/* Rounds the weights of one linear map to eight bits; int8_weights.h says how.
 *
 * Thread rule: different blocks of one map may be rounded by several threads at once, each with a
 * scratch of its own, after vf_int8_scale().
 */
#ifndef VF_ENCODER_INT8_ROUNDING_H
#define VF_ENCODER_INT8_ROUNDING_H

#include "encoder/calibration.h"
#include "encoder/int8_weights.h"
#include "encoder/weight_packing.h"

/* Sets the factors and scales of `to`. `row` has room for k floats. */
void vf_int8_scale(const struct vf_linear_source *source, const struct vf_input_statistics *inputs,
    float *row, struct vf_int8_linear *to);

/* Bytes of scratch for vf_int8_round_block(). */
size_t vf_int8_scratch_bytes(size_t k);

/* Rounds the weights of the inputs of block `block` for all outputs. `scratch` is aligned.
 * VF_ERR_DATA when the statistics are not finite. */
VF_MUST_CHECK int vf_int8_round_block(const struct vf_linear_source *source,
    const struct vf_input_statistics *inputs, size_t block, void *scratch,
    struct vf_int8_linear *to, struct vf_err *err);

#endif
