/* WhitespaceSplit cuts at white space, which it drops; Whitespace does too, and cuts between word
 * characters and others. */
#include "base/utf8.h"
#include "tokenizer/class_splitter.h"

static int split_at_space(
    const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    (void)self;
    return vf_split_at_class(VF_UNICODE_SPACE, VF_SPLIT_REMOVED, piece, taker);
}

enum class { WORD, SPACE, OTHER };

static enum class classify(uint32_t c) {
    return vf_unicode_is(c, VF_UNICODE_WORD)    ? WORD
           : vf_unicode_is(c, VF_UNICODE_SPACE) ? SPACE
                                                : OTHER;
}

static int split_words(
    const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    size_t begin = 0, at = 0;
    enum class class = SPACE;
    int rc = 0;
    (void)self;
    while (at < piece->n && rc == 0) {
        uint32_t c;
        size_t n = vf_utf8_decode(piece->p + at, piece->p + piece->n, &c);
        enum class next = classify(c);
        if (next != class) {
            if (class != SPACE)
                rc = vf_piece_take(taker, piece, begin, at);
            begin = at;
            class = next;
        }
        at += n;
    }
    return rc || class == SPACE ? rc : vf_piece_take(taker, piece, begin, at);
}

const struct vf_pretokenizer_kind vf_whitespace_split_pretokenizer = {
    .type = "WhitespaceSplit", .read = vf_tokenizer_read_nothing, .split = split_at_space};
const struct vf_pretokenizer_kind vf_whitespace_pretokenizer = {
    .type = "Whitespace", .read = vf_tokenizer_read_nothing, .split = split_words};
