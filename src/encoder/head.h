/* From the states of a text's tokens to its vector: the arithmetic of model/sentence_head.h.
 *
 * The sums of a Dense are made in double, whatever the precision of the encoder, in an order that
 * depends on the shape alone. Safe from any thread, each with its own scratch and output.
 */
#ifndef VF_ENCODER_HEAD_H
#define VF_ENCODER_HEAD_H

#include "kernels/kernels.h"
#include "model/sentence_head.h"

struct vf_head {
    const struct vf_sentence_head *plan; /* with tensors */
    size_t hidden_size;
    size_t dimensions; /* floats of the vector that are kept: 1 to plan->dimensions */
};

/* Whether the vector of `n` tokens is made of one token's state alone, and if so of which. It is so
 * for all texts or for none. */
bool vf_head_reads_one_token(
    const struct vf_head *head, size_t n, size_t skip, size_t *ret_position);

/* Floats of scratch that vf_head_apply() needs. */
size_t vf_head_scratch(const struct vf_head *head);

/* Writes the first `dimensions` floats of the vector of `n` >= 1 tokens, x[n][hidden_size], brought
 * to norm 1 again when plan->normalized and some are cut off. Pooling leaves out the first `skip`
 * tokens; a text that has no more than those is pooled whole. */
void vf_head_apply(const struct vf_head *head, const struct vf_kernels *kernels, const float *x,
    size_t ldx, size_t n, size_t skip, float *scratch, float *vector);

#endif
