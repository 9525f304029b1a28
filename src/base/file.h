/* Files of a model or of the user: whole, mapped, and their paths.
 *
 * Errors: VF_ERR_NOT_FOUND when there is no such file, VF_ERR_PERMISSION when it may not be read,
 * VF_ERR_DATA when it is larger than allowed, VF_ERR_IO for the rest. Every message names the path.
 */
#ifndef VF_BASE_FILE_H
#define VF_BASE_FILE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct vf_mapping {
    const uint8_t *data; /* read-only, page aligned; NULL for an empty file */
    size_t size;
};

/* Maps the regular file at `path` for reading. Release with vf_unmap(). */
VF_MUST_CHECK int vf_map(const char *path, struct vf_mapping *ret, struct vf_err *err);

/* Unmaps and zeroes. Accepts NULL and a zeroed struct. */
void vf_unmap(struct vf_mapping *mapping);

/* Appends the whole file to `buf`. A file over `max_bytes` is VF_ERR_DATA. */
VF_MUST_CHECK int vf_read_file(
    const char *path, size_t max_bytes, struct vf_buf *buf, struct vf_err *err);

/* "a/b", allocated; the caller frees it. NULL when memory is out. */
char *vf_path_join(const char *a, const char *b);

/* True when `path` exists and is a regular file (links are followed). */
bool vf_is_file(const char *path);

/* True when `path` exists and is a directory (links are followed). */
bool vf_is_directory(const char *path);

#endif
