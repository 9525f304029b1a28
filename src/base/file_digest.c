#include "base/file_digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 18 };

static int fail_crypto(struct vf_err *err)
{
    return vf_fail(err, VF_ERR_INTERNAL, "libcrypto could not compute a checksum");
}

static int begin(
    EVP_MD_CTX *md, int fd, const char *path, enum vf_digest digest, struct vf_err *err)
{
    const EVP_MD *type = digest == VF_DIGEST_SHA256 ? EVP_sha256() : EVP_sha1();
    if (!md || EVP_DigestInit_ex(md, type, NULL) != 1)
        return fail_crypto(err);
    if (digest == VF_DIGEST_SHA256)
        return 0;
    struct stat st;
    if (fstat(fd, &st))
        return vf_fail(err, VF_ERR_IO, "cannot examine %s: %s", path, strerror(errno));
    char header[40];
    int n = snprintf(header, sizeof header, "blob %jd", (intmax_t)st.st_size);
    return EVP_DigestUpdate(md, header, (size_t)n + 1) == 1 ? 0 : fail_crypto(err);
}

static int add_content(EVP_MD_CTX *md, int fd, const char *path, struct vf_err *err)
{
    uint8_t *chunk = malloc(CHUNK_BYTES);
    if (!chunk)
        return vf_fail_memory(err, "a file's checksum");
    int rc = 0;
    off_t offset = 0;
    for (;;) {
        ssize_t n = pread(fd, chunk, CHUNK_BYTES, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = vf_fail(err, VF_ERR_IO, "cannot read %s: %s", path, strerror(errno));
        else if (n > 0 && EVP_DigestUpdate(md, chunk, (size_t)n) != 1)
            rc = fail_crypto(err);
        if (n <= 0 || rc)
            break;
        offset += n;
    }
    free(chunk);
    return rc;
}

static void write_digits(const uint8_t *bytes, size_t n, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *ret++ = digits[bytes[i] >> 4];
        *ret++ = digits[bytes[i] & 15];
    }
    *ret = '\0';
}

int vf_file_digest(int fd, const char *path, enum vf_digest digest,
    char ret[VF_DIGEST_MAX_DIGITS + 1], struct vf_err *err)
{
    int rc;
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    VF_TRY(begin(md, fd, path, digest, err));
    VF_TRY(add_content(md, fd, path, err));
    if (EVP_DigestFinal_ex(md, bytes, &n) != 1 || 2 * n > VF_DIGEST_MAX_DIGITS) {
        rc = fail_crypto(err);
        goto out;
    }
    write_digits(bytes, n, ret);
out:
    EVP_MD_CTX_free(md);
    return rc;
}
