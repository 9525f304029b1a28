/* What the files of sentence-transformers say beside modules.json.
 *
 *   sentence_bert_config.json          max_seq_length, do_lower_case (or an older name of the file)
 *   config_sentence_transformers.json  prompts, default_prompt_name, truncate_dim
 *
 * Forms up to 5.3 and since 5.4. What would make other vectors and is not computed here is refused
 * by file and key.
 */
#ifndef VF_MODEL_ST_SETTINGS_H
#define VF_MODEL_ST_SETTINGS_H

#include "model/st_prompts.h"

struct vf_st_settings {
    bool do_lower_case;    /* before the tokenizer's own normaliser */
    size_t max_seq_length; /* 0: not given */
    size_t truncate_dim;   /* 0: not given */
    struct vf_prompts prompts;
};

/* On success release *ret with vf_st_settings_release(). */
VF_MUST_CHECK int vf_st_settings_load(
    const char *directory, struct vf_st_settings *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_st_settings_release(struct vf_st_settings *settings);

#endif
