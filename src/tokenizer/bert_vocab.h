/* The tokenizer of a BERT model that has no tokenizer.json: vocab.txt, one token a line, and what
 * tokenizer_config.json and special_tokens_map.json say beside it. */
#ifndef VF_TOKENIZER_BERT_VOCAB_H
#define VF_TOKENIZER_BERT_VOCAB_H

#include "tokenizer/tokenizer_impl.h"

/* Fills the zeroed `tokenizer` from DIRECTORY/vocab.txt, the content of tokenizer_config.json,
 * which may be NULL, and DIRECTORY/special_tokens_map.json, where that is there, as from a
 * tokenizer.json, whose `path` would be that of messages. On failure it is half made, and still for
 * the caller to release. */
VF_MUST_CHECK int vf_bert_vocab_load(const char *directory, const char *path, const json_t *config,
    bool lowercase, struct vf_tokenizer *tokenizer, struct vf_err *err);

#endif
