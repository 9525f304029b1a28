/* quantize_int8 for a vector type. To be included behind its header, a function that stores
 * integers, and QUANTIZE_STEP, the vectors that it takes at a time:
 *
 *   quantized_store(out, q, zero)  stores VEC_FLOATS * QUANTIZE_STEP quantised inputs, q being
 *                                  rounded and not yet held to [0, 255]
 */
#include "kernels/quantize_int8.h"

enum { STEP = QUANTIZE_STEP * VEC_FLOATS };

/* Inputs by their factors. */
ALWAYS_INLINE vec product(const float *x, const float *factors, size_t j)
{
    return factors ? vec_mul(vec_load(x + j), vec_load(factors + j)) : vec_load(x + j);
}

/* The vector at j of the row of k: zeros behind its end. */
ALWAYS_INLINE vec element(const float *x, const float *factors, size_t j, size_t k)
{
    if (j + VEC_FLOATS <= k)
        return product(x, factors, j);
    if (j >= k)
        return vec_set(0);
    vec a = vec_load_first(x + j, k - j);
    return factors ? vec_mul(a, vec_load_first(factors + j, k - j)) : a;
}

/* The row's range with 0 in it, from its bits: as signed integers, floats that are not negative are
 * in order, those that are negative lie below; as unsigned integers, the negative ones lie above in
 * the order of their size. NaN comes behind infinity. False when there is one or the other. */
ALWAYS_INLINE bool find_range(
    const float *x, const float *factors, size_t k, float *ret_low, float *ret_high)
{
    vec_bits low = vec_bits_of(vec_set(-0.0f)), high = vec_bits_of(vec_set(0));
    size_t j = 0;
    for (; j + STEP <= k; j += STEP) {
        UNROLL
        for (size_t i = 0; i < QUANTIZE_STEP; i++) {
            vec_bits a = vec_bits_of(product(x, factors, j + i * VEC_FLOATS));
            low = vec_bits_max_unsigned(low, a);
            high = vec_bits_max_signed(high, a);
        }
    }
    for (; j < k; j += VEC_FLOATS) {
        vec_bits a = vec_bits_of(element(x, factors, j, k));
        low = vec_bits_max_unsigned(low, a);
        high = vec_bits_max_signed(high, a);
    }
    *ret_low = vec_bits_largest_unsigned(low);
    *ret_high = vec_bits_largest_signed(high);
    return isfinite(*ret_low) && isfinite(*ret_high);
}

ALWAYS_INLINE void quantize_row(
    const float *x, const float *factors, size_t k, struct vf_quantizer quantizer, uint8_t *out)
{
    vec inverse = vec_set(quantizer.inverse), zero = vec_set((float)quantizer.zero);
    size_t j = 0;
    vec q[QUANTIZE_STEP];
    for (; j + STEP <= k; j += STEP, out += STEP * ELEMENT_BYTES) {
        UNROLL
        for (size_t i = 0; i < QUANTIZE_STEP; i++)
            q[i] = vec_fma(product(x, factors, j + i * VEC_FLOATS), inverse, zero);
        quantized_store(out, q, quantizer.zero);
    }
    if (j < k) {
        UNROLL
        for (size_t i = 0; i < QUANTIZE_STEP; i++)
            q[i] = vec_fma(element(x, factors, j + i * VEC_FLOATS, k), inverse, zero);
        quantized_store(out, q, quantizer.zero);
    }
}

/* What a row is quantised by; a scale of NaN when it has a NaN or an infinity. */
ALWAYS_INLINE struct vf_quantizer quantizer_of(const float *x, const float *factors, size_t k)
{
    float low, high;
    if (!find_range(x, factors, k, &low, &high))
        return (struct vf_quantizer){.scale = NAN};
    return vf_quantizer_of(low, high);
}

ALWAYS_INLINE void quantize_rows(const float *x, size_t ldx, size_t m, size_t k,
    const float *factors, const struct vf_quantized *out)
{
    enum { BLOCK = 4 }; /* rows, so that the latencies of their ranges overlap */
    struct vf_quantizer quantizers[BLOCK];
    for (size_t first = 0; first < m; first += BLOCK) {
        size_t end = m - first < BLOCK ? m : first + BLOCK;
        for (size_t r = first; r < end; r++)
            quantizers[r - first] = quantizer_of(x + r * ldx, factors, k);
        for (size_t r = first; r < end; r++) {
            struct vf_quantizer quantizer = quantizers[r - first];
            uint8_t *bytes = out->bytes + r * out->ld;
            out->scales[r] = quantizer.scale;
            out->zeros[r] = quantizer.zero;
            if (isnan(quantizer.scale))
                memset(bytes, 0, k * ELEMENT_BYTES);
            else
                quantize_row(x + r * ldx, factors, k, quantizer, bytes);
        }
    }
}

static void quantize(const float *x, size_t ldx, size_t m, size_t k, const float *factors,
    const struct vf_quantized *out)
{
    if (factors)
        quantize_rows(x, ldx, m, k, factors, out);
    else
        quantize_rows(x, ldx, m, k, NULL, out);
}
