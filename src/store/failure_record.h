/* Articles that could not be embedded or stored, beside store.h: its rules on threads, transactions
 * and errors hold here, too. */
#ifndef VF_STORE_FAILURE_RECORD_H
#define VF_STORE_FAILURE_RECORD_H

#include "store/store.h"

struct vf_failure {
    const char *source_id;
    const char *reason;       /* a code, e.g. "refused" */
    const char *message;      /* for people; as vf_fail() leaves a message: UTF-8 on one line */
    const uint8_t *text_hash; /* VF_TEXT_HASH_BYTES bytes: another text is another try */
};

/* Records that an article failed: in a new row, or with one attempt more. Nothing happens where
 * vf_store_info has no has_failures. */
VF_MUST_CHECK int vf_store_record_failure(struct vf_store *store, const char *model_id,
    const struct vf_failure *failure, struct vf_err *err);

#endif
