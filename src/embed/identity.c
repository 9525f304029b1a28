#include "embed/embedder.h"

#include "base/file.h"
#include "base/file_digest.h"
#include "base/sha256.h"

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

/* The checksums of some files so far, one a line. */
struct digests {
    struct vf_buf lines;
    char last[VF_SHA256_DIGITS + 1];
    size_t n;
};

static int add_file(void *context, const char *path, struct vf_err *err)
{
    struct digests *digests = context;
    int rc = digest_file(path, digests->last, err);
    if (rc == 0)
        rc = vf_buf_printf(&digests->lines, err, "%s\n", digests->last);
    digests->n++;
    return rc;
}

/* Of one file its checksum; of several that of the list of theirs. */
static int finish(struct digests *digests, char ret[VF_SHA256_DIGITS + 1], struct vf_err *err)
{
    uint8_t digest[VF_SHA256_BYTES];
    if (digests->n == 1) {
        memcpy(ret, digests->last, sizeof digests->last);
        return 0;
    }
    int rc = vf_sha256(digests->lines.data, digests->lines.size, digest, err);
    if (rc == 0)
        vf_sha256_hex(digest, ret);
    return rc;
}

static int digest_weights(
    const struct vf_embedder *embedder, char ret[VF_SHA256_DIGITS + 1], struct vf_err *err)
{
    struct digests digests = {0};
    int rc = vf_model_visit_weights(embedder->model, add_file, &digests, err);
    if (rc == 0)
        rc = finish(&digests, ret, err);
    vf_buf_release(&digests.lines);
    return rc;
}

/* tokenizer.json, or what a BERT model has in its place. */
static int digest_tokenizer(
    const char *directory, char ret[VF_SHA256_DIGITS + 1], struct vf_err *err)
{
    static const char *const names[] = {
        "tokenizer.json", "vocab.txt", "tokenizer_config.json", "special_tokens_map.json"};
    struct digests digests = {0};
    int rc = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && rc == 0; i++) {
        char *path = vf_path_join(directory, names[i]);
        if (!path)
            rc = vf_fail_memory(err, "a path");
        else if (vf_is_file(path))
            rc = add_file(&digests, path, err);
        free(path);
        if (i == 0 && digests.n > 0)
            break;
    }
    if (rc == 0)
        rc = finish(&digests, ret, err);
    vf_buf_release(&digests.lines);
    return rc;
}

int vf_identify(const struct vf_embedder *embedder, struct vf_identity *ret, struct vf_err *err)
{
    struct vf_identity identity = {{0}, {0}};
    struct vf_err missing;
    int rc = digest_tokenizer(embedder->location.directory, identity.tokenizer_sha256, err);
    if (rc)
        return rc;
    rc = digest_weights(embedder, identity.weights_sha256, &missing);
    if (rc && (embedder->encoder || rc != VF_ERR_NOT_FOUND)) {
        if (err)
            *err = missing;
        return rc;
    }
    *ret = identity;
    return 0;
}
