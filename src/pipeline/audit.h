/* What is wrong with the stored vectors, without a model. */
#ifndef VF_PIPELINE_AUDIT_H
#define VF_PIPELINE_AUDIT_H

#include "pipeline/event.h"
#include "store/store.h"

/* rows = good + no_vector + wrong_type + wrong_length + not_finite + wrong_norm,
 * always; an orphan is in one of these, too. */
struct vf_audit {
    size_t dimensions; /* as recorded, else those of the first vector */
    bool normalized;   /* as recorded: then a norm other than 1 is wrong, else only one of 0 */
    uint64_t rows, good;
    uint64_t no_vector;    /* NULL */
    uint64_t wrong_type;   /* no row of float32 */
    uint64_t wrong_length; /* floats, but not as many */
    uint64_t not_finite, wrong_norm;
    uint64_t orphans;    /* whose article is gone */
    char first_bad[160]; /* article and what is wrong, or empty */
};

/* Looks at every vector under `model_id`. What is wrong goes to `sink`, one by one. */
VF_MUST_CHECK int vf_audit(struct vf_store *store, const char *model_id,
    const struct vf_event_sink *sink, struct vf_audit *ret, struct vf_err *err);

#endif
