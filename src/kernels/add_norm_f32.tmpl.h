/* add_norm_f32 for a vector type: three passes over a row that stays in the first-level cache. */

/* Of the vector at j: how many floats of the row it has. */
static inline size_t lanes(size_t n, size_t j)
{
    return n - j < VEC_FLOATS ? n - j : VEC_FLOATS;
}

/* x += y, returning the sum of the result; `y` may be NULL. */
static float add_row(float *x, const float *y, size_t n)
{
    vec sum = vec_set(0);
    for (size_t j = 0; j < n; j += VEC_FLOATS) {
        vec s = vec_load_first(x + j, lanes(n, j));
        if (y) {
            s = vec_add(s, vec_load_first(y + j, lanes(n, j)));
            vec_store_first(x + j, s, lanes(n, j));
        }
        sum = vec_add(sum, s);
    }
    return vec_sum(sum);
}

static float sum_squares(const float *x, size_t n, float mean)
{
    vec sum = vec_set(0);
    for (size_t j = 0; j < n; j += VEC_FLOATS) {
        vec d = vec_sub(vec_load_first(x + j, lanes(n, j)), vec_set(mean));
        d = vec_join(d, vec_set(0), lanes(n, j));
        sum = vec_fma(d, d, sum);
    }
    return vec_sum(sum);
}

static void add_norm(
    const struct vf_norm_f32 *norm, float *x, size_t ldx, const float *y, size_t ldy, size_t m)
{
    size_t n = norm->n;
    for (size_t i = 0; i < m; i++, x += ldx, y = y ? y + ldy : NULL) {
        float mean = add_row(x, y, n) / (float)n;
        float variance = sum_squares(x, n, mean) / (float)n;
        vec shift = vec_set(mean), scale = vec_set(1 / sqrtf(variance + norm->eps));
        for (size_t j = 0; j < n; j += VEC_FLOATS) {
            vec z = vec_mul(vec_sub(vec_load_first(x + j, lanes(n, j)), shift), scale);
            vec gamma = vec_load_first(norm->gamma + j, lanes(n, j));
            vec beta = vec_load_first(norm->beta + j, lanes(n, j));
            vec_store_first(x + j, vec_fma(z, gamma, beta), lanes(n, j));
        }
    }
}
