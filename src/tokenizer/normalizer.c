#include "tokenizer/normalizer.h"

#include "base/checked.h"

#include <stdio.h>
#include <string.h>

static const struct vf_normalizer_kind *const kinds[] = {&vf_bert_normalizer,
    &vf_lowercase_normalizer, &vf_nfc_normalizer, &vf_nfd_normalizer, &vf_nfkc_normalizer,
    &vf_nfkd_normalizer, &vf_precompiled_normalizer, &vf_prepend_normalizer, &vf_replace_normalizer,
    &vf_strip_accents_normalizer, &vf_strip_normalizer};

int vf_normal_text_check(const struct vf_normal_text *text, size_t n, struct vf_err *err)
{
    if (n <= text->most)
        return 0;
    return vf_fail(err, VF_ERR_DATA,
        "the tokenizer's normalizers make a text more than %d times as long",
        (int)VF_NORMAL_MOST_TIMES);
}

struct vf_buf *vf_normal_text_begin(const struct vf_normal_text *text)
{
    struct vf_buf *buf = &text->bufs[!text->current];
    vf_buf_clear(buf);
    return buf;
}

void vf_normal_text_end(struct vf_normal_text *text, size_t n_first)
{
    static const uint8_t nothing;
    text->current = !text->current;
    const struct vf_buf *buf = &text->bufs[text->current];
    text->p = buf->data ? (const uint8_t *)buf->data : &nothing;
    text->n = buf->size;
    /* The first character may have become a part of one with what follows it. */
    while (n_first < text->n && (text->p[n_first] & 0xC0) == 0x80)
        n_first++;
    text->n_first = n_first < text->n ? n_first : text->n;
}

void vf_normalizer_lowercase(struct vf_normalizer *normalizer)
{
    normalizer->steps[normalizer->n++] =
        (struct vf_normalizer_step){.kind = &vf_lowercase_normalizer};
}

static int read_sequence(
    const json_t *json, const char *where, struct vf_normalizer *ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "normalizers", NULL};
    static const char *const none[] = {NULL};
    int rc = vf_tokenizer_check_keys(json, where, required, none, err);
    const json_t *list = json_object_get(json, "normalizers");
    if (rc)
        return rc;
    if (!json_is_array(list))
        return vf_fail(err, VF_ERR_DATA, "%s.normalizers: not an array", where);
    for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
        char place[VF_WHERE_BYTES];
        const json_t *step = json_array_get(list, i);
        (void)snprintf(place, sizeof place, "%s.normalizers[%zu]", where, i);
        if (!json_is_object(step))
            return vf_fail(err, VF_ERR_DATA, "%s: not an object", place);
        rc = vf_normalizer_read(step, place, ret, err);
    }
    return rc;
}

/* Appends to the steps of `ret`. A sequence within itself is as deep as its file, which the parser
 * of JSON limits. */
int vf_normalizer_read(
    const json_t *json, const char *where, struct vf_normalizer *ret, struct vf_err *err)
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
            ret->steps[ret->n++] = (struct vf_normalizer_step){.kind = kinds[i], .self = self};
        return rc;
    }
    return vf_tokenizer_fail_kind(type, where, err);
}

void vf_normalizer_release(struct vf_normalizer *normalizer)
{
    if (!normalizer)
        return;
    for (size_t i = 0; i < normalizer->n; i++)
        if (normalizer->steps[i].kind->release)
            normalizer->steps[i].kind->release(normalizer->steps[i].self);
    *normalizer = (struct vf_normalizer){0};
}

int vf_normalizer_apply(
    const struct vf_normalizer *normalizer, struct vf_normal_text *text, struct vf_err *err)
{
    int rc = 0;
    if (!vf_size_mul(text->n, VF_NORMAL_MOST_TIMES, &text->most) ||
        !vf_size_add(text->most, VF_NORMAL_MOST_MORE, &text->most))
        return vf_fail_memory(err, "a long text");
    for (size_t i = 0; i < normalizer->n && rc == 0 && text->n > 0; i++) {
        rc = normalizer->steps[i].kind->apply(normalizer->steps[i].self, text, err);
        if (rc == 0)
            rc = vf_normal_text_check(text, text->n, err);
    }
    return rc;
}
