/* Cutting a piece at characters of a class: what several pre-tokenisers do and nothing else. */
#ifndef VF_TOKENIZER_CLASS_SPLITTER_H
#define VF_TOKENIZER_CLASS_SPLITTER_H

#include "tokenizer/split_behavior.h"
#include "tokenizer/unicode.h"

/* Cuts at every character that has the property. */
VF_MUST_CHECK int vf_split_at_class(enum vf_unicode_property property,
    enum vf_split_behavior behavior, const struct vf_piece *piece,
    const struct vf_piece_taker *taker);

#endif
