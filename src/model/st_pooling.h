/* The config.json of a Pooling module. Both forms are read: "pooling_mode", a name or a list of
 * them, and the booleans "pooling_mode_…" that stood for it before 5.4; the former wins. */
#ifndef VF_MODEL_ST_POOLING_H
#define VF_MODEL_ST_POOLING_H

#include "base/error.h"
#include "model/sentence_head.h"

/* Fills poolings, n_poolings and include_prompt of `head` from the file in `directory`. */
VF_MUST_CHECK int vf_st_pooling_load(
    const char *directory, size_t hidden_size, struct vf_sentence_head *head, struct vf_err *err);

#endif
