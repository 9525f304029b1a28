/* The promise of vf_kernels_init_portable(), for the table that is the state. */
#ifndef VF_TESTS_PORTABLE_TESTS_H
#define VF_TESTS_PORTABLE_TESTS_H

void portable_linear_has_the_same_bits(void **state);
void portable_activations_have_the_same_bits(void **state);

#endif
