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

struct fault {
    const char *reason, *message; /* both NULL: none */
};

/* The count that the vector belongs to, and in *ret_fault what is wrong with it. */
static uint64_t *judge(
    struct vf_audit *audit, const struct vf_audit_row *row, struct fault *ret_fault)
{
    *ret_fault = (struct fault){"no_vector", "there is no vector"};
    if (row->is_null)
        return &audit->no_vector;
    *ret_fault = (struct fault){"wrong_type", "the value is no row of float32"};
    if (!row->vector)
        return &audit->wrong_type;
    if (!audit->dimensions)
        audit->dimensions = row->dimensions;
    *ret_fault = (struct fault){"wrong_length", "the vector has another length"};
    if (row->dimensions != audit->dimensions)
        return &audit->wrong_length;
    double norm = norm_of(row->vector, row->dimensions);
    *ret_fault = (struct fault){"not_finite", "the vector is not finite"};
    if (!isfinite(norm))
        return &audit->not_finite;
    *ret_fault = (struct fault){"wrong_norm", "the vector has no norm"};
    if (norm == 0.0)
        return &audit->wrong_norm;
    *ret_fault = (struct fault){"wrong_norm", "the norm of the vector is not 1"};
    if (audit->normalized && fabs(norm - 1.0) > norm_tolerance)
        return &audit->wrong_norm;
    *ret_fault = (struct fault){NULL, NULL};
    return &audit->good;
}

struct look {
    struct vf_audit audit;
    const struct vf_event_sink *sink;
};

static void note(struct look *look, const char *source_id, struct fault fault)
{
    struct vf_audit *audit = &look->audit;
    if (!audit->first_bad[0])
        snprintf(
            audit->first_bad, sizeof audit->first_bad, "article %s: %s", source_id, fault.message);
    vf_event_send(look->sink, (struct vf_event){.kind = VF_EVENT_ROW_WRONG,
                                  .article_id = source_id,
                                  .reason = fault.reason,
                                  .message = fault.message});
}

static int visit(void *context, const struct vf_audit_row *row, struct vf_err *err)
{
    (void)err;
    struct look *look = context;
    struct fault fault;
    look->audit.rows++;
    ++*judge(&look->audit, row, &fault);
    if (fault.reason)
        note(look, row->source_id, fault);
    return 0;
}

static int visit_orphan(void *context, const char *source_id, struct vf_err *err)
{
    (void)err;
    struct look *look = context;
    look->audit.orphans++;
    note(look, source_id, (struct fault){"orphan", "it is gone, its vector is not"});
    return 0;
}

int vf_audit(struct vf_store *store, const char *model_id, const struct vf_event_sink *sink,
    struct vf_audit *ret, struct vf_err *err)
{
    struct vf_model_state state = {0};
    struct look look = {.sink = sink};
    int rc;
    VF_TRY(vf_store_find_model(store, model_id, &state, err));
    look.audit.dimensions = state.record.dimensions;
    look.audit.normalized = state.record.normalized;
    VF_TRY(vf_store_audit(store, model_id, visit, &look, err));
    VF_TRY(vf_store_orphans(store, model_id, visit_orphan, &look, err));
    *ret = look.audit;
out:
    vf_model_record_release(&state.record);
    return rc;
}
