/* A Dense module: config.json and weights. */
#ifndef VF_MODEL_ST_DENSE_H
#define VF_MODEL_ST_DENSE_H

#include "model/checkpoint.h"

/* Fills *ret, but its tensors, from the file in `directory`; the module before it gives `inputs`
 * floats. An activation that is not in enum vf_dense_activation is refused. */
VF_MUST_CHECK int vf_st_dense_load(
    const char *directory, size_t inputs, struct vf_head_step *ret, struct vf_err *err);

/* Finds the step's tensors; they live as long as `checkpoint` is open. Adds the count of their
 * numbers to *parameters. */
VF_MUST_CHECK int vf_st_dense_load_tensors(const struct vf_checkpoint *checkpoint,
    struct vf_head_step *step, uint64_t *parameters, struct vf_err *err);

#endif
