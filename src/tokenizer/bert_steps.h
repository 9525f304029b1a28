/* BertNormalizer and BertPreTokenizer as steps like any others, and what they are made of for the
 * quicker way that puts both into one (bert_pretokenizer.h). */
#ifndef VF_TOKENIZER_BERT_STEPS_H
#define VF_TOKENIZER_BERT_STEPS_H

#include "tokenizer/char_table.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/pretokenizer.h"

/* The table of a step whose kind is vf_bert_normalizer or vf_bert_pretokenizer; that of the latter
 * changes nothing. */
const struct vf_char_table *vf_bert_step_table(const void *self);

#endif
