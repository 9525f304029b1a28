/* The softmax of the scores of a region, a part of attention_blocks.tmpl.h: masks and biases,
 * weights relative to a power of two above the largest score of their row, and the joining of
 * blocks. */

/* What is known of a query's sums: that they are relative to 2^shift, and their weights' sum. */
struct softmax {
    float shift, total;
};

/* Adds the biases of n keys to their scores, whose unit is 1 then. */
static void add_bias(float *score, float unit, const float *bias, size_t n)
{
    vec factor = vec_set(unit);
    for (size_t j = 0; j < n; j += VEC_FLOATS)
        vec_store(score + j, vec_fma(vec_load(score + j), factor, load_at_most(bias + j, n - j)));
}

/* Makes of n scores, a multiple of VEC_FLOATS, those outside of [from, to) the scores of keys
 * without weight. */
static void hide(float *score, size_t from, size_t to, size_t n)
{
    vec none = vec_set(-INFINITY);
    size_t j = 0;
    for (; j + VEC_FLOATS <= from; j += VEC_FLOATS)
        vec_store(score + j, none);
    if (j < from)
        vec_store(score + j, vec_join(none, vec_load(score + j), from - j));
    j = to / VEC_FLOATS * VEC_FLOATS;
    if (j < to) {
        vec_store(score + j, vec_join(vec_load(score + j), none, to - j));
        j += VEC_FLOATS;
    }
    for (; j < n; j += VEC_FLOATS)
        vec_store(score + j, none);
}

/* The largest of n scores, a multiple of STEP, in each lane; at least -FLT_MAX. */
static inline vec largest_lanes(const float *score, size_t n)
{
    vec largest[2 * CHAINS];
    size_t j = 0;
    UNROLL
    for (int i = 0; i < 2 * CHAINS; i++)
        largest[i] = vec_set(-FLT_MAX);
    for (; j + 2 * STEP <= n; j += 2 * STEP) {
        UNROLL
        for (int i = 0; i < 2 * CHAINS; i++)
            largest[i] = vec_max(largest[i], vec_load(score + j + i * VEC_FLOATS));
    }
    if (j < n) {
        UNROLL
        for (int i = 0; i < CHAINS; i++)
            largest[i] = vec_max(largest[i], vec_load(score + j + i * VEC_FLOATS));
    }
    UNROLL
    for (int i = 1; i < 2 * CHAINS; i++)
        largest[0] = vec_max(largest[0], largest[i]);
    return largest[0];
}

/* 2^x for whole x <= 0; 0 below float's normal range. */
static float power_of_two(float x)
{
    if (!(x >= -126))
        return x != x ? x : 0;
    uint32_t bits = (uint32_t)((int32_t)x + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* Adds biases to the scores of a region, and takes away keys that a query does not see. */
static void mask(
    const struct vf_attention_f32 *op, const struct layout *layout, const struct region *at)
{
    float *scores = op->scratch + layout->scores;
    size_t n = at->end - at->begin;
    for (size_t r = 0; r < at->rows; r++, scores += layout->ld_scores) {
        size_t row = at->row + r;
        size_t from = larger(vf_seen_from(op, row), at->begin) - at->begin;
        size_t to = larger(smaller(vf_seen_to(op, row), at->end), at->begin) - at->begin;
        if (op->bias)
            add_bias(scores, score_unit(op, layout, at->place + r),
                op->bias + (ptrdiff_t)row * op->ld_bias + at->begin, n);
        hide(scores, smaller(from, n), to, round_up_step(n));
    }
}

/* A whole number that is at least x, and finite also when x is -infinity. */
static inline float shift_above(float x)
{
    return ceilf(x < -FLT_MAX ? -FLT_MAX : x);
}

/* Turns the scores of a region into weights. Each step is taken for all rows before the next, so
 * that their latencies overlap. */
static void weigh(const struct vf_attention_f32 *op, const struct layout *layout,
    const struct region *at, struct softmax *ret)
{
    size_t n = round_up_step(at->end - at->begin), ld = layout->ld_scores;
    float *scores = op->scratch + layout->scores, unit[TILE_ROWS];
    vec lanes[TILE_ROWS];
    for (size_t r = 0; r < at->rows; r++)
        unit[r] = op->bias ? 1 : score_unit(op, layout, at->place + r);
    for (size_t r = 0; r < at->rows; r++)
        lanes[r] = largest_lanes(scores + r * ld, n);
    for (size_t r = 0; r < at->rows; r++)
        ret[r].shift = shift_above(vec_largest(lanes[r]) * unit[r]);
    for (size_t r = 0; r < at->rows; r++)
        lanes[r] = exponentiate(scores + r * ld, n, unit[r], ret[r].shift);
    for (size_t r = 0; r < at->rows; r++)
        ret[r].total = vec_sum(lanes[r]);
}

/* Joins the softmax of a further block, and gives the factors by which the sums must be joined. */
static void join_softmax(
    struct softmax *softmax, const struct softmax *block, size_t rows, float *keep, float *take)
{
    for (size_t r = 0; r < rows; r++) {
        float shift = softmax[r].shift > block[r].shift ? softmax[r].shift : block[r].shift;
        keep[r] = power_of_two(softmax[r].shift - shift);
        take[r] = power_of_two(block[r].shift - shift);
        softmax[r].shift = shift;
        softmax[r].total = softmax[r].total * keep[r] + block[r].total * take[r];
    }
}
