/* The members of a zip archive that are stored without compression, found in memory.
 *
 * Read are archives in one part, also those with 64-bit sizes (zip64), whose members lie inside of
 * it before the central directory; anything else is VF_ERR_DATA. Checksums are not compared.
 * Format: PKWARE APPNOTE.TXT 6.3, 4.3 and 4.5.3.
 */
#ifndef VF_MODEL_ZIP_READER_H
#define VF_MODEL_ZIP_READER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vf_zip_member {
    const char *name; /* n_name bytes, without a NUL among or behind them */
    size_t n_name;
    const uint8_t *data; /* n_data bytes */
    size_t n_data;
};

struct vf_zip {
    struct vf_zip_member *members; /* [n], sorted by name, each name once; owned */
    size_t n;
};

/* True when `bytes` begin as a zip archive does. */
bool vf_zip_is(const uint8_t *bytes, size_t n);

/* Reads the directory of the archive in `bytes`, which must outlive *ret; `path` names it in
 * messages. On success release *ret with vf_zip_release(). */
VF_MUST_CHECK int vf_zip_read(
    const uint8_t *bytes, size_t n, const char *path, struct vf_zip *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_zip_release(struct vf_zip *zip);

/* The member called `prefix` followed by `n_name` bytes of `name`, or NULL. */
const struct vf_zip_member *vf_zip_find(
    const struct vf_zip *zip, const char *prefix, const char *name, size_t n_name);

#endif
