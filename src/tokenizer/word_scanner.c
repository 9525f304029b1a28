#include "tokenizer/word_scanner.h"

#include "base/utf8.h"
#include "tokenizer/unicode.h"
#include "tokenizer/unicode_categories.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum class { OTHER, LETTER, NUMBER, SPACE };

enum { LONG_S = 0x17F }; /* equals s when case does not matter */

enum vf_scanner_kind vf_word_scanner_find(const char *pattern)
{
    static const char contractions[] =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
    static const char rest[] = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    static const char gpt2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| "
                               "?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    if (strcmp(pattern, gpt2) == 0)
        return VF_SCANNER_GPT2;
    if (strncmp(pattern, contractions, sizeof contractions - 1) != 0)
        return VF_SCANNER_NONE;
    pattern += sizeof contractions - 1;
    enum vf_scanner_kind kind =
        strncmp(pattern, "\\p{N}{1,3}|", 11) == 0 ? VF_SCANNER_3_DIGITS : VF_SCANNER_ONE_DIGIT;
    const char *numbers = kind == VF_SCANNER_3_DIGITS ? "\\p{N}{1,3}" : "\\p{N}";
    size_t n = strlen(numbers);
    return strncmp(pattern, numbers, n) == 0 && strcmp(pattern + n, rest) == 0 ? kind
                                                                               : VF_SCANNER_NONE;
}

int vf_word_scanner_init(struct vf_word_scanner *ret, enum vf_scanner_kind kind, struct vf_err *err)
{
    uint8_t *classes = malloc(VF_UNICODE_CODE_POINTS);
    *ret = (struct vf_word_scanner){0};
    if (!classes)
        return vf_fail_memory(err, "the classes of characters");
    for (size_t i = 0; i < vf_category_runs(); i++) {
        uint32_t first, last, category = vf_category_run(i, &first, &last);
        enum class class = category & VF_CATEGORY_L   ? LETTER
                           : category & VF_CATEGORY_N ? NUMBER
                                                      : OTHER;
        memset(classes + first, class, last - first + 1);
        for (uint32_t c = first; class == OTHER && c <= last; c++)
            if (vf_unicode_is(c, VF_UNICODE_SPACE))
                classes[c] = SPACE;
    }
    *ret = (struct vf_word_scanner){.kind = kind, .classes = classes};
    return 0;
}

void vf_word_scanner_release(struct vf_word_scanner *scanner)
{
    if (!scanner)
        return;
    free(scanner->classes);
    *scanner = (struct vf_word_scanner){0};
}

/* The class of the character at `p`, and the place behind it. */
static inline enum class classify(
    const uint8_t *classes, const uint8_t *p, const uint8_t *end, const uint8_t **ret_next) {
    uint32_t c = *p; *ret_next = p + (c < 0x80 ? 1 : vf_utf8_decode(p, end, &c));
    return (enum class)classes[c];
}

/* The end of the run of at most `max` characters of one class at `p`. */
static const uint8_t *skip(
    const uint8_t *classes, const uint8_t *p, const uint8_t *end, enum class class, size_t max)
{
    const uint8_t *next;
    for (; max > 0 && p < end && classify(classes, p, end, &next) == class; max--)
        p = next;
    return p;
}

/* 's, 't, 're, 've, 'm, 'll or 'd; `p` itself when there is none of them. */
static const uint8_t *skip_contraction(const uint8_t *p, const uint8_t *end, bool any_case)
{
    static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    if (*p != '\'')
        return p;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i]), same = 0;
        if ((size_t)(end - p - 1) < n)
            continue;
        while (same < n && (p[1 + same] | (any_case ? 0x20 : 0)) == endings[i][same])
            same++;
        if (same == n)
            return p + 1 + n;
    }
    uint32_t c = 0;
    size_t used = any_case && p + 1 < end ? vf_utf8_decode(p + 1, end, &c) : 0;
    return c == LONG_S ? p + 1 + used : p;
}

/* \s+(?!\S)|\s+ where a space begins at `p`: all of them at the end, else all but the last one,
 * which goes with the word behind it, unless it is alone. */
static const uint8_t *skip_spaces(const uint8_t *classes, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *stop = skip(classes, p, end, SPACE, SIZE_MAX), *last = stop - 1;
    while ((*last & 0xC0) == 0x80)
        last--;
    return stop == end || last == p ? stop : last;
}

static const uint8_t *next_gpt2(const uint8_t *classes, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *contraction = skip_contraction(p, end, false), *next;
    if (contraction != p)
        return contraction;
    const uint8_t *begin = *p == ' ' && p + 1 < end ? p + 1 : p;
    enum class class = classify(classes, begin, end, &next);
    if (class != SPACE)
        return skip(classes, next, end, class, SIZE_MAX);
    return skip_spaces(classes, p, end);
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ */
static const uint8_t *skip_spaces_and_lines(
    const uint8_t *classes, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *stop = skip(classes, p, end, SPACE, SIZE_MAX);
    for (const uint8_t *q = stop; q > p; q--)
        if (q[-1] == '\n' || q[-1] == '\r')
            return q;
    return skip_spaces(classes, p, end);
}

static const uint8_t *next_lines(
    const uint8_t *classes, size_t max_digits, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *contraction = skip_contraction(p, end, true), *next, *after;
    if (contraction != p)
        return contraction;
    enum class class = classify(classes, p, end, &next);
    if (class == LETTER)
        return skip(classes, next, end, LETTER, SIZE_MAX);
    if (class == NUMBER)
        return skip(classes, next, end, NUMBER, max_digits - 1);
    if (*p != '\r' && *p != '\n' && next < end && classify(classes, next, end, &after) == LETTER)
        return skip(classes, after, end, LETTER, SIZE_MAX);
    const uint8_t *begin = *p == ' ' ? next : p;
    const uint8_t *stop = skip(classes, begin, end, OTHER, SIZE_MAX);
    if (stop == begin)
        return skip_spaces_and_lines(classes, p, end);
    while (stop < end && (*stop == '\r' || *stop == '\n'))
        stop++;
    return stop;
}

const uint8_t *vf_word_scanner_next(
    const struct vf_word_scanner *scanner, const uint8_t *p, const uint8_t *end)
{
    if (scanner->kind == VF_SCANNER_GPT2)
        return next_gpt2(scanner->classes, p, end);
    return next_lines(scanner->classes, scanner->kind == VF_SCANNER_3_DIGITS ? 3 : 1, p, end);
}
