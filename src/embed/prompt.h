/* Which prompt is put before every text. */
#ifndef VF_EMBED_PROMPT_H
#define VF_EMBED_PROMPT_H

#include "base/error.h"
#include "model/st_prompts.h"

#include <vecfill/vecfill.h>

struct vf_chosen_prompt {
    const char *text; /* NULL: none */
    const char
        *name;       /* in the model's files, also of an empty one; NULL when it is none of those */
    bool is_missing; /* there are prompts, but none for this use of the model */
};

/* In this order: options->prompt; options->prompt_name; the model's own for queries ("query") or
 * documents (the first of "document", "passage", "corpus"), where that is empty only when there is
 * one for the other; the model's default; none. An empty prompt is none. Documents miss no prompt
 * where there is one for queries. Both strings of *ret are borrowed from `options` and `prompts`.
 *
 * VF_ERR_USAGE: there is no prompt of that name. VF_ERR_CONFIG: by its name the model is one that
 * was trained with a prompt on every text, its files have none, and none was given, not even an
 * empty one. */
VF_MUST_CHECK int vf_prompt_choose(const struct vf_options *options,
    const struct vf_prompts *prompts, struct vf_chosen_prompt *ret, struct vf_err *err);

#endif
