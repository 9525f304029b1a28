#include "tokenizer/template_processor.h"

#include "tokenizer/tokenizer_impl.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int add_special(const json_t *token, const json_t *id, const char *where,
    struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    struct vf_template *specials = &tokenizer->specials;
    const char *name = json_string_value(token);
    int32_t value;
    if (!name)
        return vf_fail(err, VF_ERR_DATA, "%s: a token's name is not a string", where);
    int rc = vf_tokenizer_get_id(id, name, where, &value, err);
    if (rc)
        return rc;
    int32_t known = vf_tokenizer_find(tokenizer, name);
    if (known < 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is not in the vocabulary", where, name);
    if (known != value)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" has id %d, but %d in the vocabulary", where,
            name, value, known);
    if (specials->n == VF_TEMPLATE_MAX_SPECIALS)
        return vf_fail(
            err, VF_ERR_DATA, "%s: more than %u special tokens", where, VF_TEMPLATE_MAX_SPECIALS);
    specials->ids[specials->n++] = value;
    return 0;
}

/* One name in the template stands for the ids and tokens that "special_tokens" has under it. */
static int add_named(const json_t *special_tokens, const char *name, const char *where,
    struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    static const char *const required[] = {"id", "ids", "tokens", NULL};
    static const char *const none[] = {NULL};
    char place[VF_WHERE_BYTES];
    (void)snprintf(place, sizeof place, "%s.special_tokens", where);
    const json_t *special = json_object_get(special_tokens, name);
    if (!special)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is missing", place, name);
    (void)snprintf(place, sizeof place, "%s.special_tokens.%s", where, name);
    int rc = vf_tokenizer_check_keys(special, place, required, none, err);
    const json_t *ids = json_object_get(special, "ids");
    const json_t *tokens = json_object_get(special, "tokens");
    if (rc)
        return rc;
    if (!json_is_array(ids) || json_array_size(ids) != json_array_size(tokens))
        return vf_fail(
            err, VF_ERR_DATA, "%s: \"ids\" and \"tokens\" are not arrays of one length", place);
    for (size_t i = 0; i < json_array_size(ids) && rc == 0; i++)
        rc = add_special(json_array_get(tokens, i), json_array_get(ids, i), place, tokenizer, err);
    return rc;
}

/* A piece is {"Sequence": {"id", "type_id"}}, the text, or {"SpecialToken": {…}}. */
static int read_piece(const json_t *piece, const char *where, bool *ret_is_text,
    const char **ret_name, struct vf_err *err)
{
    static const char *const required[] = {"id", "type_id", NULL};
    static const char *const none[] = {NULL};
    size_t type_id;
    int rc;
    const json_t *content = json_object_get(piece, "Sequence");
    bool is_text = content;
    if (!content)
        content = json_object_get(piece, "SpecialToken");
    if (!content || json_object_size(piece) != 1)
        return vf_fail(
            err, VF_ERR_DATA, "%s: a piece is neither a Sequence nor a SpecialToken", where);
    VF_TRY(vf_tokenizer_check_keys(content, where, required, none, err));
    VF_TRY(vf_json_get_string(content, "id", where, "", ret_name, err));
    VF_TRY(vf_json_get_size(content, "type_id", where, 0, 0, &type_id, err));
    *ret_is_text = is_text;
out:
    return rc;
}

static int read_template(
    const json_t *json, const char *where, struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    static const char *const required[] = {"type", "single", "special_tokens", NULL};
    static const char *const optional[] = {"pair", NULL};
    char place[VF_WHERE_BYTES];
    bool has_text = false;
    int rc;
    VF_TRY(vf_tokenizer_check_keys(json, where, required, optional, err));
    (void)snprintf(place, sizeof place, "%s.single", where);
    const json_t *single = json_object_get(json, "single");
    if (!json_is_array(single)) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: not an array", place);
        goto out;
    }
    for (size_t i = 0; i < json_array_size(single); i++) {
        bool is_text = false;
        const char *name = NULL;
        VF_TRY(read_piece(json_array_get(single, i), place, &is_text, &name, err));
        if (!is_text) {
            VF_TRY(add_named(json_object_get(json, "special_tokens"), name, where, tokenizer, err));
            continue;
        }
        if (has_text || strcmp(name, "A") != 0) {
            rc = vf_fail(err, VF_ERR_DATA, "%s: holds more than the one Sequence \"A\"", place);
            goto out;
        }
        has_text = true;
        tokenizer->specials.n_before = tokenizer->specials.n;
    }
    if (!has_text)
        rc = vf_fail(err, VF_ERR_DATA, "%s: the Sequence \"A\" is missing", place);
out:
    return rc;
}

/* "cls" goes before the text and "sep" after it; each is [token, id]. RobertaProcessing has options
 * that do not matter for ids. */
static int read_bert(const json_t *json, bool is_roberta, const char *where,
    struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    static const char *const required[] = {"type", "sep", "cls", NULL};
    static const char *const optional[] = {"trim_offsets", "add_prefix_space", NULL};
    static const char *const none[] = {NULL};
    static const char *const order[] = {"cls", "sep"};
    int rc;
    VF_TRY(vf_tokenizer_check_keys(json, where, required, is_roberta ? optional : none, err));
    for (size_t i = 0; i < 2; i++) {
        char place[VF_WHERE_BYTES];
        (void)snprintf(place, sizeof place, "%s.%s", where, order[i]);
        const json_t *pair = json_object_get(json, order[i]);
        if (json_array_size(pair) != 2) {
            rc = vf_fail(err, VF_ERR_DATA, "%s: not an array of token and id", place);
            goto out;
        }
        VF_TRY(
            add_special(json_array_get(pair, 0), json_array_get(pair, 1), place, tokenizer, err));
    }
    tokenizer->specials.n_before = 1;
out:
    return rc;
}

/* ByteLevel only mends offsets, which nobody asks for. */
static int read_byte_level(const json_t *json, const char *where, struct vf_err *err)
{
    static const char *const required[] = {"type", NULL};
    static const char *const optional[] = {"add_prefix_space", "trim_offsets", "use_regex", NULL};
    return vf_tokenizer_check_keys(json, where, required, optional, err);
}

static int read_sequence(
    const json_t *json, const char *where, struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    static const char *const required[] = {"type", "processors", NULL};
    static const char *const none[] = {NULL};
    const json_t *list = json_object_get(json, "processors");
    int rc = vf_tokenizer_check_keys(json, where, required, none, err);
    if (rc == 0 && !json_is_array(list))
        rc = vf_fail(err, VF_ERR_DATA, "%s.processors: not an array", where);
    for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
        char place[VF_WHERE_BYTES];
        (void)snprintf(place, sizeof place, "%s.processors[%zu]", where, i);
        bool has_specials = tokenizer->specials.n > 0;
        size_t before = tokenizer->specials.n;
        rc = vf_template_read(json_array_get(list, i), place, tokenizer, err);
        if (rc == 0 && has_specials && tokenizer->specials.n > before)
            rc =
                vf_fail(err, VF_ERR_DATA, "%s: a second processor that adds special tokens", place);
    }
    return rc;
}

int vf_template_read(
    const json_t *json, const char *where, struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    const char *type;
    if (!json_is_object(json))
        return vf_fail(err, VF_ERR_DATA, "%s: not an object", where);
    int rc = vf_json_get_string(json, "type", where, "(none)", &type, err);
    if (rc)
        return rc;
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(json, where, tokenizer, err);
    if (strcmp(type, "BertProcessing") == 0)
        return read_bert(json, false, where, tokenizer, err);
    if (strcmp(type, "RobertaProcessing") == 0)
        return read_bert(json, true, where, tokenizer, err);
    if (strcmp(type, "ByteLevel") == 0)
        return read_byte_level(json, where, err);
    if (strcmp(type, "Sequence") == 0)
        return read_sequence(json, where, tokenizer, err);
    return vf_tokenizer_fail_kind(type, where, err);
}
