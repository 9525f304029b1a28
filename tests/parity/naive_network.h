/* A forward pass written from the description of a network alone, in double, with nothing shared
 * with the encoder: what tests compare the encoder with. */
#ifndef VF_TESTS_NAIVE_NETWORK_H
#define VF_TESTS_NAIVE_NETWORK_H

#include "model/model.h"

/* The vector of `n` token ids, hidden_size numbers. */
void naive_network(const struct vf_model *model, const int32_t *ids, size_t n, double *vector);

#endif
