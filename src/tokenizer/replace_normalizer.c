/* Replace: writes a text in place of every match of a pattern. */
#include "tokenizer/normalizer.h"
#include "tokenizer/pattern.h"

#include <stdlib.h>
#include <string.h>

struct replace {
    struct vf_pattern pattern;
    char *content; /* owned */
};

static void release(void *self)
{
    struct replace *replace = self;
    if (!replace)
        return;
    vf_pattern_release(&replace->pattern);
    free(replace->content);
    free(replace);
}

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "pattern", "content", NULL};
    static const char *const none[] = {NULL};
    struct replace *replace = calloc(1, sizeof *replace);
    const char *content;
    int rc;
    if (!replace)
        return vf_fail_memory(err, "the tokenizer");
    VF_TRY(vf_tokenizer_check_keys(json, where, required, none, err));
    VF_TRY(vf_json_get_string(json, "content", where, "", &content, err));
    VF_TRY(vf_pattern_read(json_object_get(json, "pattern"), where, &replace->pattern, err));
    replace->content = strdup(content);
    if (!replace->content)
        rc = vf_fail_memory(err, "the tokenizer");
out:
    if (rc)
        release(replace);
    else
        *ret = replace;
    return rc;
}

/* Appends the bytes from `begin` to `end` and counts those of the first character. */
static int keep(const struct vf_normal_text *text, size_t begin, size_t end, struct vf_buf *out,
    size_t *n_first, struct vf_err *err)
{
    if (begin < text->n_first)
        *n_first = out->size + (end < text->n_first ? end : text->n_first) - begin;
    return vf_buf_append(out, text->p + begin, end - begin, err);
}

/* What replaces a match stands for the last character of it. */
static int replace_all(const struct replace *replace, struct vf_pattern_search *search,
    const struct vf_normal_text *text, struct vf_buf *out, size_t *n_first, struct vf_err *err)
{
    size_t at = 0, begin = 0, end = 0;
    bool found;
    int rc;
    for (;;) {
        VF_TRY(vf_pattern_search_next(search, &found, &begin, &end, err));
        VF_TRY(keep(text, at, found ? begin : text->n, out, n_first, err));
        if (!found)
            break;
        VF_TRY(vf_buf_append_string(out, replace->content, err));
        VF_TRY(vf_normal_text_check(text, out->size, err));
        if (end > 0 && end <= text->n_first)
            *n_first = out->size;
        at = end;
    }
out:
    return rc;
}

static int apply(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    const struct replace *replace = self;
    struct vf_buf *out = vf_normal_text_begin(text);
    struct vf_pattern_search search;
    size_t n_first = 0;
    int rc = vf_pattern_search_init(&search, &replace->pattern, text->p, text->n, err);
    if (rc)
        return rc;
    rc = vf_buf_reserve(out, text->n, err);
    if (rc == 0)
        rc = replace_all(replace, &search, text, out, &n_first, err);
    if (rc == 0)
        vf_normal_text_end(text, n_first);
    vf_pattern_search_release(&search);
    return rc;
}

const struct vf_normalizer_kind vf_replace_normalizer = {
    .type = "Replace", .read = read, .apply = apply, .release = release};
