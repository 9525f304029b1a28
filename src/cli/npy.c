#include "cli/npy.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Magic, version 1.0, and the length of what follows as a little-endian uint16. */
#define PREFIX_BYTES 10

void vf_npy_header(uint64_t rows, size_t columns, char ret[VF_NPY_HEADER_BYTES])
{
    const size_t length = VF_NPY_HEADER_BYTES - PREFIX_BYTES;
    memcpy(ret, "\x93NUMPY\x01\x00", 8);
    ret[8] = (char)(length & 0xFF);
    ret[9] = (char)(length >> 8);
    int n = snprintf(ret + PREFIX_BYTES, length,
        "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRIu64 ", %zu), }", rows, columns);
    memset(ret + PREFIX_BYTES + n, ' ', length - (size_t)n - 1);
    ret[VF_NPY_HEADER_BYTES - 1] = '\n';
}

int vf_npy_write(FILE *out, const float *values, size_t n, struct vf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        unsigned char bytes[] = {(unsigned char)bits, (unsigned char)(bits >> 8),
            (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
        if (fwrite(bytes, 1, sizeof bytes, out) != sizeof bytes)
            return vf_fail(err, VF_ERR_IO, "cannot write vectors: %s", strerror(errno));
    }
    return 0;
}
