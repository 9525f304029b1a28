#include "tokenizer/added_tokens.h"

#include "base/utf8.h"
#include "tokenizer/unicode.h"

#include <stdlib.h>
#include <string.h>

int vf_added_set_init(struct vf_added_set *set, const struct vf_added_token *tokens, size_t n,
    const char *where, struct vf_err *err)
{
    struct vf_vocab_entry *entries = NULL;
    int rc = 0;
    *set = (struct vf_added_set){0};
    if (n == 0)
        return 0;
    entries = calloc(n, sizeof *entries);
    set->tokens = calloc(n, sizeof *set->tokens);
    if (!entries || !set->tokens) {
        rc = vf_fail_memory(err, "the added tokens");
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        entries[i] = (struct vf_vocab_entry){tokens[i].text, tokens[i].n, (int32_t)i};
        set->tokens[i] = tokens[i];
        set->tokens[i].text = NULL;
        set->is_first_byte[(uint8_t)tokens[i].text[0]] = true;
    }
    VF_TRY(vf_vocab_init(&set->vocab, entries, n, where, err));
out:
    free(entries);
    if (rc)
        vf_added_set_release(set);
    return rc;
}

void vf_added_set_release(struct vf_added_set *set)
{
    if (!set)
        return;
    vf_vocab_release(&set->vocab);
    free(set->tokens);
    *set = (struct vf_added_set){0};
}

/* The code point that ends at `at` > 0, and where it begins. */
static uint32_t code_point_before(const uint8_t *text, size_t at, size_t *ret_begin)
{
    for (size_t n = 1; n <= 4 && n <= at; n++) {
        uint32_t c;
        if ((text[at - n] & 0xC0) != 0x80 && vf_utf8_decode(text + at - n, text + at, &c) == n) {
            *ret_begin = at - n;
            return c;
        }
    }
    *ret_begin = at - 1;
    return VF_REPLACEMENT_CHARACTER;
}

static bool is_single_word(const uint8_t *text, size_t n, size_t begin, size_t end)
{
    uint32_t c;
    size_t unused;
    if (begin > 0 && vf_unicode_is(code_point_before(text, begin, &unused), VF_UNICODE_WORD))
        return false;
    if (end == n)
        return true;
    (void)vf_utf8_decode(text + end, text + n, &c);
    return !vf_unicode_is(c, VF_UNICODE_WORD);
}

static size_t skip_space_back(const uint8_t *text, size_t at, size_t taken)
{
    while (at > taken) {
        size_t begin;
        if (!vf_unicode_is(code_point_before(text, at, &begin), VF_UNICODE_SPACE))
            break;
        at = begin;
    }
    return at;
}

static size_t skip_space(const uint8_t *text, size_t n, size_t at)
{
    while (at < n) {
        uint32_t c;
        size_t used = vf_utf8_decode(text + at, text + n, &c);
        if (!vf_unicode_is(c, VF_UNICODE_SPACE))
            break;
        at += used;
    }
    return at;
}

bool vf_added_set_next(const struct vf_added_set *set, const uint8_t *text, size_t n, size_t taken,
    size_t *from, size_t until, struct vf_added_match *ret)
{
    if (!set->tokens)
        return false;
    const struct vf_vocab_prefix none = vf_vocab_make_prefix("", 0);
    size_t begin = *from;
    while (begin < until) {
        size_t used;
        int32_t i = set->is_first_byte[text[begin]]
                        ? vf_vocab_longest(&set->vocab, &none, text + begin, n - begin, &used)
                        : -1;
        if (i < 0) {
            begin++;
            continue;
        }
        const struct vf_added_token *token = &set->tokens[i];
        size_t end = begin + used;
        if (token->single_word && !is_single_word(text, n, begin, end)) {
            begin = end;
            continue;
        }
        *from = end;
        *ret = (struct vf_added_match){
            .begin = token->lstrip ? skip_space_back(text, begin, taken) : begin,
            .end = token->rstrip ? skip_space(text, n, end) : end,
            .id = token->id};
        return true;
    }
    *from = begin;
    return false;
}
