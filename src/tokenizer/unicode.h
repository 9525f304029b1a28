/* Facts about code points, as the reference library `tokenizers` has them.
 *
 * They come from tables made by asking that library about every scalar value
 * (scripts/make-unicode-tables.py), not from a library of the system: ids must not depend on which
 * version of Unicode a machine happens to have.
 */
#ifndef VF_TOKENIZER_UNICODE_H
#define VF_TOKENIZER_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VF_UNICODE_CODE_POINTS 0x110000u
#define VF_UNICODE_MAX_DECOMPOSITION 4u
#define VF_UNICODE_MAX_LOWER 2u

enum vf_unicode_property {
    VF_UNICODE_CONTROL = 1u << 0,     /* U+0000, U+FFFD, Cc, Cf and Co, but not \t, \n, \r */
    VF_UNICODE_SPACE = 1u << 1,       /* White_Space */
    VF_UNICODE_MARK = 1u << 2,        /* Mn */
    VF_UNICODE_PUNCTUATION = 1u << 3, /* P, and all ASCII symbols */
    VF_UNICODE_WORD = 1u << 4,        /* \w of a regular expression */
    VF_UNICODE_CJK = 1u << 5,         /* the blocks of ideographs that BERT puts apart */
    VF_UNICODE_COMBINING = 1u << 6,   /* canonical combining class other than 0 */
    VF_UNICODE_CHANGES = 1u << 7,     /* has a decomposition or a lower case form of its own */
    /* Not among the flags of vf_unicode_properties(): */
    VF_UNICODE_ACCENT = 1u << 8, /* a mark of any kind, which StripAccents drops */
    VF_UNICODE_NUMERIC = 1u << 9 /* N, which Digits cuts at */
};

/* Fills one byte of `enum vf_unicode_property` flags for each of VF_UNICODE_CODE_POINTS. */
void vf_unicode_properties(uint8_t *ret);

/* Whether `c` has the property, one of SPACE, PUNCTUATION, WORD, ACCENT and NUMERIC. */
bool vf_unicode_is(uint32_t c, enum vf_unicode_property property);

unsigned vf_unicode_combining_class(uint32_t c);

/* The full canonical decomposition, `c` itself when there is none; returns the length, at least 1.
 * Marks are in canonical order and follow what does not combine. */
size_t vf_unicode_decompose(uint32_t c, uint32_t ret[VF_UNICODE_MAX_DECOMPOSITION]);

/* The lower case form without context, `c` itself when there is none; returns the length, at
 * least 1. */
size_t vf_unicode_lower(uint32_t c, uint32_t ret[VF_UNICODE_MAX_LOWER]);

#endif
