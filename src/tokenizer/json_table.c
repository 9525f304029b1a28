#define _GNU_SOURCE /* strtod_l() */
#include "tokenizer/json_table.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static int fail(const struct vf_json_table *table, const char *why, struct vf_err *err)
{
    vf_fail(err, VF_ERR_DATA, "%s: not valid JSON: %s", table->where, why);
    return VF_ERR_DATA;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The next byte that is not blank; NUL at the end. */
static char peek(struct vf_json_table *table)
{
    while (table->p < table->end && is_blank(*table->p))
        table->p++;
    return table->p < table->end ? *table->p : '\0';
}

bool vf_json_table_is(struct vf_json_table *table, char c)
{
    return peek(table) == c;
}

int vf_json_table_mark(struct vf_json_table *table, char mark, struct vf_err *err)
{
    if (peek(table) != mark)
        return fail(table, "something stands in the place of a separator", err);
    table->p++;
    return 0;
}

int vf_json_table_next(struct vf_json_table *table, char open, bool *ret, struct vf_err *err)
{
    char close = open == '{' ? '}' : ']';
    if (!table->is_begun && peek(table) != open)
        return fail(table, "a table does not begin as one", err);
    table->p += !table->is_begun;
    table->is_begun = true;
    *ret = peek(table) != close;
    if (!*ret) {
        table->p++;
        return 0;
    }
    if (table->has_element)
        return vf_json_table_mark(table, ',', err);
    table->has_element = true;
    return 0;
}

int vf_json_table_end(struct vf_json_table *table, struct vf_err *err)
{
    return peek(table) == '\0' && table->p == table->end ? 0
                                                         : fail(table, "more than a table", err);
}

/* ---- strings ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hexadecimal digits at `p`; -1 when they are none. */
static int32_t unit_at(const char *p, const char *end)
{
    int32_t unit = 0;
    if (end - p < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* Decodes what follows "\u" at *p; surrogates must come in pairs. NUL is not allowed. */
static bool decode_unit(const char **p, const char *end, uint32_t *ret)
{
    enum { HIGH = 0xD800, LOW = 0xDC00, BEHIND = 0xE000 };
    int32_t unit = unit_at(*p, end);
    *p += 4;
    if (unit <= 0 || (unit >= LOW && unit < BEHIND))
        return false;
    *ret = (uint32_t)unit;
    if (unit < HIGH || unit >= BEHIND)
        return true;
    if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return false;
    int32_t low = unit_at(*p + 2, end);
    *p += 6;
    if (low < LOW || low >= BEHIND)
        return false;
    *ret = 0x10000u + ((uint32_t)(unit - HIGH) << 10 | (uint32_t)(low - LOW));
    return true;
}

/* Decodes the escape behind the backslash at *p into `to`, which it never overtakes; the bytes
 * written, or 0. */
static size_t decode_escape(const char **p, const char *end, char *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t c;
    if (*p == end)
        return 0;
    const char *name = strchr(names, **p);
    char escape = *(*p)++;
    if (escape == 'u')
        return decode_unit(p, end, &c) ? vf_utf8_encode(c, (uint8_t *)to) : 0;
    if (!name || escape == '\0')
        return 0;
    *to = values[name - names];
    return 1;
}

int vf_json_table_string(
    struct vf_json_table *table, const char **ret, size_t *ret_n, struct vf_err *err)
{
    if (peek(table) != '"')
        return fail(table, "something stands in the place of a string", err);
    const char *p = table->p + 1, *end = table->end;
    char *begin = table->p + 1;
    while (p < end && (unsigned char)*p >= ' ' && *p != '"' && *p != '\\')
        p++;
    char *to = begin + (p - begin);
    while (p < end && *p != '"') {
        if ((unsigned char)*p < ' ')
            return fail(table, "a control character in a string", err);
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        p++;
        size_t n = decode_escape(&p, end, to);
        if (n == 0)
            return fail(table, "an unknown escape in a string", err);
        to += n;
    }
    if (p == end)
        return fail(table, "a string without an end", err);
    *to = '\0'; /* at the latest where the closing quote was */
    table->p = (char *)(uintptr_t)p + 1;
    *ret = begin;
    *ret_n = (size_t)(to - begin);
    return 0;
}

/* ---- numbers ---- */

static const char *digits_from(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* The end of the number at `p`, or NULL: -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
static const char *number_end(const char *p, const char *end, bool *ret_is_integer)
{
    const char *begin = p += p < end && *p == '-';
    p = digits_from(p, end);
    if (p == begin || (*begin == '0' && p - begin > 1))
        return NULL;
    *ret_is_integer = true;
    if (p < end && *p == '.') {
        begin = p + 1;
        p = digits_from(begin, end);
        if (p == begin)
            return NULL;
        *ret_is_integer = false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p += p + 1 < end && (p[1] == '+' || p[1] == '-') ? 2 : 1;
        begin = p;
        p = digits_from(begin, end);
        if (p == begin)
            return NULL;
        *ret_is_integer = false;
    }
    return p;
}

int vf_json_table_number(
    struct vf_json_table *table, double *ret, bool *ret_is_integer, struct vf_err *err)
{
    enum { MAX_DIGITS = 400, EXACT_DIGITS = 15 };
    char text[MAX_DIGITS + 1];
    (void)peek(table);
    const char *end = number_end(table->p, table->end, ret_is_integer);
    size_t n = end ? (size_t)(end - table->p) : 0;
    if (n == 0 || n > MAX_DIGITS)
        return fail(table, "something stands in the place of a number", err);
    memcpy(text, table->p, n);
    text[n] = '\0';
    table->p += n;
    if (!*ret_is_integer || n > EXACT_DIGITS) {
        *ret = strtod_l(text, NULL, table->numbers);
        return 0;
    }
    int64_t integer = 0;
    for (const char *p = text + (text[0] == '-'); *p; p++)
        integer = 10 * integer + (*p - '0');
    *ret = (double)(text[0] == '-' ? -integer : integer);
    return 0;
}

/* ---- the whole file ---- */

/* Skips a value by its brackets and quotes; whoever reads it checks it. */
static bool skip_value(struct vf_json_table *text)
{
    size_t depth = 0;
    (void)peek(text);
    for (; text->p < text->end; text->p++) {
        char c = *text->p;
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return true;
        if (c == '"') {
            for (text->p++; text->p < text->end && *text->p != '"'; text->p++)
                text->p += *text->p == '\\' && text->p + 1 < text->end;
        } else {
            depth += c == '{' || c == '[';
            depth -= c == '}' || c == ']';
        }
    }
    return depth == 0;
}

/* Goes to the value of the next member of an object; false when there is none, or nothing that can
 * be told from here: the parser of JSON says then what is wrong. */
static bool next_member(struct vf_json_table *text, const char **ret_key, size_t *ret_n)
{
    bool more = false;
    if (vf_json_table_next(text, '{', &more, NULL) || !more || peek(text) != '"')
        return false;
    const char *key = text->p + 1, *end = memchr(key, '"', (size_t)(text->end - key));
    if (!end)
        return false;
    *ret_key = key;
    *ret_n = (size_t)(end - key);
    text->p += *ret_n + 2;
    return vf_json_table_mark(text, ':', NULL) == 0;
}

static bool is_key(const char *key, size_t n, const char *wanted)
{
    return n == strlen(wanted) && memcmp(key, wanted, n) == 0;
}

/* Finds the tables in the object of the model, up to which `text` is read, and goes behind it. */
static bool find_tables(struct vf_json_table *text, struct vf_model_tables *ret)
{
    struct vf_json_table model = {.p = text->p, .end = text->end};
    const char *key;
    size_t n;
    while (next_member(&model, &key, &n)) {
        struct vf_json_table value = {.p = model.p, .where = text->where, .numbers = text->numbers};
        if (!skip_value(&model))
            return false;
        value.end = model.p;
        if (is_key(key, n, "vocab"))
            ret->vocab = value;
        else if (is_key(key, n, "merges"))
            ret->merges = value;
    }
    text->p = model.p;
    return true;
}

static void find_model(struct vf_json_table text, struct vf_model_tables *ret)
{
    const char *key;
    size_t n;
    while (next_member(&text, &key, &n))
        if (!(is_key(key, n, "model") && peek(&text) == '{' ? find_tables(&text, ret)
                                                            : skip_value(&text)))
            return;
}

/* Copies the text without the tables. */
static int copy_rest(const char *text, size_t n, const struct vf_model_tables *tables,
    struct vf_buf *out, struct vf_err *err)
{
    const struct vf_json_table *first = &tables->vocab, *second = &tables->merges;
    const char *at = text;
    int rc = 0;
    if (second->p && (!first->p || second->p < first->p)) {
        first = &tables->merges;
        second = &tables->vocab;
    }
    const struct vf_json_table *const both[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        if (!both[i]->p)
            continue;
        VF_TRY(vf_buf_append(out, at, (size_t)(both[i]->p - at), err));
        VF_TRY(vf_buf_append_string(out, "null", err));
        at = both[i]->end;
    }
    VF_TRY(vf_buf_append(out, at, (size_t)(text + n - at), err));
out:
    return rc;
}

/* Parses what is left; when that fails, the whole text tells where. */
static int parse_rest(const struct vf_buf *rest, const char *text, size_t n, const char *path,
    json_t **ret, struct vf_err *err)
{
    json_t *whole = NULL;
    int rc = vf_json_parse(rest->data ? rest->data : "", rest->size, path, ret, err);
    if (rc && vf_json_parse(text, n, path, &whole, err) == 0)
        json_decref(whole);
    return rc;
}

int vf_json_cut(char *text, size_t n, const char *path, struct vf_model_tables *ret,
    json_t **ret_root, struct vf_err *err)
{
    struct vf_model_tables tables = {.numbers = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    struct vf_buf rest = {0};
    int rc;
    if (tables.numbers == (locale_t)0) {
        rc = vf_fail_memory(err, "a locale");
        goto out;
    }
    /* What is not UTF-8 is for the parser of JSON to refuse. */
    if (vf_utf8_valid_prefix((const uint8_t *)text, n) == n)
        find_model(
            (struct vf_json_table){
                .p = text, .end = text + n, .where = path, .numbers = tables.numbers},
            &tables);
    VF_TRY(copy_rest(text, n, &tables, &rest, err));
    VF_TRY(parse_rest(&rest, text, n, path, ret_root, err));
    *ret = tables;
    tables = (struct vf_model_tables){0};
out:
    vf_model_tables_release(&tables);
    vf_buf_release(&rest);
    return rc;
}

void vf_model_tables_release(struct vf_model_tables *tables)
{
    if (tables->numbers != (locale_t)0)
        freelocale(tables->numbers);
    *tables = (struct vf_model_tables){0};
}
