#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pattern.h"

#include "base/buf.h"
#include "tokenizer/regex_text.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REGEX_BYTES 4096u

static int read_literal(const char *text, struct vf_pattern *ret, struct vf_err *err)
{
    ret->literal = strdup(text);
    ret->literal_n = strlen(text);
    return ret->literal ? 0 : vf_fail_memory(err, "a pattern");
}

static int compile(const char *text, const char *where, struct vf_pattern *ret, struct vf_err *err)
{
    struct vf_buf translated = {0};
    PCRE2_UCHAR message[160] = "";
    PCRE2_SIZE at;
    int code, rc;
    VF_TRY(vf_regex_translate(text, where, &translated, err));
    ret->code = pcre2_compile((PCRE2_SPTR)translated.data, translated.size,
        PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NO_UTF_CHECK | PCRE2_NEVER_BACKSLASH_C, &code, &at,
        NULL);
    if (!ret->code) {
        (void)pcre2_get_error_message(code, message, sizeof message);
        rc = vf_fail(err, VF_ERR_DATA, "%s: the regular expression %s: %s", where, text,
            (const char *)message);
        goto out;
    }
    /* Where it cannot be compiled further it is interpreted, with the same matches. */
    (void)pcre2_jit_compile(ret->code, PCRE2_JIT_COMPLETE);
out:
    vf_buf_release(&translated);
    return rc;
}

static int read_regex(
    const char *text, const char *where, struct vf_pattern *ret, struct vf_err *err)
{
    if (strlen(text) > MAX_REGEX_BYTES)
        return vf_fail(err, VF_ERR_DATA, "%s: a regular expression of more than %u bytes", where,
            MAX_REGEX_BYTES);
    enum vf_scanner_kind kind = vf_word_scanner_find(text);
    return kind == VF_SCANNER_NONE ? compile(text, where, ret, err)
                                   : vf_word_scanner_init(&ret->scanner, kind, err);
}

int vf_pattern_read(
    const json_t *json, const char *where, struct vf_pattern *ret, struct vf_err *err)
{
    struct vf_pattern pattern = {0};
    const char *key = json_object_get(json, "Regex") ? "Regex" : "String", *text;
    int rc;
    if (!json_is_object(json) || json_object_size(json) != 1)
        rc = vf_fail(err, VF_ERR_DATA, "%s.pattern: neither a String nor a Regex", where);
    else
        rc = vf_json_get_string(json, key, where, "", &text, err);
    if (rc == 0 && !*text)
        rc = vf_fail(err, VF_ERR_DATA, "%s.pattern: neither a String nor a Regex, or empty", where);
    if (rc == 0)
        rc = *key == 'R' ? read_regex(text, where, &pattern, err)
                         : read_literal(text, &pattern, err);
    if (rc)
        vf_pattern_release(&pattern);
    *ret = pattern;
    return rc;
}

void vf_pattern_release(struct vf_pattern *pattern)
{
    if (!pattern)
        return;
    free(pattern->literal);
    vf_word_scanner_release(&pattern->scanner);
    pcre2_code_free(pattern->code);
    *pattern = (struct vf_pattern){0};
}

int vf_pattern_search_init(struct vf_pattern_search *search, const struct vf_pattern *pattern,
    const uint8_t *text, size_t n, struct vf_err *err)
{
    *search =
        (struct vf_pattern_search){.pattern = pattern, .text = text, .n = n, .last_end = SIZE_MAX};
    if (!pattern->code)
        return 0;
    search->match = pcre2_match_data_create(1, NULL);
    return search->match ? 0 : vf_fail_memory(err, "a regular expression");
}

void vf_pattern_search_release(struct vf_pattern_search *search)
{
    pcre2_match_data_free(search->match);
    search->match = NULL;
}

/* Where `literal` begins in the text from `from` on, or `n`. */
static size_t find_literal(
    const uint8_t *text, size_t n, size_t from, const char *literal, size_t literal_n)
{
    while (n - from >= literal_n) {
        const uint8_t *at = memchr(text + from, literal[0], n - from - literal_n + 1);
        if (!at)
            break;
        if (memcmp(at, literal, literal_n) == 0)
            return (size_t)(at - text);
        from = (size_t)(at - text) + 1;
    }
    return n;
}

static size_t next_character(const uint8_t *text, size_t n, size_t at)
{
    for (at++; at < n && (text[at] & 0xC0) == 0x80;)
        at++;
    return at;
}

static int match_once(const struct vf_pattern_search *search, uint32_t options)
{
    return pcre2_match(search->pattern->code, search->text, search->n, search->from,
        PCRE2_NO_UTF_CHECK | options, search->match, NULL);
}

static int match_regex(struct vf_pattern_search *search, bool *ret_found, size_t *ret_begin,
    size_t *ret_end, struct vf_err *err)
{
    const PCRE2_SIZE *match = pcre2_get_ovector_pointer(search->match);
    *ret_found = false;
    while (search->from <= search->n) {
        int rc = match_once(search, 0);
        if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
            rc = match_once(search, PCRE2_NO_JIT);
        if (rc == PCRE2_ERROR_NOMATCH)
            return 0;
        if (rc == PCRE2_ERROR_NOMEMORY || rc == PCRE2_ERROR_HEAPLIMIT)
            return vf_fail_memory(err, "a regular expression");
        if (rc < 0)
            return vf_fail(err, VF_ERR_DATA,
                "a regular expression of the tokenizer is too slow for this text");
        if (match[0] == match[1] && match[1] == search->last_end) {
            search->from = next_character(search->text, search->n, match[1]);
            continue;
        }
        *ret_found = true;
        *ret_begin = match[0];
        *ret_end = search->from = search->last_end = match[1];
        return 0;
    }
    return 0;
}

int vf_pattern_search_next(struct vf_pattern_search *search, bool *ret_found, size_t *ret_begin,
    size_t *ret_end, struct vf_err *err)
{
    const struct vf_pattern *pattern = search->pattern;
    if (pattern->code)
        return match_regex(search, ret_found, ret_begin, ret_end, err);
    size_t begin = pattern->literal ? find_literal(search->text, search->n, search->from,
                                          pattern->literal, pattern->literal_n)
                                    : search->from;
    *ret_found = begin < search->n;
    if (!*ret_found)
        return 0;
    *ret_begin = begin;
    *ret_end = pattern->literal ? begin + pattern->literal_n
                                : (size_t)(vf_word_scanner_next(&pattern->scanner,
                                               search->text + begin, search->text + search->n) -
                                           search->text);
    search->from = *ret_end;
    return 0;
}
