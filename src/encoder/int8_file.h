/* Rounded weights as bytes, to be kept in a file.
 *
 * All numbers are little-endian:
 *     16 bytes   "vecfill int8 1\n\0"
 *     u64        number of maps
 *     2 u64      outputs and inputs of each map
 *     per map    weights i8 [n][k], scales f32 [n], factors f32 [k]
 *     32 bytes   SHA-256 of all before
 */
#ifndef VF_ENCODER_INT8_FILE_H
#define VF_ENCODER_INT8_FILE_H

#include "base/buf.h"
#include "encoder/int8_weights.h"

/* Appends the bytes to `out`. */
VF_MUST_CHECK int vf_int8_weights_write(
    const struct vf_int8_weights *weights, struct vf_buf *out, struct vf_err *err);

/* Reads what vf_int8_weights_write() wrote. VF_ERR_DATA when the bytes are anything else. On
 * success the caller releases *ret. */
VF_MUST_CHECK int vf_int8_weights_read(
    const uint8_t *bytes, size_t n, struct vf_int8_weights *ret, struct vf_err *err);

#endif
