/* The linear maps of a model, rounded to eight bits.
 *
 * A map W of k inputs is kept as W_ji = scales_j weights_ji / factors_i: its inputs are multiplied
 * with the factors before they are rounded themselves (kernels/linear_int8.h), which makes inputs
 * of very different size alike (SmoothQuant, Xiao et al. 2022, arXiv:2211.10438), and the weights
 * of an output are rounded one after the other, each making good on the inputs of the calibration
 * for what those before it lost (GPTQ, Frantar et al. 2022, arXiv:2210.17323).
 *
 * The arithmetic of that is the same on every machine and for every number of threads, and so are
 * the weights (kernels.h: vf_kernels_init_portable).
 */
#ifndef VF_ENCODER_INT8_WEIGHTS_H
#define VF_ENCODER_INT8_WEIGHTS_H

#include "encoder/arena.h"
#include "encoder/encoder.h"

#include <stdint.h>

/* Changes whenever the same model and texts give other weights. */
#define VF_INT8_RECIPE "3"

/* Tokens of a calibration sequence that are used. */
#define VF_CALIBRATION_TOKENS 256

struct vf_int8_linear {
    size_t n, k;     /* outputs, inputs */
    int8_t *weights; /* [n][k], in [-127, 127] */
    float *scales;   /* [n] */
    float *factors;  /* [k] */
};

struct vf_int8_weights {
    size_t n; /* in the order in which the network packs its linear maps */
    struct vf_int8_linear *linears;
    struct vf_arena arena; /* the memory of all that */
};

/* Rounds the linear maps of `model` for what `texts` (token ids; vectors are not used) give them as
 * inputs, with up to `threads` threads. Takes seconds. VF_ERR_DATA when the model computes numbers
 * that are not finite. On success the caller releases *ret. */
VF_MUST_CHECK int vf_int8_weights_make(const struct vf_model *model,
    const struct vf_sequence_ref *texts, size_t n_texts, unsigned threads,
    struct vf_int8_weights *ret, struct vf_err *err);

/* Lays out and allocates `n` maps whose n and k are those of `shapes`. On success the caller
 * releases *ret. */
VF_MUST_CHECK int vf_int8_weights_init(
    struct vf_int8_weights *ret, const struct vf_int8_linear *shapes, size_t n, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_int8_weights_release(struct vf_int8_weights *weights);

#endif
