/* BERT's forward pass once more, in double and without any trick: what the encoder is held to. */
#ifndef VF_TESTS_NAIVE_BERT_H
#define VF_TESTS_NAIVE_BERT_H

#include "model/model.h"

/* Computes the vector of one sequence of `n` ids, hidden_size doubles. */
void naive_bert(const struct vf_model *model, const int32_t *ids, size_t n, double *vector);

#endif
