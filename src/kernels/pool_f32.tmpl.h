/* pool_mean_f32 for a vector type: a vector of columns at a time. To be included behind its header
 * and operations on doubles:
 *
 *   vec_double                      half as many doubles as a vector has floats
 *   vec_low(a), vec_high(a)         the lower and the upper half of the floats
 *   vec_double_set(x), vec_double_add(a, b)
 *   vec_round(low, high, scale)     both halves times `scale`, rounded to floats */

static inline size_t lanes(size_t n, size_t j)
{
    return n - j < VEC_FLOATS ? n - j : VEC_FLOATS;
}

static void pool_mean(const float *x, size_t ldx, size_t m, size_t n, float *out)
{
    for (size_t j = 0; j < n; j += VEC_FLOATS) {
        vec_double low = vec_double_set(0), high = low;
        for (size_t i = 0; i < m; i++) {
            vec row = vec_load_first(x + i * ldx + j, lanes(n, j));
            low = vec_double_add(low, vec_low(row));
            high = vec_double_add(high, vec_high(row));
        }
        vec_store_first(out + j, vec_round(low, high, 1 / (double)m), lanes(n, j));
    }
}
