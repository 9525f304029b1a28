#include "tokenizer/unicode_forms.h"

#include "base/checked.h"
#include "base/utf8.h"
#include "tokenizer/unicode.h"

#include <stdlib.h>
#include <string.h>

struct compatibility {
    uint32_t first;
    uint16_t offset; /* in compatibility_parts */
    uint16_t n;
};

struct composition {
    uint32_t first;
    uint32_t second;
    uint32_t together;
};

#include "tokenizer/unicode_forms.inc"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Hangul syllables are composed by arithmetic (Unicode 15, section 3.12). */
enum {
    HANGUL_FIRST = 0xAC00,
    HANGUL_COUNT = 11172,
    HANGUL_LEAD = 0x1100,
    HANGUL_LEADS = 19,
    HANGUL_VOWEL = 0x1161,
    HANGUL_VOWELS = 21,
    HANGUL_TAIL = 0x11A7,
    HANGUL_TAILS = 28
};

static int compare_code_points(const void *a, const void *b)
{
    uint32_t x = ((const struct compatibility *)a)->first;
    uint32_t y = ((const struct compatibility *)b)->first;
    return (x > y) - (x < y);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct composition *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->second > y->second) - (x->second < y->second);
}

size_t vf_unicode_decompose_compatibility(uint32_t c, uint32_t ret[VF_UNICODE_MAX_COMPATIBILITY])
{
    const struct compatibility key = {.first = c};
    const struct compatibility *row = bsearch(&key, compatibilities, COUNT(compatibilities),
        sizeof compatibilities[0], compare_code_points);
    if (!row)
        return vf_unicode_decompose(c, ret);
    memcpy(ret, compatibility_parts + row->offset, row->n * sizeof *ret);
    return row->n;
}

uint32_t vf_unicode_compose(uint32_t first, uint32_t second)
{
    if (first - HANGUL_LEAD < HANGUL_LEADS && second - HANGUL_VOWEL < HANGUL_VOWELS)
        return HANGUL_FIRST +
               ((first - HANGUL_LEAD) * HANGUL_VOWELS + second - HANGUL_VOWEL) * HANGUL_TAILS;
    if (first - HANGUL_FIRST < HANGUL_COUNT && (first - HANGUL_FIRST) % HANGUL_TAILS == 0 &&
        second - HANGUL_TAIL - 1 < HANGUL_TAILS - 1)
        return first + second - HANGUL_TAIL;
    const struct composition key = {.first = first, .second = second};
    const struct composition *row =
        bsearch(&key, compositions, COUNT(compositions), sizeof compositions[0], compare_pairs);
    return row ? row->together : 0;
}

/* ---- forms ---- */

struct part {
    uint32_t c;
    uint32_t combining_class;
};

/* A character that combines with none before it, and those that combine with it. */
struct segment {
    struct vf_unicode_form form;
    struct vf_buf *out;
    struct vf_err *err;
    struct part *parts;  /* `own`, or of the heap */
    struct part *sorted; /* as many, on the heap; NULL while `parts` is `own` */
    size_t n;
    size_t capacity;
    struct part own[32];
};

static int grow(struct segment *segment)
{
    size_t capacity = 2 * segment->capacity, bytes;
    if (!vf_size_mul(capacity, sizeof *segment->parts, &bytes))
        return vf_fail_memory(segment->err, "combining characters");
    struct part *parts = malloc(bytes), *sorted = malloc(bytes);
    if (!parts || !sorted) {
        free(parts);
        free(sorted);
        return vf_fail_memory(segment->err, "combining characters");
    }
    memcpy(parts, segment->parts, segment->n * sizeof *parts);
    if (segment->parts != segment->own)
        free(segment->parts);
    free(segment->sorted);
    segment->parts = parts;
    segment->sorted = sorted;
    segment->capacity = capacity;
    return 0;
}

/* Both sorts are stable. */
static void sort_few(struct part *parts, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct part part = parts[i];
        size_t at = i;
        for (; at > 0 && parts[at - 1].combining_class > part.combining_class; at--)
            parts[at] = parts[at - 1];
        parts[at] = part;
    }
}

static void sort_many(struct part *parts, size_t n, struct part *sorted)
{
    size_t places[257] = {0};
    for (size_t i = 0; i < n; i++)
        places[parts[i].combining_class + 1]++;
    for (size_t i = 1; i < 257; i++)
        places[i] += places[i - 1];
    for (size_t i = 0; i < n; i++)
        sorted[places[parts[i].combining_class]++] = parts[i];
    memcpy(parts, sorted, n * sizeof *parts);
}

/* Composes what follows the first part with it; what is not composed blocks others of its class. */
static void compose(struct segment *segment)
{
    struct part *parts = segment->parts;
    size_t kept = 1;
    uint32_t last_class = 0;
    for (size_t i = 1; i < segment->n; i++) {
        bool blocked = kept > 1 && last_class >= parts[i].combining_class;
        uint32_t together = blocked ? 0 : vf_unicode_compose(parts[0].c, parts[i].c);
        if (together) {
            parts[0].c = together;
            continue;
        }
        last_class = parts[i].combining_class;
        parts[kept++] = parts[i];
    }
    segment->n = kept;
}

static void finish(struct segment *segment)
{
    bool has_base = segment->n > 0 && segment->parts[0].combining_class == 0;
    if (segment->n <= COUNT(segment->own))
        sort_few(segment->parts, segment->n);
    else
        sort_many(segment->parts, segment->n, segment->sorted);
    if (segment->form.composed && has_base)
        compose(segment);
}

static int flush(struct segment *segment)
{
    int rc = 0;
    for (size_t i = 0; i < segment->n && rc == 0; i++) {
        uint8_t bytes[4];
        size_t n = vf_utf8_encode(segment->parts[i].c, bytes);
        rc = vf_buf_append(segment->out, bytes, n, segment->err);
    }
    segment->n = 0;
    return rc;
}

static int add(struct segment *segment, uint32_t c)
{
    uint32_t combining_class = vf_unicode_combining_class(c);
    int rc = 0;
    if (combining_class == 0) {
        finish(segment);
        uint32_t together = segment->form.composed && segment->n == 1
                                ? vf_unicode_compose(segment->parts[0].c, c)
                                : 0;
        if (together && segment->parts[0].combining_class == 0) {
            segment->parts[0].c = together;
            return 0;
        }
        VF_TRY(flush(segment));
    }
    if (segment->n == segment->capacity)
        VF_TRY(grow(segment));
    segment->parts[segment->n++] = (struct part){.c = c, .combining_class = combining_class};
out:
    return rc;
}

/* Bytes at `p` that are the same in the form, whatever comes before and after them: below U+0300
 * nothing combines with what is before it, and nothing is composed anew except by what follows. */
static size_t plain_run(struct vf_unicode_form form, const uint8_t *p, const uint8_t *end)
{
    const uint8_t limit = form.composed && !form.compatibility ? 0xCC : 0x80;
    const uint8_t *q = p;
    while (q < end && *q < limit)
        q++;
    if (q > p && q < end)
        for (q--; (*q & 0xC0) == 0x80;)
            q--;
    return (size_t)(q - p);
}

int vf_unicode_normalize(struct vf_unicode_form form, const uint8_t *text, size_t n,
    struct vf_buf *out, struct vf_err *err)
{
    struct segment segment = {.form = form, .out = out, .err = err, .capacity = COUNT(segment.own)};
    const uint8_t *p = text, *end = text + n;
    int rc = 0;
    segment.parts = segment.own;
    while (p < end) {
        uint32_t c, parts[VF_UNICODE_MAX_COMPATIBILITY];
        size_t run = plain_run(form, p, end);
        if (run > 0) {
            finish(&segment);
            VF_TRY(flush(&segment));
            VF_TRY(vf_buf_append(out, p, run, err));
            p += run;
            if (p == end)
                break;
        }
        p += vf_utf8_decode(p, end, &c);
        size_t n_parts = form.compatibility ? vf_unicode_decompose_compatibility(c, parts)
                                            : vf_unicode_decompose(c, parts);
        for (size_t i = 0; i < n_parts; i++)
            VF_TRY(add(&segment, parts[i]));
    }
    finish(&segment);
    rc = flush(&segment);
out:
    if (segment.parts != segment.own)
        free(segment.parts);
    free(segment.sorted);
    return rc;
}
