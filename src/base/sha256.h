/* SHA-256 (FIPS 180-4), by OpenSSL's libcrypto. Safe from any thread. */
#ifndef VF_BASE_SHA256_H
#define VF_BASE_SHA256_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define VF_SHA256_BYTES 32

VF_MUST_CHECK int vf_sha256(
    const void *data, size_t n, uint8_t ret[VF_SHA256_BYTES], struct vf_err *err);

/* Writes 64 hexadecimal digits and a NUL. */
void vf_sha256_hex(const uint8_t digest[VF_SHA256_BYTES], char ret[2 * VF_SHA256_BYTES + 1]);

#endif
