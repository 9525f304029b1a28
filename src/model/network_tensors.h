/* The tensors of a network, found in its files by an architecture's names and checked for
 * shape and dtype. What files have besides (poolers, heads, position_ids) is left alone. */
#ifndef VF_MODEL_NETWORK_TENSORS_H
#define VF_MODEL_NETWORK_TENSORS_H

#include "model/checkpoint.h"

/* What an architecture calls its tensors: each name is followed by ".weight" and, where there is
 * one, ".bias" in the file. NULL: the architecture has no such piece. */
struct vf_tensor_names {
    const char *prefix; /* of all, when the file holds a task's model around the encoder */

    const char *word_embeddings, *position_embeddings, *token_type_embeddings;
    const char *embeddings_norm, *embeddings_projection;
    const char *relative_bias, *distance_embeddings, *distance_norm;
    const char *final_norm;

    /* Those of a layer follow "<layer><number>.", or with `inner_layer`
     * "<layer><group><inner_layer><number in the group>.". */
    const char *layer, *inner_layer;
    const char *attention_input_norm, *attention_output_norm, *attention_sum_norm;
    const char *query, *key, *value;
    const char *query_key_value; /* the three in one, below each other */
    const char *query_norm, *key_norm;
    const char *position_query, *position_key;
    const char *attention_output;
    const char *ffn_input_norm, *ffn_output_norm, *ffn_sum_norm;
    const char *gate, *up, *down;
    const char *gate_up, *up_gate; /* the two in one, below each other */
};

/* Fills *ret with tensors that live as long as `checkpoint` is open. Release it with
 * vf_network_tensors_release(). *ret_parameters is the count of the numbers in them. */
VF_MUST_CHECK int vf_network_tensors_load(const struct vf_checkpoint *checkpoint,
    const struct vf_network *network, const struct vf_tensor_names *names,
    struct vf_network_tensors *ret, uint64_t *ret_parameters, struct vf_err *err);

/* Accepts a zeroed struct. */
void vf_network_tensors_release(struct vf_network_tensors *tensors);

#endif
