#include "base/sha256.h"

#include <openssl/evp.h>

int vf_sha256(const void *data, size_t n, uint8_t ret[VF_SHA256_BYTES], struct vf_err *err)
{
    if (EVP_Digest(data, n, ret, NULL, EVP_sha256(), NULL) != 1)
        return vf_fail(err, VF_ERR_INTERNAL, "libcrypto could not compute a SHA-256");
    return 0;
}

void vf_sha256_hex(const uint8_t digest[VF_SHA256_BYTES], char ret[2 * VF_SHA256_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < VF_SHA256_BYTES; i++) {
        ret[2 * i] = digits[digest[i] >> 4];
        ret[2 * i + 1] = digits[digest[i] & 15];
    }
    ret[2 * VF_SHA256_BYTES] = '\0';
}
