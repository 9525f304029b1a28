/* Split: cuts at a pattern, or with "invert" between its matches. */
#include "tokenizer/pattern.h"
#include "tokenizer/split_behavior.h"

#include <stdlib.h>

struct split {
    struct vf_pattern pattern;
    enum vf_split_behavior behavior;
    bool invert;
};

static void release(void *self)
{
    struct split *split = self;
    if (!split)
        return;
    vf_pattern_release(&split->pattern);
    free(split);
}

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "pattern", "behavior", "invert", NULL};
    static const char *const none[] = {NULL};
    struct split *split = calloc(1, sizeof *split);
    int rc;
    if (!split)
        return vf_fail_memory(err, "the tokenizer");
    VF_TRY(vf_tokenizer_check_keys(json, where, required, none, err));
    VF_TRY(vf_split_behavior_read(json, where, &split->behavior, err));
    VF_TRY(vf_json_get_bool(json, "invert", where, false, &split->invert, err));
    VF_TRY(vf_pattern_read(json_object_get(json, "pattern"), where, &split->pattern, err));
    *ret = split;
out:
    if (rc)
        release(split);
    return rc;
}

static int split_piece(
    const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    const struct split *split = self;
    struct vf_cutter cutter = {.behavior = split->behavior, .piece = piece, .taker = taker};
    struct vf_pattern_search search;
    size_t begin = 0, end = 0;
    bool found;
    int rc = vf_pattern_search_init(&search, &split->pattern, piece->p, piece->n, taker->err);
    if (rc)
        return rc;
    for (;;) {
        VF_TRY(vf_pattern_search_next(&search, &found, &begin, &end, taker->err));
        if (!found)
            begin = piece->n;
        if (begin != cutter.end)
            VF_TRY(vf_cutter_add(&cutter, begin, split->invert));
        if (!found)
            break;
        VF_TRY(vf_cutter_add(&cutter, end, !split->invert));
    }
    rc = vf_cutter_finish(&cutter);
out:
    vf_pattern_search_release(&search);
    return rc;
}

const struct vf_pretokenizer_kind vf_split_pretokenizer = {
    .type = "Split", .read = read, .split = split_piece, .release = release};
