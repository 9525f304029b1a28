#include "tokenizer/regex_text.h"

#include "tokenizer/unicode.h"
#include "tokenizer/unicode_categories.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct translator {
    const char *text;
    const char *p; /* what is read next */
    const char *where;
    struct vf_buf *out;
    struct vf_err *err;
    bool in_class;
    bool ignores_case;
};

static int refuse(const struct translator *t, const char *what)
{
    int rc = vf_fail(t->err, VF_ERR_DATA, "%s: the regular expression %s: %s at byte %zu", t->where,
        t->text, what, (size_t)(t->p - t->text));
    vf_hint(t->err, "vecfill refuses what it does not know rather than give other ids");
    return rc;
}

/* ---- classes of characters ---- */

enum set { SET_SPACE, SET_WORD, SET_CATEGORY };

/* The word characters that are so here but not in unicode.h, and the reverse, are few. Some are
 * none in brackets. */
static bool is_word(uint32_t c, bool in_class)
{
    static const uint32_t more[] = {0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE};
    if (c == 0x200C || c == 0x200D)
        return false;
    for (size_t i = 0; i < sizeof more / sizeof more[0] && !in_class; i++)
        if (c == more[i])
            return true;
    return vf_unicode_is(c, VF_UNICODE_WORD);
}

static int append_range(struct translator *t, uint32_t first, uint32_t last)
{
    return first == last
               ? vf_buf_printf(t->out, t->err, "\\x{%X}", (unsigned)first)
               : vf_buf_printf(t->out, t->err, "\\x{%X}-\\x{%X}", (unsigned)first, (unsigned)last);
}

static bool contains(const struct translator *t, enum set set, uint32_t c)
{
    return set == SET_SPACE ? vf_unicode_is(c, VF_UNICODE_SPACE) : is_word(c, t->in_class);
}

/* The code points that are in the set, or that are not when it is negated. */
static int append_by_character(struct translator *t, enum set set, bool negated)
{
    int rc = 0;
    uint32_t c = 0;
    while (c < VF_UNICODE_CODE_POINTS && rc == 0) {
        uint32_t first = c;
        bool in = contains(t, set, c) != negated;
        while (c < VF_UNICODE_CODE_POINTS && (contains(t, set, c) != negated) == in)
            c++;
        if (in)
            rc = append_range(t, first, c - 1);
    }
    return rc;
}

static int append_categories(struct translator *t, uint32_t mask, bool negated)
{
    int rc = 0;
    uint32_t first, last;
    for (size_t i = 0; i < vf_category_runs() && rc == 0; i++) {
        bool in = !(vf_category_run(i, &first, &last) & mask) == negated;
        uint32_t begin = first;
        while (in && i + 1 < vf_category_runs()) {
            uint32_t next_last;
            if (!(vf_category_run(i + 1, &first, &next_last) & mask) != negated)
                break;
            last = next_last;
            i++;
        }
        if (in)
            rc = append_range(t, begin, last);
    }
    return rc;
}

static int append_set(struct translator *t, enum set set, uint32_t mask, bool negated)
{
    int rc = 0;
    if (!t->in_class)
        VF_TRY(vf_buf_append_string(t->out, "[", t->err));
    VF_TRY(set == SET_CATEGORY ? append_categories(t, mask, negated)
                               : append_by_character(t, set, negated));
    if (!t->in_class)
        VF_TRY(vf_buf_append_string(t->out, "]", t->err));
out:
    return rc;
}

/* \p{Name}, \P{Name} and \p{^Name}; `p` is behind the p. */
static int translate_property(struct translator *t, bool negated)
{
    if (*t->p != '{')
        return refuse(t, "\\p without a name");
    const char *name = t->p + 1, *end = strchr(name, '}');
    if (!end)
        return refuse(t, "\\p without an end");
    if (*name == '^') {
        negated = !negated;
        name++;
    }
    uint32_t mask = vf_category_mask(name, (size_t)(end - name));
    if (!mask)
        return refuse(t, "an unknown \\p");
    if (t->ignores_case && end - name > 1)
        return refuse(t, "a \\p of one case where case is ignored");
    t->p = end + 1;
    return append_set(t, SET_CATEGORY, mask, negated);
}

/* ---- the rest ---- */

static bool is_hex(char c)
{
    return strchr("0123456789abcdefABCDEF", c) && c;
}

/* \xHH, \x{H…} and \uHHHH; `p` is behind the letter. */
static int translate_number(struct translator *t, char letter)
{
    const char *digits = t->p;
    size_t n = 0, max = letter == 'u' ? 4 : 2;
    bool braces = letter == 'x' && *digits == '{';
    if (braces) {
        digits++;
        max = 6;
    }
    while (n < max && is_hex(digits[n]))
        n++;
    if (n == 0 || (letter == 'u' && n < 4) || (braces && digits[n] != '}'))
        return refuse(t, "a number of a character");
    if (!braces && letter == 'x' && strchr("89abcdefABCDEF", digits[0]) && n == 2)
        return refuse(t, "a byte by its number");
    t->p = digits + n + braces;
    return vf_buf_printf(t->out, t->err, "\\x{%.*s}", (int)n, digits);
}

static int translate_escape(struct translator *t)
{
    char c = *++t->p;
    const uint32_t digits = VF_CATEGORY_ND;
    if (!c)
        return refuse(t, "a \\ at the end");
    t->p++;
    switch (c) {
    case 's':
    case 'S':
        return append_set(t, SET_SPACE, 0, c == 'S');
    case 'w':
    case 'W':
        return append_set(t, SET_WORD, 0, c == 'W');
    case 'd':
    case 'D':
        return append_set(t, SET_CATEGORY, digits, c == 'D');
    case 'p':
    case 'P':
        return translate_property(t, c == 'P');
    case 'x':
    case 'u':
        return translate_number(t, c);
    default:
        break;
    }
    bool plain = strchr("rntf", c) || (c > 0 && c < '0') || (c > '9' && c < 'A') ||
                 (c > 'Z' && c < 'a') || c > 'z' || (!t->in_class && (c == 'A' || c == 'z'));
    if (!plain)
        return refuse(t, "an unknown \\");
    return vf_buf_printf(t->out, t->err, "\\%c", c);
}

/* "(" and what follows a "?": groups that both libraries have. */
static int translate_group(struct translator *t)
{
    static const char *const known[] = {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?i:", "(?i)"};
    if (t->p[1] != '?') {
        t->p++;
        return vf_buf_append_string(t->out, "(", t->err);
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t n = strlen(known[i]);
        if (strncmp(t->p, known[i], n) != 0)
            continue;
        t->ignores_case = t->ignores_case || known[i][2] == 'i';
        t->p += n;
        return vf_buf_append(t->out, known[i], n, t->err);
    }
    return refuse(t, "an unknown group");
}

/* {n}, {n,} and {n,m}, not followed by what makes a quantifier of the quantifier. */
static int translate_count(struct translator *t)
{
    size_t n = strspn(t->p + 1, "0123456789,");
    const char *end = t->p + 1 + n;
    if (n == 0 || t->p[1] == ',' || *end != '}' || end[1] == '+')
        return refuse(t, "an unknown quantifier");
    const char *begin = t->p;
    t->p = end + 1;
    return vf_buf_append(t->out, begin, n + 2, t->err);
}

static int translate_outside(struct translator *t)
{
    if (*t->p == '(')
        return translate_group(t);
    if (*t->p == '{')
        return translate_count(t);
    if (*t->p == '[') {
        t->in_class = true;
        size_t n = t->p[1] == '^' ? 2 : 1;
        if (t->p[n] == ']')
            return refuse(t, "an empty class");
        t->p += n;
        return vf_buf_append(t->out, n == 2 ? "[^" : "[", n, t->err);
    }
    return vf_buf_append(t->out, t->p++, 1, t->err);
}

static int translate_inside(struct translator *t)
{
    if (*t->p == '[' || strncmp(t->p, "&&", 2) == 0)
        return refuse(t, "a class within a class");
    if (*t->p == ']')
        t->in_class = false;
    return vf_buf_append(t->out, t->p++, 1, t->err);
}

int vf_regex_translate(const char *text, const char *where, struct vf_buf *ret, struct vf_err *err)
{
    struct translator t = {.text = text, .p = text, .where = where, .out = ret, .err = err};
    int rc = 0;
    while (*t.p && rc == 0)
        rc = *t.p == '\\' ? translate_escape(&t)
             : t.in_class ? translate_inside(&t)
                          : translate_outside(&t);
    if (rc == 0 && t.in_class)
        rc = refuse(&t, "a class without an end");
    return rc;
}
