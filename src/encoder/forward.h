/* The forward pass, composed of the pieces that a network has.
 *
 * Rows are tokens of whole texts, one behind the other, without padding. Attention is computed per
 * text, everything else per row, so that no result depends on what else is in a group, nor on how
 * the rows are cut into spans.
 *
 * Thread rule: the activations belong to one thread at a time.
 */
#ifndef VF_ENCODER_FORWARD_H
#define VF_ENCODER_FORWARD_H

#include "encoder/activations.h"
#include "encoder/team.h"

/* Computes the vectors of `n` sequences that have at most VF_GROUP_TOKENS tokens together, or of
 * one of at most max_tokens, whose rows are shared with `team`. Does not allocate. */
void vf_forward(struct vf_activations *activations, struct vf_team *team,
    const struct vf_sequence_ref *sequences, size_t n);

#endif
