#include "tokenizer/class_splitter.h"

#include "base/utf8.h"

int vf_split_at_class(enum vf_unicode_property property, enum vf_split_behavior behavior,
    const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    struct vf_cutter cutter = {.behavior = behavior, .piece = piece, .taker = taker};
    int rc = 0;
    for (size_t at = 0; at < piece->n && rc == 0;) {
        uint32_t c;
        size_t next = at + vf_utf8_decode(piece->p + at, piece->p + piece->n, &c);
        if (vf_unicode_is(c, property)) {
            if (cutter.end < at)
                rc = vf_cutter_add(&cutter, at, false);
            if (rc == 0)
                rc = vf_cutter_add(&cutter, next, true);
        }
        at = next;
    }
    if (rc == 0 && cutter.end < piece->n)
        rc = vf_cutter_add(&cutter, piece->n, false);
    return rc ? rc : vf_cutter_finish(&cutter);
}
