/* The checksum of a file's content, as the Hub names its files. Safe from any thread. */
#ifndef VF_BASE_FILE_DIGEST_H
#define VF_BASE_FILE_DIGEST_H

#include "base/error.h"

enum vf_digest {
    VF_DIGEST_SHA256,  /* of the content; 64 hexadecimal digits */
    VF_DIGEST_GIT_BLOB /* SHA-1 of "blob <size>\0" and the content, as git names it; 40 digits */
};

enum { VF_DIGEST_MAX_DIGITS = 64 };

/* Reads the whole file behind `fd` from its beginning; the offset of `fd` is not used. `path` names
 * the file in messages. Writes lower-case digits and a NUL. VF_ERR_IO when it cannot be read. */
VF_MUST_CHECK int vf_file_digest(int fd, const char *path, enum vf_digest digest,
    char ret[VF_DIGEST_MAX_DIGITS + 1], struct vf_err *err);

#endif
