/* The normalisation forms of Unicode (annex 15), by the reference library's version of it. */
#ifndef VF_TOKENIZER_UNICODE_FORMS_H
#define VF_TOKENIZER_UNICODE_FORMS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define VF_UNICODE_MAX_COMPATIBILITY 18u

/* The full compatibility decomposition, the canonical one where that is all; returns the length,
 * at least 1. */
size_t vf_unicode_decompose_compatibility(uint32_t c, uint32_t ret[VF_UNICODE_MAX_COMPATIBILITY]);

/* What the two characters make together, or 0. */
uint32_t vf_unicode_compose(uint32_t first, uint32_t second);

struct vf_unicode_form {
    bool compatibility; /* NFKC and NFKD */
    bool composed;      /* NFC and NFKC */
};

/* Appends the form of `n` bytes of valid UTF-8 to `out`. */
VF_MUST_CHECK int vf_unicode_normalize(struct vf_unicode_form form, const uint8_t *text, size_t n,
    struct vf_buf *out, struct vf_err *err);

#endif
