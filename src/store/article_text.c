#include "store/article_text.h"

#include "base/utf8.h"

const uint16_t vf_white_space[] = {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x85,
    0xA0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009,
    0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
const size_t vf_n_white_space = sizeof vf_white_space / sizeof vf_white_space[0];

static bool is_white(uint32_t c)
{
    for (size_t i = 0; i < vf_n_white_space; i++)
        if (c == vf_white_space[i])
            return true;
    return false;
}

bool vf_is_blank(struct vf_value text)
{
    if (!text.bytes)
        return true;
    const uint8_t *p = (const uint8_t *)text.bytes;
    const uint8_t *end = p + text.n;
    while (p < end) {
        uint32_t c;
        p += vf_utf8_decode(p, end, &c);
        if (!is_white(c))
            return false;
    }
    return true;
}

int vf_text_append(
    struct vf_buf *buf, struct vf_value headline, struct vf_value body, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_buf_append(buf, headline.bytes, headline.n, err));
    if (headline.bytes && body.bytes)
        VF_TRY(vf_buf_append(buf, " ", 1, err));
    VF_TRY(vf_buf_append(buf, body.bytes, body.n, err));
out:
    return rc;
}

int vf_counts_add(struct vf_counts *counts, int64_t state, uint64_t n, struct vf_err *err)
{
    switch (state) {
    case VF_STATE_MISSING:
        counts->missing += n;
        return 0;
    case VF_STATE_CHANGED:
        counts->changed += n;
        return 0;
    case VF_STATE_UNCHANGED:
        counts->unchanged += n;
        return 0;
    case VF_STATE_EMPTY:
        counts->empty += n;
        return 0;
    case VF_STATE_FAILED:
        counts->failed += n;
        return 0;
    default:
        return vf_fail(err, VF_ERR_INTERNAL, "an article in the unknown state %d", (int)state);
    }
}
