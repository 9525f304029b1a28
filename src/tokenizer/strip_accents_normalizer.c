/* StripAccents: drops combining marks; letters that hold an accent in themselves keep it. */
#include "base/utf8.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/unicode.h"

static int apply(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    struct vf_buf *out = vf_normal_text_begin(text);
    const uint8_t *p = text->p, *end = p + text->n;
    size_t n_first = 0;
    (void)self;
    int rc = vf_buf_reserve(out, text->n, err);
    while (p < end && rc == 0) {
        uint32_t c;
        size_t n = vf_utf8_decode(p, end, &c);
        if (!vf_unicode_is(c, VF_UNICODE_ACCENT))
            rc = vf_buf_append(out, p, n, err);
        p += n;
        if (p == text->p + text->n_first)
            n_first = out->size;
    }
    if (rc == 0)
        vf_normal_text_end(text, n_first);
    return rc;
}

const struct vf_normalizer_kind vf_strip_accents_normalizer = {
    .type = "StripAccents", .read = vf_tokenizer_read_nothing, .apply = apply};
