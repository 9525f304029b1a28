/* The tests of each slot of the kernel table. Each takes a `const struct vf_kernels *` as its
 * state and runs for every tier of the machine. */
#ifndef VF_TESTS_KERNEL_TESTS_H
#define VF_TESTS_KERNEL_TESTS_H

#define VF_KERNEL_TESTS(X)                                                                         \
    X(pack_panel_lays_out)                                                                         \
    X(linear_is_exact_on_integers)                                                                 \
    X(linear_is_within_its_bound)                                                                  \
    X(linear_rows_are_independent)                                                                 \
    X(linear_keeps_nan_apart)                                                                      \
    X(activations_are_within_their_bound)                                                          \
    X(bf16_rounds_to_nearest_even)                                                                 \
    X(pack_panel_bf16_lays_out)                                                                    \
    X(linear_bf16_is_exact_on_integers)                                                            \
    X(linear_bf16_is_within_its_bound)                                                             \
    X(linear_bf16_equals_linear_f32)                                                               \
    X(linear_bf16_rows_are_independent)                                                            \
    X(linear_bf16_keeps_nan_apart)                                                                 \
    X(linear_scratch_bf16_grows)                                                                   \
    X(pack_panel_int8_lays_out)                                                                    \
    X(quantize_int8_is_within_its_bound)                                                           \
    X(quantize_int8_equals_the_reference)                                                          \
    X(quantize_int8_marks_rows_that_are_not_finite)                                                \
    X(linear_int8_equals_the_reference)                                                            \
    X(linear_int8_sums_do_not_overflow)                                                            \
    X(linear_int8_is_within_its_bound)                                                             \
    X(linear_int8_rows_are_independent)                                                            \
    X(linear_int8_keeps_nan_apart)                                                                 \
    X(add_norm_is_within_its_bound)                                                                \
    X(add_norm_rows_are_independent)                                                               \
    X(add_norm_keeps_nan_apart)                                                                    \
    X(add_equals_the_reference)                                                                    \
    X(gate_is_within_its_bound)                                                                    \
    X(gate_keeps_nan_apart)                                                                        \
    X(rotate_is_within_its_bound)                                                                  \
    X(rotate_keeps_nan_apart)                                                                      \
    X(attention_selects_one_key)                                                                   \
    X(attention_is_within_its_bound)                                                               \
    X(attention_weights_are_powers_of_two)                                                         \
    X(attention_to_equal_values_is_that_value)                                                     \
    X(attention_rows_are_independent)                                                              \
    X(attention_keeps_nan_apart)                                                                   \
    X(attention_scratch_grows)                                                                     \
    X(pools_equal_the_reference)                                                                   \
    X(pools_keep_nan_apart)                                                                        \
    X(peaks_count_operations)

#define VF_DECLARE_KERNEL_TEST(name) void name(void **state);
VF_KERNEL_TESTS(VF_DECLARE_KERNEL_TEST)

#endif
