/* config.json and tokenizer_config.json, as transformers reads them: what the network is and how
 * long a text it takes. Values that vecfill does not know are refused by file and key. */
#ifndef VF_MODEL_MODEL_CONFIG_H
#define VF_MODEL_MODEL_CONFIG_H

#include "model/architectures/architecture.h"
#include "model/model.h"

#define VF_MODEL_JSON_MAX_BYTES ((size_t)16 << 20) /* of each small file of a model */

/* Fills config->network and is_causal_lm. *ret is the architecture, static. `task` chooses among
 * adapters, without which there are no weights; NULL where there are none. */
VF_MUST_CHECK int vf_model_config_load(const char *directory, const char *task, bool with_weights,
    struct vf_model_config *config, const struct vf_architecture **ret, struct vf_err *err);

/* Fills max_seq_length and its source; the network must be filled. */
VF_MUST_CHECK int vf_model_config_load_max_length(
    const char *directory, struct vf_model_config *config, struct vf_err *err);

#endif
