/* What the kernels of attention share: for each tile of queries, block after block of keys gives
 * scores, their softmax in place, and its product with the values. A block's weights are relative
 * to a power of two above its largest score, so that sums of several blocks are joined by exact
 * factors, and the scratch of a tile does not grow with the number of keys. To be included behind
 * panel.tmpl.h, with BLOCK_KEYS defined: the most keys of a block. */

/* Vectors of scores that are worked on at a time, to hide the latency of each step. */
enum { CHAINS = 2, STEP = CHAINS * VEC_FLOATS };

/* Queries whose sums are kept at a time: what a block brings into the cache serves all of them. */
enum { GROUP_ROWS = 16 * TILE_ROWS };

static inline size_t round_up_step(size_t n)
{
    return (n + STEP - 1) / STEP * STEP;
}

/* A rectangle of scores: that of `rows` queries from `row` on, which are those of the group from
 * `place` on, with keys [begin, end). */
struct region {
    size_t row, place, rows, begin, end;
};

/* What is known of a query's sums: that they are relative to 2^shift, and their weights' sum. */
struct softmax {
    float shift, total;
};

/* The scratch's parts, as offsets in floats. Rows of scores and sums are an odd number of vectors
 * apart, so that they spread over the cache. */
struct layout {
    size_t block; /* keys */
    size_t ld_scores, ld_sums;
    size_t scores; /* [TILE_ROWS] */
    size_t sums;   /* [GROUP_ROWS] */
    size_t own;    /* the kernel's own */
};

/* What a kernel defines. */

/* Scores of a region: products of queries and keys. */
static void multiply_keys(
    const struct vf_attention_f32 *op, const struct layout *layout, const struct region *at);

/* What 1 in a score of the query at `place` of the group stands for. */
static float score_unit(
    const struct vf_attention_f32 *op, const struct layout *layout, size_t place);

/* Replaces n scores, a multiple of STEP, by weights 2^(unit score - shift), and sums them in each
 * lane. Both may have a constant factor. */
static vec exponentiate(float *score, size_t n, float unit, float shift);

/* out[rows][PANEL] = the region's weights times the columns of the values from `first` on. */
static void multiply_values(const struct vf_attention_f32 *op, const struct layout *layout,
    const struct region *at, size_t first, float *out, size_t ldo);

/* The result of the query at `place` of the group. */
static void finish_row(const struct vf_attention_f32 *op, const struct layout *layout, size_t place,
    float total, float *out);

/* Keys of a block, a multiple of PANEL: blocks of nearly equal size. */
static inline size_t block_keys(size_t n)
{
    size_t blocks = (n + BLOCK_KEYS - 1) / BLOCK_KEYS, keys = (n + blocks - 1) / blocks;
    return (keys + PANEL - 1) / PANEL * PANEL;
}

static struct layout lay_out(size_t n, size_t head_size)
{
    struct layout l = {.block = block_keys(n)};
    l.ld_scores = block_keys(smaller(n, BLOCK_KEYS)) + VEC_FLOATS;
    l.ld_sums = (head_size + PANEL - 1) / PANEL * PANEL + VEC_FLOATS;
    l.sums = l.scores + TILE_ROWS * l.ld_scores;
    l.own = l.sums + GROUP_ROWS * l.ld_sums;
    return l;
}

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

/* Joins the sums of a further block: sums = keep * sums + take * more, row by row. */
static void join_rows(float *sums, size_t ld, const float *more, const float *keep,
    const float *take, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        vec keep_factor = vec_set(keep[r]), take_factor = vec_set(take[r]);
        for (size_t j = 0; j < width; j += VEC_FLOATS) {
            vec kept = vec_mul(vec_load(sums + r * ld + j), keep_factor);
            vec_store(
                sums + r * ld + j, vec_fma(vec_load(more + r * PANEL + j), take_factor, kept));
        }
    }
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

/* Adds the keys of a region to the sums of its queries, or begins these sums. */
static void attend(const struct vf_attention_f32 *op, const struct layout *layout,
    const struct region *at, bool begin, struct softmax *softmax)
{
    _Alignas(64) float more[TILE_ROWS * PANEL];
    float keep[TILE_ROWS], take[TILE_ROWS];
    struct softmax block[TILE_ROWS];
    float *sums = op->scratch + layout->sums + at->place * layout->ld_sums;
    multiply_keys(op, layout, at);
    mask(op, layout, at);
    weigh(op, layout, at, begin ? softmax : block);
    if (!begin)
        join_softmax(softmax, block, at->rows, keep, take);
    for (size_t first = 0; first < op->head_size; first += PANEL) {
        size_t width = round_up(smaller(op->head_size - first, PANEL));
        if (begin) {
            multiply_values(op, layout, at, first, sums + first, layout->ld_sums);
            continue;
        }
        multiply_values(op, layout, at, first, more, PANEL);
        join_rows(sums + first, layout->ld_sums, more, keep, take, at->rows, width);
    }
}

/* What the keys of the block from `begin` on are to the queries of a tile, given by its rows.
 * Keys that none of them sees are left out panel by panel, so that a key has the same place in a
 * sum whatever the tile. */
static void attend_block(const struct vf_attention_f32 *op, const struct layout *layout,
    const struct region *tile, size_t begin, struct softmax *softmax)
{
    size_t from = vf_seen_from(op, tile->row) / PANEL * PANEL;
    size_t to = vf_seen_to(op, tile->row + tile->rows - 1);
    struct region at = *tile;
    at.begin = larger(from, begin);
    at.end = smaller(to, begin + layout->block);
    if (at.begin >= at.end)
        return;
    attend(op, layout, &at, at.begin == from, softmax);
    if (at.end < to)
        return;
    for (size_t r = 0; r < at.rows; r++)
        finish_row(op, layout, at.place + r, softmax[r].total, op->out + (at.row + r) * op->ldo);
}

/* Attention of n queries, at most GROUP_ROWS, from `row` on. */
static void attend_group(
    const struct vf_attention_f32 *op, const struct layout *layout, size_t row, size_t n)
{
    struct softmax softmax[GROUP_ROWS];
    size_t begin = vf_seen_from(op, row) / layout->block * layout->block;
    size_t end = vf_seen_to(op, row + n - 1);
    for (; begin < end; begin += layout->block)
        for (size_t place = 0, rows; place < n; place += rows) {
            rows = next_rows(n - place);
            struct region tile = {.row = row + place, .place = place, .rows = rows};
            attend_block(op, layout, &tile, begin, softmax + place);
        }
}
