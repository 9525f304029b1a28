/* Lowercase: every character by itself, whatever stands beside it. */
#include "base/utf8.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/unicode.h"

static int append_lower(
    const uint8_t *p, const uint8_t *end, struct vf_buf *out, struct vf_err *err)
{
    int rc = 0;
    while (p < end && rc == 0) {
        uint32_t c, lower[VF_UNICODE_MAX_LOWER];
        p += vf_utf8_decode(p, end, &c);
        size_t n = vf_unicode_lower(c, lower);
        for (size_t i = 0; i < n && rc == 0; i++) {
            uint8_t bytes[4];
            rc = vf_buf_append(out, bytes, vf_utf8_encode(lower[i], bytes), err);
        }
    }
    return rc;
}

static int apply(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    struct vf_buf *out = vf_normal_text_begin(text);
    const uint8_t *first_end = text->p + text->n_first;
    size_t n_first;
    int rc;
    (void)self;
    VF_TRY(vf_buf_reserve(out, text->n, err));
    VF_TRY(append_lower(text->p, first_end, out, err));
    n_first = out->size;
    VF_TRY(append_lower(first_end, text->p + text->n, out, err));
    vf_normal_text_end(text, n_first);
out:
    return rc;
}

const struct vf_normalizer_kind vf_lowercase_normalizer = {
    .type = "Lowercase", .read = vf_tokenizer_read_nothing, .apply = apply};
