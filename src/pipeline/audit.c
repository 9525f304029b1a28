#include "pipeline/audit.h"

#include "store/audit.h"
#include "store/model_record.h"

#include <math.h>
#include <stdio.h>

/* How far a norm may be from 1: halfvec keeps 11 bits of each component. */
static const double norm_tolerance = 1e-3;

static double norm_of(const float *vector, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)vector[i] * (double)vector[i];
    return sqrt(sum);
}

/* The count that the vector belongs to, and in *ret_fault what is wrong with it, NULL for nothing.
 */
static uint64_t *judge(
    struct vf_audit *audit, const struct vf_audit_row *row, const char **ret_fault)
{
    *ret_fault = "there is no vector";
    if (row->is_null)
        return &audit->no_vector;
    *ret_fault = "the value is no row of float32";
    if (!row->vector)
        return &audit->wrong_type;
    if (!audit->dimensions)
        audit->dimensions = row->dimensions;
    *ret_fault = "the vector has another length";
    if (row->dimensions != audit->dimensions)
        return &audit->wrong_length;
    double norm = norm_of(row->vector, row->dimensions);
    *ret_fault = "the vector is not finite";
    if (!isfinite(norm))
        return &audit->not_finite;
    *ret_fault = "the vector has no norm";
    if (norm == 0.0)
        return &audit->wrong_norm;
    *ret_fault = "the norm of the vector is not 1";
    if (audit->normalized && fabs(norm - 1.0) > norm_tolerance)
        return &audit->wrong_norm;
    *ret_fault = NULL;
    return &audit->good;
}

static void note(struct vf_audit *audit, const char *source_id, const char *fault)
{
    if (!audit->first_bad[0])
        snprintf(audit->first_bad, sizeof audit->first_bad, "article %s: %s", source_id, fault);
}

static int visit(void *context, const struct vf_audit_row *row, struct vf_err *err)
{
    (void)err;
    struct vf_audit *audit = context;
    const char *fault;
    audit->rows++;
    ++*judge(audit, row, &fault);
    if (fault)
        note(audit, row->source_id, fault);
    return 0;
}

static int visit_orphan(void *context, const char *source_id, struct vf_err *err)
{
    (void)err;
    struct vf_audit *audit = context;
    audit->orphans++;
    note(audit, source_id, "it is gone, its vector is not");
    return 0;
}

int vf_audit(struct vf_store *store, const char *model_id, struct vf_audit *ret, struct vf_err *err)
{
    struct vf_model_state state = {0};
    struct vf_audit audit = {0};
    int rc;
    VF_TRY(vf_store_find_model(store, model_id, &state, err));
    audit.dimensions = state.record.dimensions;
    audit.normalized = state.record.normalized;
    VF_TRY(vf_store_audit(store, model_id, visit, &audit, err));
    VF_TRY(vf_store_orphans(store, model_id, visit_orphan, &audit, err));
    *ret = audit;
out:
    vf_model_record_release(&state.record);
    return rc;
}
