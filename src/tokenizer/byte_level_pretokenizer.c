/* ByteLevel: cuts as GPT-2 does, then writes every byte as a character that can be seen. */
#include "base/checked.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/word_scanner.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct byte_level {
    bool add_prefix_space;
    struct vf_word_scanner scanner; /* empty without "use_regex" */
    uint8_t characters[256][2];     /* of every byte, in UTF-8 */
    uint8_t sizes[256];
};

/* The bytes that are printable in Latin-1 are themselves, the others go from U+0100 on. */
static void make_characters(struct byte_level *byte_level)
{
    unsigned next = 0x100;
    for (unsigned byte = 0; byte < 256; byte++) {
        bool visible = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte != 0xAD);
        unsigned c = visible ? byte : next++;
        uint8_t *to = byte_level->characters[byte];
        byte_level->sizes[byte] = c < 0x80 ? 1 : 2;
        to[0] = (uint8_t)(c < 0x80 ? c : 0xC0 | c >> 6);
        to[1] = (uint8_t)(0x80 | (c & 0x3F));
    }
}

static void release(void *self)
{
    struct byte_level *byte_level = self;
    if (!byte_level)
        return;
    vf_word_scanner_release(&byte_level->scanner);
    free(byte_level);
}

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "add_prefix_space", NULL};
    static const char *const optional[] = {"trim_offsets", "use_regex", NULL};
    struct byte_level *byte_level = calloc(1, sizeof *byte_level);
    bool use_regex, trim_offsets;
    int rc;
    if (!byte_level)
        return vf_fail_memory(err, "the tokenizer");
    make_characters(byte_level);
    VF_TRY(vf_tokenizer_check_keys(json, where, required, optional, err));
    VF_TRY(vf_json_get_bool(
        json, "add_prefix_space", where, true, &byte_level->add_prefix_space, err));
    VF_TRY(vf_json_get_bool(json, "trim_offsets", where, true, &trim_offsets, err));
    VF_TRY(vf_json_get_bool(json, "use_regex", where, true, &use_regex, err));
    if (use_regex)
        VF_TRY(vf_word_scanner_init(&byte_level->scanner, VF_SCANNER_GPT2, err));
    *ret = byte_level;
out:
    if (rc)
        release(byte_level);
    return rc;
}

/* Hands on the word from `p` to `end`, spelled at `to`, which has room for it. `n_first` of its
 * bytes are the text's first character. */
static int take_word(const struct byte_level *byte_level, const uint8_t *p, const uint8_t *end,
    size_t n_first, uint8_t *to, const struct vf_piece_taker *taker)
{
    struct vf_piece word = {.p = to};
    for (const uint8_t *begin = p; p < end; p++) {
        to[word.n] = byte_level->characters[*p][0];
        to[word.n + 1] = byte_level->characters[*p][1];
        word.n += byte_level->sizes[*p];
        if ((size_t)(p - begin) < n_first)
            word.n_first = word.n;
    }
    return taker->take(taker->context, &word);
}

/* The buffer holds the piece with the blank before it, when it needs one, and a word behind it. */
static int split_piece(
    const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    const struct byte_level *byte_level = self;
    bool needs_blank = byte_level->add_prefix_space && piece->p[0] != ' ';
    const uint8_t *p = piece->p, *end = p + piece->n;
    size_t need, n_first = piece->n_first;
    if (!vf_size_mul(piece->n + 1, 3, &need))
        return vf_fail_memory(taker->err, "a text");
    vf_buf_clear(taker->buf);
    int rc = vf_buf_reserve(taker->buf, need, taker->err);
    uint8_t *buf = (uint8_t *)taker->buf->data, *word = buf;
    if (rc)
        return rc;
    if (needs_blank) {
        buf[0] = ' ';
        memcpy(buf + 1, piece->p, piece->n);
        p = buf;
        end = word = buf + 1 + piece->n;
        n_first += n_first > 0;
    }
    while (p < end && rc == 0) {
        const uint8_t *stop =
            byte_level->scanner.classes ? vf_word_scanner_next(&byte_level->scanner, p, end) : end;
        size_t n = (size_t)(stop - p);
        rc = take_word(byte_level, p, stop, n_first, word, taker);
        n_first -= n < n_first ? n : n_first;
        p = stop;
    }
    return rc;
}

const struct vf_pretokenizer_kind vf_byte_level_pretokenizer = {
    .type = "ByteLevel", .read = read, .split = split_piece, .release = release};
