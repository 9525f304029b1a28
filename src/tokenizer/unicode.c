#include "tokenizer/unicode.h"

#include <string.h>

struct range {
    uint32_t first;
    uint32_t last;
};

struct class_range {
    uint32_t first;
    uint32_t last;
    uint32_t combining_class;
};

/* Every `step`th code point of the range is `delta` away from its lower case form. */
struct case_range {
    uint32_t first;
    uint32_t last;
    uint32_t step;
    int32_t delta;
};

/* Unused places of `to` are 0. */
struct decomposition {
    uint32_t first;
    uint32_t to[VF_UNICODE_MAX_DECOMPOSITION];
};

#include "tokenizer/unicode_tables.inc"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Hangul syllables are decomposed by arithmetic (Unicode 15, section 3.12). */
enum {
    HANGUL_FIRST = 0xAC00,
    HANGUL_COUNT = 11172,
    HANGUL_LEAD = 0x1100,
    HANGUL_VOWEL = 0x1161,
    HANGUL_TAIL = 0x11A7,
    HANGUL_TAILS = 28,
    HANGUL_PER_LEAD = 588
};

/* The one letter whose lower case form is two: i and a dot above. */
enum { CAPITAL_I_WITH_DOT = 0x130, COMBINING_DOT_ABOVE = 0x307 };

/* All tables are sorted and begin each row with `first`. */
static const void *find_row(uint32_t c, const void *table, size_t rows, size_t row_bytes)
{
    const uint8_t *base = table;
    size_t low = 0, high = rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t first;
        memcpy(&first, base + middle * row_bytes, sizeof first);
        if (first <= c)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? base + (low - 1) * row_bytes : NULL;
}

#define FIND_ROW(c, table) find_row(c, table, COUNT(table), sizeof(table)[0])

static void fill(uint8_t *ret, const struct range *ranges, size_t n, uint8_t property)
{
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = ranges[i].first; c <= ranges[i].last; c++)
            ret[c] |= property;
}

void vf_unicode_properties(uint8_t *ret)
{
    memset(ret, 0, VF_UNICODE_CODE_POINTS);
    fill(ret, control_ranges, COUNT(control_ranges), VF_UNICODE_CONTROL);
    fill(ret, space_ranges, COUNT(space_ranges), VF_UNICODE_SPACE);
    fill(ret, mark_ranges, COUNT(mark_ranges), VF_UNICODE_MARK);
    fill(ret, punctuation_ranges, COUNT(punctuation_ranges), VF_UNICODE_PUNCTUATION);
    fill(ret, word_ranges, COUNT(word_ranges), VF_UNICODE_WORD);
    fill(ret, cjk_ranges, COUNT(cjk_ranges), VF_UNICODE_CJK);
    for (size_t i = 0; i < COUNT(combining_classes); i++)
        for (uint32_t c = combining_classes[i].first; c <= combining_classes[i].last; c++)
            ret[c] |= VF_UNICODE_COMBINING;
    for (size_t i = 0; i < COUNT(lower_case); i++)
        for (uint32_t c = lower_case[i].first; c <= lower_case[i].last; c += lower_case[i].step)
            ret[c] |= VF_UNICODE_CHANGES;
    for (size_t i = 0; i < COUNT(decompositions); i++)
        ret[decompositions[i].first] |= VF_UNICODE_CHANGES;
    for (uint32_t c = HANGUL_FIRST; c < HANGUL_FIRST + HANGUL_COUNT; c++)
        ret[c] |= VF_UNICODE_CHANGES;
    ret[CAPITAL_I_WITH_DOT] |= VF_UNICODE_CHANGES;
}

bool vf_unicode_is(uint32_t c, enum vf_unicode_property property)
{
    const struct range *range = NULL;
    if (property == VF_UNICODE_SPACE)
        range = FIND_ROW(c, space_ranges);
    else if (property == VF_UNICODE_PUNCTUATION)
        range = FIND_ROW(c, punctuation_ranges);
    else if (property == VF_UNICODE_WORD)
        range = FIND_ROW(c, word_ranges);
    else if (property == VF_UNICODE_ACCENT)
        range = FIND_ROW(c, accent_ranges);
    else if (property == VF_UNICODE_NUMERIC)
        range = FIND_ROW(c, numeric_ranges);
    return range && c <= range->last;
}

unsigned vf_unicode_combining_class(uint32_t c)
{
    const struct class_range *range = FIND_ROW(c, combining_classes);
    return range && c <= range->last ? range->combining_class : 0;
}

static size_t decompose_hangul(uint32_t c, uint32_t *ret)
{
    uint32_t s = c - HANGUL_FIRST;
    ret[0] = HANGUL_LEAD + s / HANGUL_PER_LEAD;
    ret[1] = HANGUL_VOWEL + s % HANGUL_PER_LEAD / HANGUL_TAILS;
    ret[2] = HANGUL_TAIL + s % HANGUL_TAILS;
    return s % HANGUL_TAILS ? 3 : 2;
}

size_t vf_unicode_decompose(uint32_t c, uint32_t ret[VF_UNICODE_MAX_DECOMPOSITION])
{
    if (c - HANGUL_FIRST < HANGUL_COUNT)
        return decompose_hangul(c, ret);
    const struct decomposition *row = FIND_ROW(c, decompositions);
    if (!row || row->first != c) {
        ret[0] = c;
        return 1;
    }
    size_t n = 0;
    while (n < VF_UNICODE_MAX_DECOMPOSITION && row->to[n]) {
        ret[n] = row->to[n];
        n++;
    }
    return n;
}

size_t vf_unicode_lower(uint32_t c, uint32_t ret[VF_UNICODE_MAX_LOWER])
{
    if (c == CAPITAL_I_WITH_DOT) {
        ret[0] = 'i';
        ret[1] = COMBINING_DOT_ABOVE;
        return 2;
    }
    const struct case_range *range = FIND_ROW(c, lower_case);
    bool found = range && c <= range->last && (c - range->first) % range->step == 0;
    ret[0] = found ? (uint32_t)((int32_t)c + range->delta) : c;
    return 1;
}
