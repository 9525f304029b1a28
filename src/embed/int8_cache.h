/* Rounded weights of a model: from a file of an earlier run, or made and kept in one.
 *
 * The files lie in VECFILL_CACHE_DIR, else in $XDG_CACHE_HOME/vecfill, else in ~/.cache/vecfill,
 * as int8/<key>, the key being the SHA-256 of all that the weights depend on. When
 * VECFILL_CACHE_DIR is set and empty, none are read or written. A damaged file is made anew; a
 * folder that cannot be written is no error.
 */
#ifndef VF_EMBED_INT8_CACHE_H
#define VF_EMBED_INT8_CACHE_H

#include "embed/embedder.h"
#include "encoder/int8_weights.h"

/* Needs the embedder's model, tokenizer and info. On success the caller releases *ret. */
VF_MUST_CHECK int vf_int8_obtain(
    const struct vf_embedder *embedder, struct vf_int8_weights *ret, struct vf_err *err);

#endif
