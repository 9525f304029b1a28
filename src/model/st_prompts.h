/* The prompts of a model: texts under names, one of which is put before what is embedded. */
#ifndef VF_MODEL_ST_PROMPTS_H
#define VF_MODEL_ST_PROMPTS_H

#include "base/json.h"

enum { VF_MAX_PROMPTS = 256 };

struct vf_prompt {
    char *name, *text; /* owned */
};

struct vf_prompts {
    struct vf_prompt *list; /* [n], in the file's order; owned */
    size_t n;
    char *default_name; /* that of one of them, or NULL; owned */
};

/* Reads "prompts" and "default_prompt_name" of config_sentence_transformers.json, which `path`
 * names in messages. A default that is not there is VF_ERR_DATA. On success release *ret with
 * vf_prompts_release(). */
VF_MUST_CHECK int vf_prompts_read(
    const json_t *json, const char *path, struct vf_prompts *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_prompts_release(struct vf_prompts *prompts);

/* The text under `name`, borrowed; NULL when there is none. */
const char *vf_prompts_find(const struct vf_prompts *prompts, const char *name);

#endif
