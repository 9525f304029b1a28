/* One meaning per model_id: the encoder that is recorded for it against the one in hand.
 *
 *     vf_guard_look()     before anything is read
 *     vf_guard_sample()   when it answers VF_GUARD_UNKNOWN
 *     vf_guard_record()   before the first vector is written, unless it is VF_GUARD_SAME
 *
 * What is compared is the content: weights, tokenizer, longest input, pooling, normalisation,
 * prompt, the task of an adapter, dimensions, and how long texts are treated. The name and revision
 * are kept for people: a model may lie in a directory today and come from the Hub tomorrow. The
 * precision is no part of it, for vectors of one encoder differ by less than the guard can see.
 */
#ifndef VF_PIPELINE_MODEL_GUARD_H
#define VF_PIPELINE_MODEL_GUARD_H

#include "store/store.h"

#include <vecfill/vecfill.h>

enum vf_guard {
    VF_GUARD_SAME,    /* recorded, and it is this encoder */
    VF_GUARD_NEW,     /* there is neither a record nor a vector */
    VF_GUARD_UNKNOWN, /* there are vectors, but nobody recorded what made them */
    VF_GUARD_REPLACE  /* another encoder's, recorded or not, that is to be replaced */
};

/* Looks up. *ret_can_record tells whether text_embedding_models exists and can be read. Another
 * encoder is VF_ERR_CONFIG with the difference in words, unless it is to be replaced. */
VF_MUST_CHECK int vf_guard_look(struct vf_store *store, const struct vf_embedder *embedder,
    const char *model_id, bool replace, enum vf_guard *ret, bool *ret_can_record,
    struct vf_err *err);

/* Whether a query that `embedder` encodes may be compared with the vectors of `model_id`:
 * VF_ERR_CONFIG, with the difference in words, when another encoder is recorded. How texts are read
 * (longest input, prompt, task, how long ones are treated) may differ, for a query is no article.
 */
VF_MUST_CHECK int vf_guard_query(struct vf_store *store, const struct vf_embedder *embedder,
    const char *model_id, struct vf_err *err);

/* Recomputes a sample of the vectors; *ret_n tells how many. VF_ERR_CONFIG when one of them is by
 * another encoder. */
VF_MUST_CHECK int vf_guard_sample(struct vf_store *store, struct vf_embedder *embedder,
    const char *model_id, uint64_t *ret_n, struct vf_err *err);

/* Records the encoder. VF_ERR_CONFIG when another process has recorded another one meanwhile;
 * VF_ERR_PERMISSION when the role may not write the record. */
VF_MUST_CHECK int vf_guard_record(struct vf_store *store, const struct vf_embedder *embedder,
    const char *model_id, bool replace, struct vf_err *err);

#endif
