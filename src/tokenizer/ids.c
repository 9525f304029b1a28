#include "tokenizer/ids.h"

#include <stdlib.h>
#include <string.h>

int vf_ids_reserve(struct vf_ids *ids, size_t more, struct vf_err *err)
{
    if (more <= ids->capacity - ids->n)
        return 0;
    if (more > SIZE_MAX / sizeof *ids->ids / 4 - ids->n)
        return vf_fail_memory(err, "token ids");
    size_t capacity = ids->capacity * 2 > ids->n + more ? ids->capacity * 2 : ids->n + more;
    int32_t *moved = realloc(ids->ids, capacity * sizeof *moved);
    if (!moved)
        return vf_fail_memory(err, "token ids");
    ids->ids = moved;
    ids->capacity = capacity;
    return 0;
}

int vf_ids_append(struct vf_ids *ids, const int32_t *more, size_t n, struct vf_err *err)
{
    if (n == 0)
        return 0;
    int rc = vf_ids_reserve(ids, n, err);
    if (rc)
        return rc;
    memcpy(ids->ids + ids->n, more, n * sizeof *more);
    ids->n += n;
    return 0;
}

void vf_ids_release(struct vf_ids *ids)
{
    if (!ids)
        return;
    free(ids->ids);
    *ids = (struct vf_ids){0};
}
