#include "embed/embedder.h"

#include "base/file.h"
#include "base/file_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(VF_SHA256_DIGITS == VF_DIGEST_MAX_DIGITS, "a SHA-256 in hexadecimal");

/* The Hub cache names a large file by its SHA-256, which was checked when it arrived: a snapshot
 * has a link to ../../blobs/<digits>. False when `path` is no such link. */
static bool read_blob_name(const char *path, char ret[VF_SHA256_DIGITS + 1])
{
    static const char folder[] = "/blobs/";
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < (ssize_t)(strlen(folder) + VF_SHA256_DIGITS))
        return false;
    target[n] = '\0';
    const char *name = target + n - VF_SHA256_DIGITS;
    if (strspn(name, "0123456789abcdef") != VF_SHA256_DIGITS ||
        strncmp(name - strlen(folder), folder, strlen(folder)) != 0)
        return false;
    memcpy(ret, name, VF_SHA256_DIGITS + 1);
    return true;
}

static int digest_file(const char *path, char ret[VF_SHA256_DIGITS + 1], struct vf_err *err)
{
    if (read_blob_name(path, ret))
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return vf_fail(err, VF_ERR_IO, "cannot open %s: %s", path, strerror(errno));
    int rc = vf_file_digest(fd, path, VF_DIGEST_SHA256, ret, err);
    close(fd);
    return rc;
}

int vf_identify(const struct vf_embedder *embedder, struct vf_identity *ret, struct vf_err *err)
{
    struct vf_identity identity = {{0}, {0}};
    char *weights = vf_path_join(embedder->location.directory, "model.safetensors");
    char *tokenizer = vf_path_join(embedder->location.directory, "tokenizer.json");
    int rc = 0;
    if (!weights || !tokenizer) {
        rc = vf_fail_memory(err, "a path");
        goto out;
    }
    VF_TRY(digest_file(tokenizer, identity.tokenizer_sha256, err));
    if (embedder->encoder || vf_is_file(weights))
        VF_TRY(digest_file(weights, identity.weights_sha256, err));
    *ret = identity;
out:
    free(weights);
    free(tokenizer);
    return rc;
}
