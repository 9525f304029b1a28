/* NFC, NFD, NFKC and NFKD. */
#include "tokenizer/normalizer.h"
#include "tokenizer/unicode_forms.h"

static int apply(struct vf_unicode_form form, struct vf_normal_text *text, struct vf_err *err)
{
    struct vf_buf *out = vf_normal_text_begin(text);
    int rc = vf_buf_reserve(out, text->n, err);
    if (rc == 0)
        rc = vf_unicode_normalize(form, text->p, text->n_first, out, err);
    size_t n_first = out->size;
    vf_buf_clear(out);
    if (rc == 0)
        rc = vf_unicode_normalize(form, text->p, text->n, out, err);
    if (rc == 0)
        vf_normal_text_end(text, n_first);
    return rc;
}

static int apply_nfc(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    (void)self;
    return apply((struct vf_unicode_form){.composed = true}, text, err);
}

static int apply_nfd(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    (void)self;
    return apply((struct vf_unicode_form){0}, text, err);
}

static int apply_nfkc(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    (void)self;
    return apply((struct vf_unicode_form){.composed = true, .compatibility = true}, text, err);
}

static int apply_nfkd(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    (void)self;
    return apply((struct vf_unicode_form){.compatibility = true}, text, err);
}

const struct vf_normalizer_kind vf_nfc_normalizer = {
    .type = "NFC", .read = vf_tokenizer_read_nothing, .apply = apply_nfc};
const struct vf_normalizer_kind vf_nfd_normalizer = {
    .type = "NFD", .read = vf_tokenizer_read_nothing, .apply = apply_nfd};
const struct vf_normalizer_kind vf_nfkc_normalizer = {
    .type = "NFKC", .read = vf_tokenizer_read_nothing, .apply = apply_nfkc};
const struct vf_normalizer_kind vf_nfkd_normalizer = {
    .type = "NFKD", .read = vf_tokenizer_read_nothing, .apply = apply_nfkd};
