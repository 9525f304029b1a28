/* The embedder behind <vecfill/vecfill.h>: a tokenizer and an encoder that fit each other.
 * Private to this folder. Immutable once vf_open() has returned it. */
#ifndef VF_EMBED_EMBEDDER_H
#define VF_EMBED_EMBEDDER_H

#include "encoder/encoder.h"
#include "hub/hub.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

#include <vecfill/vecfill.h>

struct vf_embedder {
    char *name; /* as it was asked for */
    struct vf_hub_location location;
    struct vf_model *model;
    struct vf_tokenizer *tokenizer;
    struct vf_encoder *encoder;                  /* NULL with tokenizer_only */
    char *pooling, *prompt, *prompt_name, *task; /* for info; owned */
    size_t n_prompt;                             /* tokens of the prompt, without specials */
    struct vf_model_info info;
};

/* Tokens at the beginning of every sequence that each window of a long one begins with, too: the
 * special ones and the prompt. */
static inline size_t vf_embedder_lead(const struct vf_embedder *embedder)
{
    return vf_tokenizer_specials_before(embedder->tokenizer) + embedder->n_prompt;
}

/* Those of them that pooling leaves out. */
static inline size_t vf_embedder_skip(const struct vf_embedder *embedder)
{
    bool includes = vf_model_config(embedder->model)->head.include_prompt;
    return embedder->n_prompt == 0 || includes ? 0 : vf_embedder_lead(embedder);
}

#endif
