/* Every stored row, looked at, beside store.h: its rules on threads, transactions and errors hold
 * here, too. */
#ifndef VF_STORE_AUDIT_H
#define VF_STORE_AUDIT_H

#include "store/store.h"

struct vf_audit_row {
    const char *source_id;
    const float *vector; /* NULL when `is_null`, or when the value is no row of float32 */
    size_t dimensions;   /* of `vector` */
    bool is_null;
};

/* The pointers are valid during the call. A return other than 0 ends the audit, which returns it.
 * The visitor must not use the store. */
typedef int vf_audit_visitor(void *context, const struct vf_audit_row *row, struct vf_err *err);

/* Visits every row of NEWS under `model_id`, in no order. Memory does not grow with
 * their number. */
VF_MUST_CHECK int vf_store_audit(struct vf_store *store, const char *model_id,
    vf_audit_visitor *visit, void *context, struct vf_err *err);

/* Called with the id of an article that is gone; otherwise as vf_audit_visitor. */
typedef int vf_orphan_visitor(void *context, const char *source_id, struct vf_err *err);

/* Visits every row of NEWS under `model_id` whose article is gone, in no order. */
VF_MUST_CHECK int vf_store_orphans(struct vf_store *store, const char *model_id,
    vf_orphan_visitor *visit, void *context, struct vf_err *err);

/* Deletes the rows of NEWS under `model_id` whose article is gone, and what is recorded
 * of their failures; *ret_n tells how many vectors. VF_ERR_CONFIG when there is no article at all:
 * that is rather the wrong table. */
VF_MUST_CHECK int vf_store_prune(
    struct vf_store *store, const char *model_id, uint64_t *ret_n, struct vf_err *err);

#endif
