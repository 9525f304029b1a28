/* A file that appears whole or not at all: written under another name in the same folder, then
 * renamed. What is not a regular file (/dev/stdout, a pipe) is written to as it is. */
#ifndef VF_CLI_ATOMIC_FILE_H
#define VF_CLI_ATOMIC_FILE_H

#include "base/error.h"

#include <stdio.h>

struct vf_atomic_file {
    FILE *stream;           /* for the caller to write to; NULL when it is not open */
    char *path, *temporary; /* private; temporary is NULL for what is written to directly */
};

/* Opens for `path`. End with vf_atomic_file_commit() or vf_atomic_file_discard(). */
VF_MUST_CHECK int vf_atomic_file_open(
    const char *path, struct vf_atomic_file *ret, struct vf_err *err);

/* Brings the content to disk and gives it its name. Closes in any case; after a failure `path` is
 * as it was before. */
VF_MUST_CHECK int vf_atomic_file_commit(struct vf_atomic_file *file, struct vf_err *err);

/* Forgets what was written. Accepts a zeroed or closed struct. */
void vf_atomic_file_discard(struct vf_atomic_file *file);

#endif
