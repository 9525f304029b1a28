/* Digits: cuts between numeric characters and others, or at every numeric character. */
#include "tokenizer/class_splitter.h"

#include <stdlib.h>

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "individual_digits", NULL};
    static const char *const none[] = {NULL};
    enum vf_split_behavior *behavior = malloc(sizeof *behavior);
    bool individual;
    int rc;
    if (!behavior)
        return vf_fail_memory(err, "the tokenizer");
    VF_TRY(vf_tokenizer_check_keys(json, where, required, none, err));
    VF_TRY(vf_json_get_bool(json, "individual_digits", where, false, &individual, err));
    *behavior = individual ? VF_SPLIT_ISOLATED : VF_SPLIT_CONTIGUOUS;
    *ret = behavior;
out:
    if (rc)
        free(behavior);
    return rc;
}

static int split(const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    const enum vf_split_behavior *behavior = self;
    return vf_split_at_class(VF_UNICODE_NUMERIC, *behavior, piece, taker);
}

const struct vf_pretokenizer_kind vf_digits_pretokenizer = {
    .type = "Digits", .read = read, .split = split, .release = free};
