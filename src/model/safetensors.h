/* A safetensors file, mapped and checked.
 *
 * Layout: u64 little-endian n; n bytes of JSON, an object of name -> {dtype, shape, data_offsets},
 * the offsets relative to byte 8 + n; then the data. Opening checks that the tensors fill the data
 * without overlap, hole or rest, and that each has the bytes that its dtype and shape ask for, so
 * that every tensor lies inside the file.
 *
 * Immutable after opening; any number of threads may read it.
 * Format: https://github.com/huggingface/safetensors, "Format".
 */
#ifndef VF_MODEL_SAFETENSORS_H
#define VF_MODEL_SAFETENSORS_H

#include "base/error.h"
#include "model/stored_tensor.h"

#include <stdint.h>

#define VF_SAFETENSORS_MAX_HEADER 100000000u /* bytes; the format's own limit */

struct vf_safetensors;

/* Maps the file at `path`. On success the caller closes *ret. Errors name the file and, where one
 * is to blame, the tensor. */
VF_MUST_CHECK int vf_safetensors_open(
    const char *path, struct vf_safetensors **ret, struct vf_err *err);

/* The same for `n` bytes in memory, which must outlive *ret; `path` names them in messages. */
VF_MUST_CHECK int vf_safetensors_parse(const uint8_t *bytes, size_t n, const char *path,
    struct vf_safetensors **ret, struct vf_err *err);

/* Unmaps; every tensor taken from the file is gone with it. Accepts NULL. */
void vf_safetensors_close(struct vf_safetensors *file);

/* All tensors, in the order of their data. No name occurs twice. */
const struct vf_stored_tensor *vf_safetensors_tensors(
    const struct vf_safetensors *file, size_t *ret_n);

/* Bytes of the whole file. */
size_t vf_safetensors_bytes(const struct vf_safetensors *file);

#endif
