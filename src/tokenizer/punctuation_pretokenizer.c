/* Punctuation: cuts at punctuation characters, those that BERT goes by. */
#include "tokenizer/class_splitter.h"

#include <stdlib.h>

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", NULL};
    static const char *const optional[] = {"behavior", NULL};
    enum vf_split_behavior *behavior = malloc(sizeof *behavior);
    int rc;
    if (!behavior)
        return vf_fail_memory(err, "the tokenizer");
    *behavior = VF_SPLIT_ISOLATED;
    VF_TRY(vf_tokenizer_check_keys(json, where, required, optional, err));
    if (json_object_get(json, "behavior"))
        VF_TRY(vf_split_behavior_read(json, where, behavior, err));
    *ret = behavior;
out:
    if (rc)
        free(behavior);
    return rc;
}

static int split(const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    const enum vf_split_behavior *behavior = self;
    return vf_split_at_class(VF_UNICODE_PUNCTUATION, *behavior, piece, taker);
}

const struct vf_pretokenizer_kind vf_punctuation_pretokenizer = {
    .type = "Punctuation", .read = read, .split = split, .release = free};
