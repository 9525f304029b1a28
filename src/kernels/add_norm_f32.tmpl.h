/* add_norm_f32 and add_f32 for a vector type: three passes over a row that stays in the first-level
 * cache. */

/* Vectors that are summed at a time, to hide the latency of an addition. */
enum { CHAINS = 4, STEP = CHAINS * VEC_FLOATS };

/* The number of floats of the vector at j that belong to a row of n. */
static inline size_t lanes(size_t n, size_t j)
{
    return n - j < VEC_FLOATS ? n - j : VEC_FLOATS;
}

ALWAYS_INLINE float sum_chains(vec sum[CHAINS])
{
    UNROLL
    for (int i = 1; i < CHAINS; i++)
        sum[0] = vec_add(sum[0], sum[i]);
    return vec_sum(sum[0]);
}

/* x += y, returning the sum of the result. */
static float add_row(float *x, const float *y, size_t n)
{
    vec sum[CHAINS];
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        sum[i] = vec_set(0);
    size_t j = 0;
    for (; j + STEP <= n; j += STEP) {
        UNROLL
        for (size_t i = 0; i < CHAINS; i++) {
            float *place = x + j + i * VEC_FLOATS;
            vec s = vec_add(vec_load(place), vec_load(y + j + i * VEC_FLOATS));
            vec_store(place, s);
            sum[i] = vec_add(sum[i], s);
        }
    }
    for (; j < n; j += VEC_FLOATS) {
        size_t width = lanes(n, j);
        vec s = vec_add(vec_load_first(x + j, width), vec_load_first(y + j, width));
        vec_store_first(x + j, s, width);
        sum[0] = vec_add(sum[0], s);
    }
    return sum_chains(sum);
}

static float sum_row(const float *x, size_t n)
{
    vec sum = vec_set(0);
    for (size_t j = 0; j < n; j += VEC_FLOATS)
        sum = vec_add(sum, vec_load_first(x + j, lanes(n, j)));
    return vec_sum(sum);
}

/* The sum of squared differences from the mean. */
static float sum_squares(const float *x, size_t n, float mean)
{
    vec sum[CHAINS], shift = vec_set(mean);
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        sum[i] = vec_set(0);
    size_t j = 0;
    for (; j + STEP <= n; j += STEP) {
        UNROLL
        for (size_t i = 0; i < CHAINS; i++) {
            vec d = vec_sub(vec_load(x + j + i * VEC_FLOATS), shift);
            sum[i] = vec_fma(d, d, sum[i]);
        }
    }
    for (; j < n; j += VEC_FLOATS) {
        vec d = vec_sub(vec_load_first(x + j, lanes(n, j)), shift);
        d = vec_join(d, vec_set(0), lanes(n, j));
        sum[0] = vec_fma(d, d, sum[0]);
    }
    return sum_chains(sum);
}

/* out = (x - mean) * scale * gamma + beta */
static void scale_row(
    const struct vf_norm_f32 *norm, const float *x, float mean, float scale, float *out)
{
    vec shift = vec_set(mean), factor = vec_set(scale);
    size_t n = norm->n, j = 0;
    for (; j + VEC_FLOATS <= n; j += VEC_FLOATS) {
        vec z = vec_mul(vec_sub(vec_load(x + j), shift), factor);
        vec_store(out + j, vec_fma(z, vec_load(norm->gamma + j), vec_load(norm->beta + j)));
    }
    if (j < n) {
        vec z = vec_mul(vec_sub(vec_load_first(x + j, n - j), shift), factor);
        vec gamma = vec_load_first(norm->gamma + j, n - j);
        vec_store_first(out + j, vec_fma(z, gamma, vec_load_first(norm->beta + j, n - j)), n - j);
    }
}

static void add_norm(const struct vf_norm_f32 *norm, float *x, size_t ldx, const float *y,
    size_t ldy, size_t m, float *out, size_t ldo)
{
    size_t n = norm->n;
    for (size_t i = 0; i < m; i++, x += ldx, out += ldo) {
        float sum = y ? add_row(x, y + i * ldy, n) : norm->rms ? 0 : sum_row(x, n);
        float mean = norm->rms ? 0 : sum / (float)n;
        float variance = sum_squares(x, n, mean) / (float)n;
        scale_row(norm, x, mean, 1 / sqrtf(variance + norm->eps), out);
    }
}

static void add(float *x, size_t ldx, const float *y, size_t ldy, size_t m, size_t n)
{
    for (size_t i = 0; i < m; i++, x += ldx, y += ldy) {
        size_t j = 0;
        for (; j + VEC_FLOATS <= n; j += VEC_FLOATS)
            vec_store(x + j, vec_add(vec_load(x + j), vec_load(y + j)));
        if (j < n)
            vec_store_first(
                x + j, vec_add(vec_load_first(x + j, n - j), vec_load_first(y + j, n - j)), n - j);
    }
}
