/* The tokenizer of a BERT model that has no tokenizer.json: vocab.txt, one token a line, and what
 * tokenizer_config.json says beside it. */
#ifndef VF_TOKENIZER_BERT_VOCAB_H
#define VF_TOKENIZER_BERT_VOCAB_H

#include "base/json.h"

/* Makes of DIRECTORY/vocab.txt and, if it is there, DIRECTORY/tokenizer_config.json what
 * tokenizer.json would hold. The caller owns *ret and drops it with json_decref(). */
VF_MUST_CHECK int vf_bert_vocab_load(const char *directory, json_t **ret, struct vf_err *err);

#endif
