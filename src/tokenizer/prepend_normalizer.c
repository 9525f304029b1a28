/* Prepend: puts a text before any that is not empty. */
#include "tokenizer/normalizer.h"

#include <stdlib.h>
#include <string.h>

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "prepend", NULL};
    static const char *const none[] = {NULL};
    const char *text;
    int rc;
    VF_TRY(vf_tokenizer_check_keys(json, where, required, none, err));
    VF_TRY(vf_json_get_string(json, "prepend", where, "", &text, err));
    *ret = strdup(text);
    if (!*ret)
        rc = vf_fail_memory(err, "the tokenizer");
out:
    return rc;
}

static int apply(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    const char *prefix = self;
    struct vf_buf *out = vf_normal_text_begin(text);
    int rc;
    VF_TRY(vf_buf_append_string(out, prefix, err));
    VF_TRY(vf_buf_append(out, text->p, text->n, err));
    vf_normal_text_end(text, text->n_first ? strlen(prefix) + text->n_first : 0);
out:
    return rc;
}

const struct vf_normalizer_kind vf_prepend_normalizer = {
    .type = "Prepend", .read = read, .apply = apply, .release = free};
