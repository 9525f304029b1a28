#include "tokenizer/grapheme.h"

#include "base/utf8.h"

#include <stdbool.h>

enum kind {
    OTHER,
    CONTROL,
    EXTEND,  /* goes with what is before it, and lets conjuncts go on behind it */
    LINKER,  /* the same, and makes conjuncts */
    SPACING, /* goes with what is before it */
    PREPEND,
    PICTOGRAPHIC,
    CONSONANT,
    HANGUL_L,
    HANGUL_V,
    HANGUL_T,
    HANGUL_LV,
    HANGUL_LVT
};

struct grapheme_range {
    uint32_t first;
    uint32_t last;
    enum kind kind;
};

#include "tokenizer/grapheme_tables.inc"

enum { ZERO_WIDTH_JOINER = 0x200D };

static bool is_in(uint32_t c, uint32_t first, uint32_t last)
{
    return c >= first && c <= last;
}

static enum kind hangul_kind(uint32_t c)
{
    if (is_in(c, 0x1100, 0x115F) || is_in(c, 0xA960, 0xA97C))
        return HANGUL_L;
    if (is_in(c, 0x1160, 0x11A7) || is_in(c, 0xD7B0, 0xD7C6))
        return HANGUL_V;
    if (is_in(c, 0x11A8, 0x11FF) || is_in(c, 0xD7CB, 0xD7FB))
        return HANGUL_T;
    if (is_in(c, 0xAC00, 0xD7A3))
        return (c - 0xAC00) % 28 == 0 ? HANGUL_LV : HANGUL_LVT;
    return OTHER;
}

static enum kind kind_of(uint32_t c)
{
    size_t low = 0, high = sizeof grapheme_ranges / sizeof grapheme_ranges[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (grapheme_ranges[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    bool found =
        low < sizeof grapheme_ranges / sizeof grapheme_ranges[0] && grapheme_ranges[low].first <= c;
    return found ? grapheme_ranges[low].kind : hangul_kind(c);
}

/* What matters of the cluster so far. */
struct cluster {
    uint32_t last;
    enum kind kind;       /* of `last` */
    bool is_pictographic; /* a pictograph, then only what extends it */
    bool is_conjunct;     /* a consonant, then only what extends it */
    bool has_linker;      /* since that consonant */
};

static bool joins_hangul(enum kind before, enum kind kind)
{
    switch (before) {
    case HANGUL_L:
        return kind == HANGUL_L || kind == HANGUL_V || kind == HANGUL_LV || kind == HANGUL_LVT;
    case HANGUL_LV:
    case HANGUL_V:
        return kind == HANGUL_V || kind == HANGUL_T;
    case HANGUL_LVT:
    case HANGUL_T:
        return kind == HANGUL_T;
    default:
        return false;
    }
}

/* Rules GB3 to GB11 of the annex. */
static bool joins(const struct cluster *cluster, uint32_t c, enum kind kind)
{
    if (cluster->kind == CONTROL || kind == CONTROL)
        return cluster->last == '\r' && c == '\n';
    if (kind == EXTEND || kind == LINKER || kind == SPACING || cluster->kind == PREPEND)
        return true;
    if (kind == CONSONANT && cluster->is_conjunct && cluster->has_linker)
        return true;
    if (kind == PICTOGRAPHIC && cluster->is_pictographic && cluster->last == ZERO_WIDTH_JOINER)
        return true;
    return joins_hangul(cluster->kind, kind);
}

static void add(struct cluster *cluster, uint32_t c, enum kind kind)
{
    bool extends = kind == EXTEND || kind == LINKER;
    cluster->is_pictographic = kind == PICTOGRAPHIC || (cluster->is_pictographic && extends);
    cluster->has_linker = kind == LINKER || (cluster->has_linker && kind == EXTEND);
    cluster->is_conjunct = kind == CONSONANT || (cluster->is_conjunct && extends);
    cluster->last = c;
    cluster->kind = kind;
}

const uint8_t *vf_grapheme_next(const uint8_t *p, const uint8_t *end)
{
    struct cluster cluster = {0};
    uint32_t c;
    if (end - p >= 2 && p[0] >= ' ' && p[0] < 0x7F && p[1] >= ' ' && p[1] < 0x7F)
        return p + 1;
    p += vf_utf8_decode(p, end, &c);
    add(&cluster, c, kind_of(c));
    while (p < end) {
        size_t used = vf_utf8_decode(p, end, &c);
        enum kind kind = kind_of(c);
        if (!joins(&cluster, c, kind))
            break;
        add(&cluster, c, kind);
        p += used;
    }
    return p;
}
