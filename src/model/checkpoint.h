/* The weights of a model or of one of its modules: the tensors of the files in one directory, by
 * name, whatever the format of the files and however many there are.
 *
 *   model.safetensors                    one safetensors file, else
 *   model.safetensors.index.json         the safetensors files that it names, else
 *   pytorch_model.bin                    one file of torch.save(), else
 *   pytorch_model.bin.index.json         the files that it names
 *
 * Files are mapped, not copied. Immutable after opening; any number of threads may read it.
 */
#ifndef VF_MODEL_CHECKPOINT_H
#define VF_MODEL_CHECKPOINT_H

#include "model/model.h"

struct vf_checkpoint;

/* Opens what there is in `directory`. VF_ERR_NOT_FOUND when there is none of these, or a file that
 * an index names is missing; VF_ERR_DATA when a file is broken or two of them hold a tensor of the
 * same name. On success the caller closes *ret. */
VF_MUST_CHECK int vf_checkpoint_open(
    const char *directory, struct vf_checkpoint **ret, struct vf_err *err);

/* Unmaps; every tensor taken from it is gone with it. Accepts NULL. */
void vf_checkpoint_close(struct vf_checkpoint *checkpoint);

bool vf_checkpoint_has(const struct vf_checkpoint *checkpoint, const char *name);

/* The tensor `name`, which must have the shape [rows, cols] and a dtype of enum vf_dtype.
 * VF_ERR_DATA otherwise. Its data lives as long as the checkpoint is open. */
VF_MUST_CHECK int vf_checkpoint_matrix(const struct vf_checkpoint *checkpoint, const char *name,
    size_t rows, size_t cols, struct vf_tensor *ret, struct vf_err *err);

/* The matrix `index` of the tensor `name`, which must have the shape [count, rows, cols]. */
VF_MUST_CHECK int vf_checkpoint_slice(const struct vf_checkpoint *checkpoint, const char *name,
    size_t count, size_t index, size_t rows, size_t cols, struct vf_tensor *ret,
    struct vf_err *err);

/* The same for the shape [size]; *ret has rows 1 and cols `size`. */
VF_MUST_CHECK int vf_checkpoint_vector(const struct vf_checkpoint *checkpoint, const char *name,
    size_t size, struct vf_tensor *ret, struct vf_err *err);

/* Bytes of all files together. */
uint64_t vf_checkpoint_bytes(const struct vf_checkpoint *checkpoint);

#endif
