/* Precompiled: the normaliser of SentencePiece, a trie of what is replaced and a text of all
 * replacements, each ended by NUL.
 *
 * The trie is a double array (Aoe, 1989) in the layout of the library Darts-clone: 32 bits a unit,
 * of which 0 to 7 are the label, 8 tells of a value below, 9 and 10 to 30 are the offset to the
 * children, and bit 31 tells the unit of a value, its other bits.
 */
#include "base/utf8.h"
#include "tokenizer/base64.h"
#include "tokenizer/grapheme.h"
#include "tokenizer/normalizer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Clusters of fewer bytes are looked up as a whole before their characters are, and what replaces
 * their beginning then replaces all of them. */
enum { MAX_CLUSTER = 6 };

struct precompiled {
    uint32_t *units; /* owned */
    size_t n_units;
    char *texts; /* the replacements, NUL-terminated, owned */
    size_t n_texts;
};

static void release(void *self)
{
    struct precompiled *precompiled = self;
    if (!precompiled)
        return;
    free(precompiled->units);
    free(precompiled->texts);
    free(precompiled);
}

static uint32_t read_u32(const char *p)
{
    const uint8_t *bytes = (const uint8_t *)p;
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* A charsmap is the number of bytes of the trie, the trie and the texts. */
static int read_charsmap(struct precompiled *precompiled, const struct vf_buf *charsmap,
    const char *where, struct vf_err *err)
{
    size_t n_bytes = charsmap->size >= 4 ? read_u32(charsmap->data) : 0;
    if (n_bytes == 0 || n_bytes % 4 != 0 || n_bytes > charsmap->size - 4)
        return vf_fail(err, VF_ERR_DATA, "%s: the charsmap is cut short", where);
    const char *texts = charsmap->data + 4 + n_bytes;
    precompiled->n_texts = charsmap->size - 4 - n_bytes;
    if (vf_utf8_valid_prefix((const uint8_t *)texts, precompiled->n_texts) != precompiled->n_texts)
        return vf_fail(err, VF_ERR_DATA, "%s: the charsmap is not UTF-8", where);
    precompiled->n_units = n_bytes / 4;
    precompiled->units = malloc(n_bytes);
    precompiled->texts = malloc(precompiled->n_texts + 1);
    if (!precompiled->units || !precompiled->texts)
        return vf_fail_memory(err, "the charsmap");
    for (size_t i = 0; i < precompiled->n_units; i++)
        precompiled->units[i] = read_u32(charsmap->data + 4 + 4 * i);
    memcpy(precompiled->texts, texts, precompiled->n_texts);
    precompiled->texts[precompiled->n_texts] = '\0';
    return 0;
}

static int read(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", "precompiled_charsmap", NULL};
    static const char *const none[] = {NULL};
    struct precompiled *precompiled = calloc(1, sizeof *precompiled);
    struct vf_buf charsmap = {0};
    const char *text;
    bool valid;
    int rc;
    if (!precompiled)
        return vf_fail_memory(err, "the tokenizer");
    VF_TRY(vf_tokenizer_check_keys(json, where, required, none, err));
    VF_TRY(vf_json_get_string(json, "precompiled_charsmap", where, "", &text, err));
    VF_TRY(vf_base64_decode(text, &charsmap, &valid, err));
    rc = valid ? read_charsmap(precompiled, &charsmap, where, err)
               : vf_fail(err, VF_ERR_DATA, "%s: \"precompiled_charsmap\" is not base64", where);
out:
    vf_buf_release(&charsmap);
    if (rc)
        release(precompiled);
    else
        *ret = precompiled;
    return rc;
}

static size_t offset_of(uint32_t unit)
{
    return (unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* What replaces the shortest key that the bytes begin with, or NULL. */
static const char *look_up(const struct precompiled *precompiled, const uint8_t *p, size_t n)
{
    const uint32_t *units = precompiled->units;
    size_t at = offset_of(units[0]);
    for (size_t i = 0; i < n && p[i]; i++) {
        at ^= p[i];
        if (at >= precompiled->n_units || (units[at] & (1u << 31 | 0xFF)) != p[i])
            return NULL;
        uint32_t unit = units[at];
        at ^= offset_of(unit);
        if (!(unit & 1u << 8))
            continue;
        size_t text = at < precompiled->n_units ? units[at] & ~(1u << 31) : SIZE_MAX;
        bool is_text =
            text < precompiled->n_texts && ((uint8_t)precompiled->texts[text] & 0xC0) != 0x80;
        return is_text ? precompiled->texts + text : NULL;
    }
    return NULL;
}

/* Appends what becomes of `n` bytes, a cluster or one of its characters. */
static int replace(const struct precompiled *precompiled, const uint8_t *p, size_t n,
    struct vf_buf *out, bool *ret_replaced, struct vf_err *err)
{
    const char *text = look_up(precompiled, p, n);
    *ret_replaced = text;
    return text ? vf_buf_append(out, text, strlen(text), err) : 0;
}

/* How many of the `n` bytes that replace a cluster belong to the first `n_chars` characters of it:
 * the reference aligns them one by one. */
static size_t aligned_bytes(const char *text, size_t n, size_t n_chars)
{
    size_t i = 0;
    while (i < n && (n_chars > 0 || ((uint8_t)text[i] & 0xC0) == 0x80))
        n_chars -= ((uint8_t)text[i++] & 0xC0) != 0x80;
    return i;
}

/* Appends what becomes of a cluster. *n_first grows by what becomes of characters before
 * `first_end`. */
static int normalize_cluster(const struct precompiled *precompiled, const uint8_t *p,
    const uint8_t *end, const uint8_t *first_end, struct vf_buf *out, size_t *n_first,
    struct vf_err *err)
{
    bool replaced = false;
    size_t begin = out->size, n_chars = 0;
    int rc = 0;
    if (end - p < MAX_CLUSTER)
        rc = replace(precompiled, p, (size_t)(end - p), out, &replaced, err);
    if (replaced) {
        for (const uint8_t *c = p; c < end && c < first_end; c++)
            n_chars += (*c & 0xC0) != 0x80;
        if (n_chars > 0)
            *n_first = end <= first_end
                           ? out->size
                           : begin + aligned_bytes(out->data + begin, out->size - begin, n_chars);
        return rc;
    }
    while (rc == 0 && p < end) {
        uint32_t c;
        size_t n = vf_utf8_decode(p, end, &c);
        rc = replace(precompiled, p, n, out, &replaced, err);
        if (rc == 0 && !replaced)
            rc = vf_buf_append(out, p, n, err);
        if (p < first_end)
            *n_first = out->size;
        p += n;
    }
    return rc;
}

/* The reference takes the first character that is left for the first one of the text, even when
 * those before it were dropped. */
static int apply(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    const struct precompiled *precompiled = self;
    struct vf_buf *out = vf_normal_text_begin(text);
    const uint8_t *p = text->p, *end = p + text->n, *first_end = p + text->n_first;
    size_t n_first = 0;
    int rc = vf_buf_reserve(out, text->n, err);
    while (p < end && rc == 0) {
        const uint8_t *next = vf_grapheme_next(p, end);
        rc = normalize_cluster(precompiled, p, next, first_end, out, &n_first, err);
        if (n_first == 0 && text->n_first > 0)
            n_first = out->size;
        p = next;
    }
    if (rc == 0)
        vf_normal_text_end(text, n_first);
    return rc;
}

const struct vf_normalizer_kind vf_precompiled_normalizer = {
    .type = "Precompiled", .read = read, .apply = apply, .release = release};
