/* Which files hold the weights in a directory; see checkpoint.h for the order of preference. */
#ifndef VF_MODEL_CHECKPOINT_FILES_H
#define VF_MODEL_CHECKPOINT_FILES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct vf_checkpoint_files {
    char **paths; /* [n], sorted; owned */
    size_t n;
    bool is_safetensors; /* else of torch.save() */
};

/* Lists the files; they need not exist when an index names them. VF_ERR_NOT_FOUND when there are
 * neither weights nor an index, VF_ERR_DATA when an index is broken or names what is no file of its
 * directory. On success release *ret with vf_checkpoint_files_release(). */
VF_MUST_CHECK int vf_checkpoint_files_list(
    const char *directory, struct vf_checkpoint_files *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_checkpoint_files_release(struct vf_checkpoint_files *files);

#endif
