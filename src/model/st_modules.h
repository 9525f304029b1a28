/* The files of sentence-transformers: which modules follow the network, and how they work.
 *
 *   modules.json                     Transformer, Pooling and perhaps Normalize, in this order
 *   <Pooling's path>/config.json     one of mean, cls, max
 *   sentence_bert_config.json        max_seq_length, do_lower_case (or a legacy name of it)
 *   config_sentence_transformers.json   prompts, truncate_dim
 *
 * Both the class names and keys of 5.3 and before and those since are read. What vecfill does not
 * compute is refused by name. Without modules.json the vector is the mean, not normalised.
 */
#ifndef VF_MODEL_ST_MODULES_H
#define VF_MODEL_ST_MODULES_H

#include "model/model.h"

/* Fills pooling, normalize, has_modules, do_lower_case and st_max_seq_length; hidden_size must be
 * filled. */
VF_MUST_CHECK int vf_st_modules_load(
    const char *directory, struct vf_model_config *config, struct vf_err *err);

#endif
