#include "tokenizer/pretokenizer.h"

#include <stdio.h>
#include <string.h>

static const struct vf_pretokenizer_kind *const kinds[] = {&vf_bert_pretokenizer,
    &vf_byte_level_pretokenizer, &vf_digits_pretokenizer, &vf_metaspace_pretokenizer,
    &vf_punctuation_pretokenizer, &vf_split_pretokenizer, &vf_whitespace_pretokenizer,
    &vf_whitespace_split_pretokenizer};

int vf_piece_take(
    const struct vf_piece_taker *taker, const struct vf_piece *piece, size_t begin, size_t end)
{
    if (begin == end)
        return 0;
    const struct vf_piece part = {.p = piece->p + begin,
        .n = end - begin,
        .n_first = begin < piece->n_first ? piece->n_first - begin : 0};
    return taker->take(taker->context, &part);
}

static int read_sequence(
    const json_t *json, const char *where, struct vf_pretokenizer *ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "pretokenizers", NULL};
    static const char *const none[] = {NULL};
    int rc = vf_tokenizer_check_keys(json, where, required, none, err);
    const json_t *list = json_object_get(json, "pretokenizers");
    if (rc)
        return rc;
    if (!json_is_array(list))
        return vf_fail(err, VF_ERR_DATA, "%s.pretokenizers: not an array", where);
    for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
        char place[VF_WHERE_BYTES];
        const json_t *step = json_array_get(list, i);
        (void)snprintf(place, sizeof place, "%s.pretokenizers[%zu]", where, i);
        if (!json_is_object(step))
            return vf_fail(err, VF_ERR_DATA, "%s: not an object", place);
        rc = vf_pretokenizer_read(step, place, ret, err);
    }
    return rc;
}

int vf_pretokenizer_read(
    const json_t *json, const char *where, struct vf_pretokenizer *ret, struct vf_err *err)
{
    const char *type;
    if (!json || json_is_null(json))
        return 0;
    int rc = vf_json_get_string(json, "type", where, "(none)", &type, err);
    if (rc)
        return rc;
    if (strcmp(type, "Sequence") == 0)
        return read_sequence(json, where, ret, err);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(type, kinds[i]->type) != 0)
            continue;
        if (ret->n == VF_MAX_STEPS)
            return vf_fail(err, VF_ERR_DATA, "%s: more than %u steps", where, VF_MAX_STEPS);
        void *self;
        rc = kinds[i]->read(json, where, &self, err);
        if (rc == 0)
            ret->steps[ret->n++] = (struct vf_pretokenizer_step){.kind = kinds[i], .self = self};
        return rc;
    }
    return vf_tokenizer_fail_kind(type, where, err);
}

void vf_pretokenizer_release(struct vf_pretokenizer *pretokenizer)
{
    if (!pretokenizer)
        return;
    for (size_t i = 0; i < pretokenizer->n; i++)
        if (pretokenizer->steps[i].kind->release)
            pretokenizer->steps[i].kind->release(pretokenizer->steps[i].self);
    *pretokenizer = (struct vf_pretokenizer){0};
}

/* The rest of the row, as the taker of the step before it. */
struct rest {
    const struct vf_pretokenizer *pretokenizer;
    size_t step;
    struct vf_workspace *workspace;
    vf_piece_fn *take;
    void *context;
    struct vf_err *err;
};

static int split_by_rest(void *context, const struct vf_piece *piece)
{
    const struct rest *rest = context;
    if (rest->step == rest->pretokenizer->n)
        return rest->take(rest->context, piece);
    const struct vf_pretokenizer_step *step = &rest->pretokenizer->steps[rest->step];
    struct rest next = *rest;
    next.step++;
    const struct vf_piece_taker taker = {.take = split_by_rest,
        .context = &next,
        .buf = &rest->workspace->pieces[rest->step],
        .err = rest->err};
    return step->kind->split(step->self, piece, &taker);
}

int vf_pretokenizer_split(const struct vf_pretokenizer *pretokenizer, const struct vf_piece *piece,
    struct vf_workspace *workspace, vf_piece_fn *take, void *context, struct vf_err *err)
{
    struct rest rest = {.pretokenizer = pretokenizer,
        .workspace = workspace,
        .take = take,
        .context = context,
        .err = err};
    return split_by_rest(&rest, piece);
}
