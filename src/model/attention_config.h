/* What config.json says about attention: heads, rotary positions, and which layers see all of a
 * text. For the readers of architectures. */
#ifndef VF_MODEL_ATTENTION_CONFIG_H
#define VF_MODEL_ATTENTION_CONFIG_H

#include "model/config_json.h"

/* Fills heads, kv_heads and head_size from num_attention_heads, num_key_value_heads and head_dim;
 * where the latter two are missing, there are as many heads of keys as of queries, and the heads
 * share hidden_size, which must be filled. */
VF_MUST_CHECK int vf_config_heads(
    const struct vf_config_json *config, struct vf_network *network, struct vf_err *err);

/* Where the rotary positions of a kind of layers are written. Files of transformers 5 have
 * "rope_parameters", for all layers or one for each layer type; older ones have the base under a
 * key of its own and "rope_scaling". */
struct vf_rotary_keys {
    const char *layer_type; /* in "rope_parameters"; NULL: all layers are alike */
    const char *theta;      /* in older files */
    double default_theta;   /* where neither says it */
    bool is_scaled;         /* "rope_scaling" of older files is meant for these layers */
    bool knows_ntk;         /* "ntk" is a type that the architecture has */
};

/* Known types: "default", "linear" (frequencies divided by "factor") and, with knows_ntk, "ntk":
 * the base multiplied by the factor f, frequencies divided by f^(2 / head_size), see
 * https://kexue.fm/archives/9706. Others are refused by name. */
VF_MUST_CHECK int vf_config_rotary(const struct vf_config_json *config,
    const struct vf_rotary_keys *keys, size_t head_size, struct vf_rotary *ret, struct vf_err *err);

/* Fills attention_of_layer from "layer_types", or where that is missing from `period`: layers
 * whose number plus `shift` is divisible by it see all of a text. `layers` must be filled. */
VF_MUST_CHECK int vf_config_layer_types(const struct vf_config_json *config, size_t period,
    size_t shift, struct vf_network *network, struct vf_err *err);

#endif
