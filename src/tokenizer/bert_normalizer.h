/* The normaliser of BERT, one code point at a time.
 *
 * In this order: drop control characters and make every white space a blank; put ideographs between
 * blanks; decompose canonically and drop non-spacing marks; lower-case. Only the order of marks in
 * the decomposed text needs a look beyond one code point, and struct vf_normal_form says enough for
 * that (char_table.h does it).
 */
#ifndef VF_TOKENIZER_BERT_NORMALIZER_H
#define VF_TOKENIZER_BERT_NORMALIZER_H

#include "tokenizer/json_keys.h"
#include "tokenizer/unicode.h"

/* All off is no normalisation. */
struct vf_bert_normalizer {
    bool clean_text;
    bool handle_chinese_chars;
    bool strip_accents;
    bool lowercase;
};

/* Two blanks around a decomposition, each part of which may grow in lower case. */
#define VF_NORMAL_FORM_MAX (2 + VF_UNICODE_MAX_DECOMPOSITION * VF_UNICODE_MAX_LOWER)

struct vf_normal_char {
    uint32_t c;
    uint8_t combining_class; /* 0 where the order of marks is not to be touched */
};

struct vf_normal_form {
    size_t n; /* 0 when the code point is dropped */
    /* True when a mark before this code point never changes places with one after it. */
    bool ends_marks;
    struct vf_normal_char chars[VF_NORMAL_FORM_MAX];
};

/* Reads the object of tokenizer.json whose "type" is BertNormalizer. */
VF_MUST_CHECK int vf_bert_normalizer_read(
    const json_t *json, const char *where, struct vf_bert_normalizer *ret, struct vf_err *err);

/* What becomes of `c`, whose properties are `properties[c]`. */
void vf_bert_normalize(const struct vf_bert_normalizer *normalizer, const uint8_t *properties,
    uint32_t c, struct vf_normal_form *ret);

#endif
