/* Appending to a list of ids. */
#ifndef VF_TOKENIZER_IDS_H
#define VF_TOKENIZER_IDS_H

#include "tokenizer/tokenizer.h"

/* Makes room for `more` ids beyond `n`. */
VF_MUST_CHECK int vf_ids_reserve(struct vf_ids *ids, size_t more, struct vf_err *err);

VF_MUST_CHECK int vf_ids_append(
    struct vf_ids *ids, const int32_t *more, size_t n, struct vf_err *err);

#endif
