#include "tokenizer/split_behavior.h"

#include <string.h>

int vf_split_behavior_read(
    const json_t *json, const char *where, enum vf_split_behavior *ret, struct vf_err *err)
{
    static const char *const names[] = {[VF_SPLIT_REMOVED] = "Removed",
        [VF_SPLIT_ISOLATED] = "Isolated",
        [VF_SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
        [VF_SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
        [VF_SPLIT_CONTIGUOUS] = "Contiguous"};
    const char *name;
    int rc = vf_json_get_string(json, "behavior", where, "(none)", &name, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum vf_split_behavior)i;
            return 0;
        }
    }
    return vf_fail(err, VF_ERR_DATA, "%s: unknown \"behavior\": %s", where, name);
}

/* Whether the next part belongs to what is held back. */
static bool belongs(const struct vf_cutter *cutter, bool is_delimiter)
{
    switch (cutter->behavior) {
    case VF_SPLIT_MERGED_WITH_PREVIOUS:
        return is_delimiter && !cutter->was_delimiter;
    case VF_SPLIT_MERGED_WITH_NEXT:
        return !is_delimiter && cutter->was_delimiter;
    case VF_SPLIT_CONTIGUOUS:
        return is_delimiter == cutter->was_delimiter;
    case VF_SPLIT_REMOVED:
    case VF_SPLIT_ISOLATED:
        break;
    }
    return false;
}

static int hand_over(struct vf_cutter *cutter)
{
    if (!cutter->holds)
        return 0;
    cutter->holds = false;
    return vf_piece_take(cutter->taker, cutter->piece, cutter->begin, cutter->end);
}

int vf_cutter_add(struct vf_cutter *cutter, size_t end, bool is_delimiter)
{
    int rc = 0;
    size_t begin = cutter->end;
    if (!cutter->holds || !belongs(cutter, is_delimiter)) {
        rc = hand_over(cutter);
        cutter->begin = begin;
        cutter->holds = !(is_delimiter && cutter->behavior == VF_SPLIT_REMOVED);
    }
    cutter->end = end;
    cutter->was_delimiter = is_delimiter;
    return rc;
}

int vf_cutter_finish(struct vf_cutter *cutter)
{
    return hand_over(cutter);
}
