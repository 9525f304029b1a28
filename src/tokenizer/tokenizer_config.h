/* tokenizer_config.json, for what it changes of a tokenizer. Transformers makes the tokenizers of
 * some classes anew, with the settings of that file and not those of tokenizer.json. */
#ifndef VF_TOKENIZER_TOKENIZER_CONFIG_H
#define VF_TOKENIZER_TOKENIZER_CONFIG_H

#include "base/json.h"

/* Reads DIRECTORY/tokenizer_config.json. *ret is NULL without it, else for the caller to drop. Its
 * numbers are all real ones, for its greatest may not fit in 64 bits. */
VF_MUST_CHECK int vf_tokenizer_config_load(const char *directory, json_t **ret, struct vf_err *err);

/* Sets "lowercase", "strip_accents" and "handle_chinese_chars" of a BertNormalizer by what
 * `config`, which may be NULL, has as "do_lower_case", "strip_accents" and
 * "tokenize_chinese_chars", or by what transformers takes where it has nothing: true, null, true.
 */
VF_MUST_CHECK int vf_tokenizer_config_normalizer(
    const json_t *config, json_t *normalizer, struct vf_err *err);

/* Changes the content of tokenizer.json as `config`, which may be NULL, wants it:
 *
 *   BertTokenizer, DistilBertTokenizer, ElectraTokenizer, MPNetTokenizer: its BertNormalizer, as
 *     above
 *   RobertaTokenizer: "add_prefix_space" of its ByteLevel; false where `config` has nothing
 *
 * by "tokenizer_class", with or without "Fast" behind it. Without that key the first hold, as they
 * do in transformers for the models that have a BertNormalizer; any other class changes nothing. */
VF_MUST_CHECK int vf_tokenizer_config_apply(const json_t *config, json_t *root, struct vf_err *err);

#endif
