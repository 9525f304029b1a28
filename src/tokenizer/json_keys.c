#include "tokenizer/json_keys.h"

#include "tokenizer/vocab.h"

#include <string.h>

static bool is_in(const char *key, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, key) == 0)
            return true;
    return false;
}

int vf_tokenizer_check_keys(const json_t *value, const char *where, const char *const *required,
    const char *const *optional, struct vf_err *err)
{
    const char *key;
    json_t *unused;
    if (!json_is_object(value))
        return vf_fail(err, VF_ERR_DATA, "%s: not an object", where);
    for (const char *const *need = required; *need; need++)
        if (!json_object_get(value, *need))
            return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is missing", where, *need);
    json_object_foreach((json_t *)(uintptr_t)value, key, unused)
    {
        if (is_in(key, required) || is_in(key, optional))
            continue;
        int rc = vf_fail(err, VF_ERR_DATA, "%s: unknown option \"%s\"", where, key);
        vf_hint(err, "vecfill refuses what it does not know rather than give other ids; a newer "
                     "vecfill may know it");
        return rc;
    }
    return 0;
}

int vf_tokenizer_read_nothing(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const char *const required[] = {"type", NULL};
    static const char *const none[] = {NULL};
    *ret = NULL;
    return vf_tokenizer_check_keys(json, where, required, none, err);
}

int vf_tokenizer_check_id(double value, bool is_integer, const char *token, const char *where,
    int32_t *ret, struct vf_err *err)
{
    if (!is_integer)
        return vf_fail(err, VF_ERR_DATA, "%s: the id of \"%s\" is not an integer", where, token);
    if (value < 0 || value > VF_VOCAB_MAX_ID)
        return vf_fail(err, VF_ERR_DATA, "%s: the id of \"%s\" is %.0f, outside of 0 to %u", where,
            token, value, VF_VOCAB_MAX_ID);
    *ret = (int32_t)value;
    return 0;
}

int vf_tokenizer_get_id(
    const json_t *value, const char *token, const char *where, int32_t *ret, struct vf_err *err)
{
    return vf_tokenizer_check_id(
        (double)json_integer_value(value), json_is_integer(value), token, where, ret, err);
}

int vf_tokenizer_fail_kind(const char *kind, const char *where, struct vf_err *err)
{
    int rc = vf_fail(err, VF_ERR_DATA, "%s: unknown \"type\": %s", where, kind);
    vf_hint(err, "vecfill knows the kinds that sentence encoders use (WordPiece, BPE, Unigram and "
                 "their steps); a newer vecfill may know this one");
    return rc;
}
