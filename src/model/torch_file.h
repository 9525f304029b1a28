/* A file of torch.save() that holds a state dict: a zip archive whose data.pkl says in Python's
 * pickle format which tensors there are, and whose members data/0, data/1, … are the numbers.
 *
 * Only tensors can come out of it: nothing of the file is called or imported (pickle.h), every
 * member and every tensor is checked to lie inside the file. The format of torch before 1.6, which
 * is no archive, is refused.
 *
 * Immutable after opening; any number of threads may read it.
 * Format: https://pytorch.org/docs/stable/notes/serialization.html.
 */
#ifndef VF_MODEL_TORCH_FILE_H
#define VF_MODEL_TORCH_FILE_H

#include "base/error.h"
#include "model/stored_tensor.h"

#include <stdint.h>

struct vf_torch_file;

/* Maps the file at `path`. On success the caller closes *ret. Errors name the file and, where one
 * is to blame, the tensor. */
VF_MUST_CHECK int vf_torch_file_open(
    const char *path, struct vf_torch_file **ret, struct vf_err *err);

/* The same for `n` bytes in memory, which must outlive *ret; `path` names them in messages. */
VF_MUST_CHECK int vf_torch_file_parse(const uint8_t *bytes, size_t n, const char *path,
    struct vf_torch_file **ret, struct vf_err *err);

/* Unmaps; every tensor taken from the file is gone with it. Accepts NULL. */
void vf_torch_file_close(struct vf_torch_file *file);

/* All tensors, in the file's order. A name may occur only once. */
const struct vf_stored_tensor *vf_torch_file_tensors(
    const struct vf_torch_file *file, size_t *ret_n);

size_t vf_torch_file_bytes(const struct vf_torch_file *file);

#endif
