/* The texts that rounding to eight bits is calibrated with: calibration.txt, which is part of the
 * library, so that the same model gives the same weights everywhere. */
#ifndef VF_EMBED_CALIBRATION_TEXTS_H
#define VF_EMBED_CALIBRATION_TEXTS_H

#include "encoder/encoder.h"
#include "tokenizer/tokenizer.h"

struct vf_calibration_texts {
    struct vf_sequence_ref *sequences; /* [n]; vectors are NULL */
    size_t n;
    int32_t *ids; /* of all of them */
};

/* Tokenizes them, each cut at `max_tokens`. On success the caller releases *ret. */
VF_MUST_CHECK int vf_calibration_texts_read(const struct vf_tokenizer *tokenizer, size_t max_tokens,
    struct vf_calibration_texts *ret, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_calibration_texts_release(struct vf_calibration_texts *texts);

#endif
