#include "tokenizer/bert_normalizer.h"

int vf_bert_normalizer_read(
    const json_t *json, const char *where, struct vf_bert_normalizer *ret, struct vf_err *err)
{
    static const char *const required[] = {
        "type", "clean_text", "handle_chinese_chars", "lowercase", NULL};
    static const char *const optional[] = {"strip_accents", NULL};
    struct vf_bert_normalizer n;
    int rc;
    VF_TRY(vf_tokenizer_check_keys(json, where, required, optional, err));
    VF_TRY(vf_json_get_bool(json, "clean_text", where, true, &n.clean_text, err));
    VF_TRY(
        vf_json_get_bool(json, "handle_chinese_chars", where, true, &n.handle_chinese_chars, err));
    VF_TRY(vf_json_get_bool(json, "lowercase", where, true, &n.lowercase, err));
    VF_TRY(vf_json_get_bool(json, "strip_accents", where, n.lowercase, &n.strip_accents, err));
    *ret = n;
out:
    return rc;
}

static void put(struct vf_normal_form *form, uint32_t c, unsigned combining_class)
{
    form->chars[form->n++] =
        (struct vf_normal_char){.c = c, .combining_class = (uint8_t)combining_class};
}

/* The properties save most look-ups: nearly all code points have no other case, parts or class. */
static void put_case(const struct vf_bert_normalizer *normalizer, const uint8_t *properties,
    uint32_t c, unsigned combining_class, struct vf_normal_form *form)
{
    uint32_t lower[VF_UNICODE_MAX_LOWER] = {c};
    bool changes = normalizer->lowercase && (properties[c] & VF_UNICODE_CHANGES);
    size_t n = changes ? vf_unicode_lower(c, lower) : 1;
    for (size_t i = 0; i < n; i++)
        put(form, lower[i], combining_class);
}

static void put_without_accents(const struct vf_bert_normalizer *normalizer,
    const uint8_t *properties, uint32_t c, struct vf_normal_form *form)
{
    uint32_t parts[VF_UNICODE_MAX_DECOMPOSITION] = {c};
    size_t n = properties[c] & VF_UNICODE_CHANGES ? vf_unicode_decompose(c, parts) : 1;
    form->ends_marks = false;
    for (size_t i = 0; i < n; i++) {
        uint8_t part = properties[parts[i]];
        unsigned combining_class =
            part & VF_UNICODE_COMBINING ? vf_unicode_combining_class(parts[i]) : 0;
        if (combining_class == 0)
            form->ends_marks = true;
        if (!(part & VF_UNICODE_MARK))
            put_case(normalizer, properties, parts[i], combining_class, form);
    }
}

void vf_bert_normalize(const struct vf_bert_normalizer *normalizer, const uint8_t *properties,
    uint32_t c, struct vf_normal_form *ret)
{
    *ret = (struct vf_normal_form){.ends_marks = true};
    if (normalizer->clean_text && (properties[c] & VF_UNICODE_CONTROL)) {
        ret->ends_marks = false;
        return;
    }
    if (normalizer->clean_text && (properties[c] & VF_UNICODE_SPACE))
        c = ' ';
    bool apart = normalizer->handle_chinese_chars && (properties[c] & VF_UNICODE_CJK);
    if (apart)
        put(ret, ' ', 0);
    if (normalizer->strip_accents)
        put_without_accents(normalizer, properties, c, ret);
    else
        put_case(normalizer, properties, c, 0, ret);
    if (apart)
        put(ret, ' ', 0);
}
