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
    struct vf_encoder *encoder; /* NULL with tokenizer_only */
    struct vf_model_info info;
};

#endif
