/* UTF-8 as Python decodes it with errors='replace'.
 *
 * Invalid input gives U+FFFD once per maximal subpart (Unicode 15, section 3.9, table 3-8): an
 * invalid byte alone, or the longest prefix of a valid sequence that is cut short.
 */
#ifndef VF_BASE_UTF8_H
#define VF_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define VF_REPLACEMENT_CHARACTER 0xFFFDu

/* Decodes one scalar value at `p < end` into *ret and returns the bytes consumed, 1 to 4. */
size_t vf_utf8_decode(const uint8_t *p, const uint8_t *end, uint32_t *ret);

/* Writes scalar value `c` to `out`, which has room for 4 bytes; returns the bytes written. */
size_t vf_utf8_encode(uint32_t c, uint8_t *out);

/* Bytes of the longest valid prefix of `n` bytes at `p`; `n` when all is valid. */
size_t vf_utf8_valid_prefix(const uint8_t *p, size_t n);

#endif
