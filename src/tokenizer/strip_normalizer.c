/* Strip: drops white space at the beginning, at the end, or at both. */
#include "base/utf8.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/unicode.h"

#include <stdbool.h>
#include <stdlib.h>

struct strip {
    bool left;
    bool right;
};

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "strip_left", "strip_right", NULL};
    static const char *const none[] = {NULL};
    struct strip *strip = calloc(1, sizeof *strip);
    int rc;
    if (!strip)
        return vf_fail_memory(err, "the tokenizer");
    VF_TRY(vf_tokenizer_check_keys(json, where, required, none, err));
    VF_TRY(vf_json_get_bool(json, "strip_left", where, false, &strip->left, err));
    VF_TRY(vf_json_get_bool(json, "strip_right", where, false, &strip->right, err));
    *ret = strip;
out:
    if (rc)
        free(strip);
    return rc;
}

static int apply(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    const struct strip *strip = self;
    const uint8_t *p = text->p, *end = p + text->n;
    uint32_t c;
    (void)err;
    while (strip->left && p < end) {
        size_t n = vf_utf8_decode(p, end, &c);
        if (!vf_unicode_is(c, VF_UNICODE_SPACE))
            break;
        p += n;
    }
    while (strip->right && p < end) {
        const uint8_t *last = end - 1;
        while (last > p && (*last & 0xC0) == 0x80)
            last--;
        (void)vf_utf8_decode(last, end, &c);
        if (!vf_unicode_is(c, VF_UNICODE_SPACE))
            break;
        end = last;
    }
    size_t dropped = (size_t)(p - text->p);
    text->n_first = dropped < text->n_first ? text->n_first - dropped : 0;
    text->p = p;
    text->n = (size_t)(end - p);
    if (text->n_first > text->n)
        text->n_first = text->n;
    return 0;
}

const struct vf_normalizer_kind vf_strip_normalizer = {
    .type = "Strip", .read = read, .apply = apply, .release = free};
