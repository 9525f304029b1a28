/* modules.json of sentence-transformers: which modules follow the network.
 *
 * Transformer and Pooling, then any number of Dense and Normalize, under the class names of 5.3 and
 * before and those since. What vecfill does not compute is refused by name.
 */
#ifndef VF_MODEL_ST_MODULES_H
#define VF_MODEL_ST_MODULES_H

#include "base/error.h"
#include "model/network.h"
#include "model/sentence_head.h"

struct vf_st_modules {
    struct vf_sentence_head head;     /* without tensors */
    char *folders[VF_HEAD_MAX_STEPS]; /* where each step's files are; owned */
    bool is_there;                    /* modules.json exists */
};

/* The modules around `network`. Without modules.json the vector is made by `fallback` alone, not
 * normalised. On success release *ret with vf_st_modules_release(). */
VF_MUST_CHECK int vf_st_modules_load(const char *directory, const struct vf_network *network,
    enum vf_pooling fallback, struct vf_st_modules *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_st_modules_release(struct vf_st_modules *modules);

#endif
