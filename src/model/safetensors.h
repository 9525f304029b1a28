/* A safetensors file, mapped and checked.
 *
 * Layout: u64 little-endian n; n bytes of JSON, an object of name -> {dtype, shape, data_offsets},
 * the offsets relative to byte 8 + n; then the data. Opening checks that the tensors fill the data
 * without overlap, hole or rest, and that each has the bytes that its dtype and shape ask for, so
 * that whatever a lookup returns lies inside the file.
 *
 * Immutable after opening; any number of threads may read it.
 * Format: https://github.com/huggingface/safetensors, "Format".
 */
#ifndef VF_MODEL_SAFETENSORS_H
#define VF_MODEL_SAFETENSORS_H

#include "model/model.h"

#define VF_SAFETENSORS_MAX_HEADER 100000000u /* bytes; the format's own limit */

struct vf_safetensors;

/* Maps the file at `path`. On success the caller closes *ret. Errors name the file and, where one
 * is to blame, the tensor. */
VF_MUST_CHECK int vf_safetensors_open(
    const char *path, struct vf_safetensors **ret, struct vf_err *err);

/* Unmaps; every tensor taken from the file is gone with it. Accepts NULL. */
void vf_safetensors_close(struct vf_safetensors *file);

bool vf_safetensors_has(const struct vf_safetensors *file, const char *name);

/* The tensor `name`, which must have the shape [rows, cols] and a dtype of enum vf_dtype.
 * VF_ERR_DATA otherwise. Its data lives as long as the file is open. */
VF_MUST_CHECK int vf_safetensors_matrix(const struct vf_safetensors *file, const char *name,
    size_t rows, size_t cols, struct vf_tensor *ret, struct vf_err *err);

/* The same for the shape [size]; *ret has rows 1 and cols `size`. */
VF_MUST_CHECK int vf_safetensors_vector(const struct vf_safetensors *file, const char *name,
    size_t size, struct vf_tensor *ret, struct vf_err *err);

/* Bytes of the whole file. */
size_t vf_safetensors_bytes(const struct vf_safetensors *file);

#endif
