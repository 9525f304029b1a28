/* Elementary functions on vectors. To be included behind the header of a vector type. The
 * polynomials are minimax fits made for these intervals; the errors are those of evaluation in
 * float, over all floats of the interval. */
#ifndef VF_KERNELS_MATH_F32_TMPL_H
#define VF_KERNELS_MATH_F32_TMPL_H

/* 2^x for x < 127, with a relative error of at most 1.6e-7; 0 below the normal range. */
ALWAYS_INLINE vec vec_exp2(vec x)
{
    vec r, whole = vec_floor(x, &r);
    vec y = vec_set(1.87756761e-3f);
    y = vec_fma(y, r, vec_set(8.98936205e-3f));
    y = vec_fma(y, r, vec_set(5.58262989e-2f));
    y = vec_fma(y, r, vec_set(2.40153626e-1f));
    y = vec_fma(y, r, vec_set(6.93153083e-1f));
    y = vec_fma(y, r, vec_set(9.99999940e-1f));
    return vec_scale(y, whole);
}

/* The same for weights of 16 bits, with a relative error of at most 7.6e-5. */
ALWAYS_INLINE vec vec_exp2_int16(vec x)
{
    vec r, whole = vec_floor(x, &r);
    vec y = vec_set(7.80245215e-2f);
    y = vec_fma(y, r, vec_set(2.26067156e-1f));
    y = vec_fma(y, r, vec_set(6.95833564e-1f));
    y = vec_fma(y, r, vec_set(9.99925196e-1f));
    return vec_scale(y, whole);
}

/* The same where scores are products of bytes: 2^x times a constant, with a relative error of at
 * most 1.73e-3, and never above 2^x. */
ALWAYS_INLINE vec vec_exp2_int8(vec x)
{
    vec r, whole = vec_floor(x, &r);
    vec y = vec_set(3.36608916e-1f);
    y = vec_fma(y, r, vec_set(6.56503856e-1f));
    y = vec_fma(y, r, vec_set(1));
    return vec_scale(y, whole);
}

/* x/2 (1 + erf(x / sqrt 2)) = max(x, 0) - t (1/2 - t P(t^2) / Q(t^2)) with t = |x|, where t P / Q
 * is the normal distribution's integral from 0 to t up to t = 5.2, behind which the second term is
 * 0 to within the bound. All coefficients are positive, so that none takes from another's digits.
 */
ALWAYS_INLINE vec vec_gelu_erf(vec x)
{
    vec t = vec_min(vec_set(5.2f), vec_abs(x)), square = vec_mul(t, t);
    vec p = vec_set(6.11391579e-6f), q = vec_set(5.22512039e-7f);
    p = vec_fma(p, square, vec_set(3.29205272e-4f));
    q = vec_fma(q, square, vec_set(1.18484211e-4f));
    p = vec_fma(p, square, vec_set(5.60826622e-3f));
    q = vec_fma(q, square, vec_set(2.78561586e-3f));
    p = vec_fma(p, square, vec_set(5.08835688e-2f));
    q = vec_fma(q, square, vec_set(3.81071381e-2f));
    p = vec_fma(p, square, vec_set(3.98941457e-1f));
    q = vec_fma(q, square, vec_set(2.94203073e-1f));
    q = vec_fma(q, square, vec_set(1));
    vec tail = vec_fnma(t, vec_div(p, q), vec_set(0.5f));
    return vec_fnma(t, tail, vec_max(vec_set(0), x));
}

/* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) = x / (1 + 2^e(x)). */
ALWAYS_INLINE vec vec_gelu_tanh(vec x)
{
    const float factor = -2.302208198f, cubic = -0.1029432396f; /* -2 log2(e) sqrt(2/pi) … */
    vec slope = vec_fma(vec_mul(x, x), vec_set(cubic), vec_set(factor));
    vec exponent = vec_min(vec_set(126), vec_mul(x, slope));
    return vec_div(x, vec_add(vec_set(1), vec_exp2(exponent)));
}

/* x (1/2 + z P(z^2)), z = x within +-limit, where 1/2 + z P(z^2) is 0 and 1 at the ends; P has n
 * coefficients. */
ALWAYS_INLINE vec vec_gelu_polynomial(vec x, float limit, const float *coefficients, int n)
{
    vec z = vec_clamp(x, limit), square = vec_mul(z, z);
    vec y = vec_set(coefficients[n - 1]);
    UNROLL
    for (int i = n - 2; i >= 0; i--)
        y = vec_fma(y, square, vec_set(coefficients[i]));
    return vec_mul(x, vec_fma(z, y, vec_set(0.5f)));
}

/* The two GELUs for operands of 16 bits, with errors of at most 7.5e-5 up to |x| = 1, 1e-6 |x|
 * beyond the limit. */
ALWAYS_INLINE vec vec_gelu_erf_coarse(vec x)
{
    static const float coefficients[] = {3.984658361e-1f, -6.552816131e-2f, 9.298212712e-3f,
        -9.506541284e-4f, 6.689031696e-5f, -3.037907705e-6f, 7.941260331e-8f, -9.017424937e-10f};
    return vec_gelu_polynomial(x, 4.2f, coefficients, 8);
}

ALWAYS_INLINE vec vec_gelu_tanh_coarse(vec x)
{
    static const float coefficients[] = {3.984942609e-1f, -6.587925675e-2f, 9.524339475e-3f,
        -1.007281164e-3f, 7.414107736e-5f, -3.544125725e-6f, 9.776535949e-8f, -1.172331756e-9f};
    return vec_gelu_polynomial(x, 4.1f, coefficients, 8);
}

/* The two for operands of 8 bits, with errors of at most 1.08e-3. */
ALWAYS_INLINE vec vec_gelu_erf_int8(vec x)
{
    static const float coefficients[] = {
        3.941133912e-1f, -5.963748964e-2f, 6.659530822e-3f, -4.089383408e-4f, 1.030805414e-5f};
    return vec_gelu_polynomial(x, 3.42f, coefficients, 5);
}

ALWAYS_INLINE vec vec_gelu_tanh_int8(vec x)
{
    static const float coefficients[] = {
        3.942710230e-1f, -5.997344602e-2f, 6.789095074e-3f, -4.256513582e-4f, 1.100367883e-5f};
    return vec_gelu_polynomial(x, 3.37f, coefficients, 5);
}

/* x / (1 + e^-x) = x / (1 + 2^(-x log2 e)). */
ALWAYS_INLINE vec vec_silu(vec x)
{
    vec exponent = vec_min(vec_set(126), vec_mul(x, vec_set(-1.44269504f)));
    return vec_div(x, vec_add(vec_set(1), vec_exp2(exponent)));
}

#endif
