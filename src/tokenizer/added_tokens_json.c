#include "tokenizer/tokenizer_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One element of "added_tokens". `text` of the token is `content` or its normal form. */
struct element {
    struct vf_added_token token;
    const char *content; /* borrowed of the JSON */
    size_t content_n;
    bool normalized;
    struct vf_buf normal[2]; /* owned */
};

static int read_element(
    const json_t *json, const char *where, struct element *ret, struct vf_err *err)
{
    static const char *const required[] = {
        "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", NULL};
    static const char *const none[] = {NULL};
    bool special;
    int rc;
    VF_TRY(vf_tokenizer_check_keys(json, where, required, none, err));
    VF_TRY(vf_json_get_string(json, "content", where, "", &ret->content, err));
    ret->content_n = json_string_length(json_object_get(json, "content"));
    VF_TRY(
        vf_tokenizer_get_id(json_object_get(json, "id"), ret->content, where, &ret->token.id, err));
    VF_TRY(vf_json_get_bool(json, "single_word", where, false, &ret->token.single_word, err));
    VF_TRY(vf_json_get_bool(json, "lstrip", where, false, &ret->token.lstrip, err));
    VF_TRY(vf_json_get_bool(json, "rstrip", where, false, &ret->token.rstrip, err));
    VF_TRY(vf_json_get_bool(json, "normalized", where, false, &ret->normalized, err));
    VF_TRY(vf_json_get_bool(json, "special", where, false, &special, err));
    if (ret->content_n == 0)
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"content\" is empty", where);
    /* Texts show invalid bytes as this character; a match would need them decoded first. */
    else if (strstr(ret->content, "\xEF\xBF\xBD"))
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"content\" holds U+FFFD", where);
out:
    return rc;
}

/* The reference numbers added tokens itself: by the model's vocabulary, else with the next free id.
 * A file that says otherwise would be read differently by it and by us. */
static int check_id(const struct element *element, const struct vf_vocab *model, int32_t greatest,
    const char *where, struct vf_err *err)
{
    int32_t expected = vf_vocab_find(model, element->content, element->content_n);
    if (expected < 0)
        expected = greatest >= (int32_t)model->n_tokens ? greatest + 1 : (int32_t)model->n_tokens;
    if (element->token.id == expected)
        return 0;
    return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" has id %d where %d is expected", where,
        element->content, element->token.id, expected);
}

static int check_ids(const struct element *elements, size_t n, const struct vf_vocab *model,
    const char *where, struct vf_err *err)
{
    int32_t greatest = -1;
    for (size_t i = 0; i < n; i++) {
        int rc = check_id(&elements[i], model, greatest, where, err);
        if (rc)
            return rc;
        if (elements[i].token.id > greatest)
            greatest = elements[i].token.id;
    }
    return 0;
}

/* The vocabulary of those that the model lacks. */
static int make_vocab(const struct element *elements, size_t n, const char *where,
    struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    size_t n_new = 0;
    struct vf_vocab_entry *entries = calloc(n + 1, sizeof *entries);
    if (!entries)
        return vf_fail_memory(err, "the added tokens");
    for (size_t i = 0; i < n; i++) {
        const struct element *e = &elements[i];
        if (!vf_vocab_token(tokenizer->model.vocab, e->token.id))
            entries[n_new++] = (struct vf_vocab_entry){e->content, e->content_n, e->token.id};
    }
    int rc = vf_vocab_init(&tokenizer->added, entries, n_new, where, err);
    free(entries);
    return rc;
}

/* The set of the tokens that are looked for in normal text, or of the others. */
static int make_set(struct element *elements, size_t n, bool normalized,
    const struct vf_normalizer *normalizer, const char *where, struct vf_added_set *set,
    struct vf_err *err)
{
    size_t n_tokens = 0;
    int rc = 0;
    struct vf_added_token *tokens = calloc(n + 1, sizeof *tokens);
    if (!tokens)
        return vf_fail_memory(err, "the added tokens");
    for (size_t i = 0; i < n; i++) {
        struct element *e = &elements[i];
        if (e->normalized != normalized)
            continue;
        e->token.text = e->content;
        e->token.n = e->content_n;
        if (normalized) {
            struct vf_normal_text text = {
                .p = (const uint8_t *)e->content, .n = e->content_n, .bufs = e->normal};
            VF_TRY(vf_normalizer_apply(normalizer, &text, err));
            e->token.text = (const char *)text.p;
            e->token.n = text.n;
        }
        if (e->token.n == 0) {
            rc = vf_fail(err, VF_ERR_DATA, "%s: nothing is left of \"%s\" when it is normalised",
                where, e->content);
            goto out;
        }
        tokens[n_tokens++] = e->token;
    }
    VF_TRY(vf_added_set_init(set, tokens, n_tokens, where, err));
out:
    free(tokens);
    return rc;
}

int vf_added_tokens_read(
    const json_t *json, const char *where, struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    size_t n = json_array_size(json);
    struct element *elements = calloc(n + 1, sizeof *elements);
    int rc = 0;
    if (!elements)
        return vf_fail_memory(err, "the added tokens");
    for (size_t i = 0; i < n; i++) {
        char place[VF_WHERE_BYTES];
        (void)snprintf(place, sizeof place, "%s[%zu]", where, i);
        VF_TRY(read_element(json_array_get(json, i), place, &elements[i], err));
    }
    VF_TRY(check_ids(elements, n, tokenizer->model.vocab, where, err));
    VF_TRY(make_vocab(elements, n, where, tokenizer, err));
    VF_TRY(make_set(elements, n, false, &tokenizer->normalizer, where, &tokenizer->raw, err));
    VF_TRY(make_set(elements, n, true, &tokenizer->normalizer, where, &tokenizer->normal, err));
out:
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 2; j++)
            vf_buf_release(&elements[i].normal[j]);
    free(elements);
    return rc;
}
