/* The tensors of a BERT encoder in a safetensors checkpoint, checked for name, shape and dtype.
 *
 * Names may begin with "bert.", and a LayerNorm's tensors may have the older names gamma and beta.
 * Tensors that the encoder does not use (pooler, position_ids, heads) are left alone.
 */
#ifndef VF_MODEL_BERT_TENSORS_H
#define VF_MODEL_BERT_TENSORS_H

#include "model/checkpoint.h"

/* Fills *ret with tensors that live as long as `checkpoint` is open. Release it with
 * vf_bert_tensors_release(). *ret_parameters is the count of the numbers in them. */
VF_MUST_CHECK int vf_bert_tensors_load(const struct vf_checkpoint *checkpoint,
    const struct vf_model_config *config, struct vf_bert_weights *ret, uint64_t *ret_parameters,
    struct vf_err *err);

/* Accepts a zeroed struct. */
void vf_bert_tensors_release(struct vf_bert_weights *weights);

#endif
