/* attention_f32 for a vector type: keys transposed and values copied to panels once, then for each
 * tile of queries block after block of keys: scores, their softmax in place, its product with the
 * values. A block's weights are relative to a power of two above its largest score, so that sums
 * of several blocks are joined by exact factors, and the scratch of a tile does not grow with the
 * number of keys. */
#include "kernels/math_f32.tmpl.h"
#include "kernels/tile_f32.tmpl.h"

enum { PANEL = TILE_VECTORS * VEC_FLOATS };

/* Vectors of scores that are worked on at a time, to hide the latency of each step. */
enum { CHAINS = 2, STEP = CHAINS * VEC_FLOATS };

/* Queries whose sums are kept at a time: what a block brings into the cache serves all of them. */
enum { GROUP_ROWS = 16 * TILE_ROWS };

static inline size_t round_up_step(size_t n)
{
    return (n + STEP - 1) / STEP * STEP;
}

/* A rectangle of scores: that of rows of queries with keys [begin, end). */
struct region {
    size_t row, rows, begin, end;
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
    size_t keys, values, scores, sums, end;
};

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
    l.ld_sums = round_up(head_size) | VEC_FLOATS;
    l.values = l.keys + round_up(round_up(n) * head_size);
    l.scores = l.values + n * round_up(head_size);
    l.sums = l.scores + TILE_ROWS * l.ld_scores;
    l.end = l.sums + GROUP_ROWS * l.ld_sums;
    return l;
}

static void pack_keys(const float *k, size_t ld, size_t n, size_t head_size, float *panels)
{
    for (size_t first = 0; first < n; first += PANEL)
        pack_transposed(
            k + first * ld, ld, smaller(n - first, PANEL), head_size, panels + first * head_size);
}

static void pack_values(const float *v, size_t ld, size_t n, size_t head_size, float *panels)
{
    for (size_t first = 0; first < head_size; first += PANEL) {
        size_t columns = smaller(head_size - first, PANEL), width = round_up(columns);
        float *out = panels + first * n;
        for (size_t i = 0; i < n; i++, out += width)
            for (size_t j = 0; j < columns; j += VEC_FLOATS)
                vec_store(out + j, load_at_most(v + i * ld + first + j, columns - j));
    }
}

/* Adds the biases of n keys to their scores. */
static void add_bias(float *score, const float *bias, size_t n)
{
    for (size_t j = 0; j < n; j += VEC_FLOATS)
        vec_store(score + j, vec_add(vec_load(score + j), load_at_most(bias + j, n - j)));
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
    vec largest[CHAINS];
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        largest[i] = vec_set(-FLT_MAX);
    for (size_t j = 0; j < n; j += STEP) {
        UNROLL
        for (int i = 0; i < CHAINS; i++)
            largest[i] = vec_max(largest[i], vec_load(score + j + i * VEC_FLOATS));
    }
    UNROLL
    for (int i = 1; i < CHAINS; i++)
        largest[0] = vec_max(largest[0], largest[i]);
    return largest[0];
}

/* Replaces n scores, a multiple of STEP, by 2^(score - shift), and sums them in each lane. */
static inline vec exponentiate(float *score, size_t n, float shift)
{
    vec sum[CHAINS], subtrahend = vec_set(shift);
    UNROLL
    for (int i = 0; i < CHAINS; i++)
        sum[i] = vec_set(0);
    for (size_t j = 0; j < n; j += STEP) {
        UNROLL
        for (int i = 0; i < CHAINS; i++) {
            vec weight = vec_exp2(vec_sub(vec_load(score + j + i * VEC_FLOATS), subtrahend));
            vec_store(score + j + i * VEC_FLOATS, weight);
            sum[i] = vec_add(sum[i], weight);
        }
    }
    UNROLL
    for (int i = 1; i < CHAINS; i++)
        sum[0] = vec_add(sum[0], sum[i]);
    return sum[0];
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

/* The scores of a region: products, biases, and nothing from keys that a query does not see. */
static void score(
    const struct vf_attention_f32 *op, const struct layout *layout, const struct region *at)
{
    float *scores = op->scratch + layout->scores;
    const float *keys = op->scratch + layout->keys;
    size_t ld = layout->ld_scores, n = at->end - at->begin;
    for (size_t key = at->begin; key < at->end; key += PANEL)
        find_tile(at->rows, round_up(smaller(op->n - key, PANEL)))(op->q + at->row * op->ldq,
            op->ldq, keys + key * op->head_size, op->head_size, keys, scores + key - at->begin, ld);
    for (size_t r = 0; r < at->rows; r++, scores += ld) {
        size_t row = at->row + r;
        size_t from = larger(vf_seen_from(op, row), at->begin) - at->begin;
        size_t to = larger(smaller(vf_seen_to(op, row), at->end), at->begin) - at->begin;
        if (op->bias)
            add_bias(scores, op->bias + (ptrdiff_t)row * op->ld_bias + at->begin, n);
        hide(scores, smaller(from, n), to, round_up_step(n));
    }
}

/* Turns the scores of a region into weights. Each step is taken for all rows before the next, so
 * that their latencies overlap. A shift is whole and at least the largest score of its row; it is
 * finite also when no score is. */
static void weigh(float *scores, size_t ld, const struct region *at, struct softmax *ret)
{
    size_t n = round_up_step(at->end - at->begin);
    vec lanes[TILE_ROWS];
    for (size_t r = 0; r < at->rows; r++)
        lanes[r] = largest_lanes(scores + r * ld, n);
    for (size_t r = 0; r < at->rows; r++)
        ret[r].shift = ceilf(vec_largest(lanes[r]));
    for (size_t r = 0; r < at->rows; r++)
        lanes[r] = exponentiate(scores + r * ld, n, ret[r].shift);
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
    const struct region *at, bool begin, struct softmax *softmax, float *sums)
{
    _Alignas(64) float more[TILE_ROWS * PANEL];
    float keep[TILE_ROWS], take[TILE_ROWS];
    struct softmax block[TILE_ROWS];
    float *weights = op->scratch + layout->scores;
    score(op, layout, at);
    weigh(weights, layout->ld_scores, at, begin ? softmax : block);
    if (!begin)
        join_softmax(softmax, block, at->rows, keep, take);
    for (size_t first = 0; first < op->head_size; first += PANEL) {
        size_t width = round_up(smaller(op->head_size - first, PANEL));
        const float *values = op->scratch + layout->values + first * op->n + at->begin * width;
        find_tile(at->rows, width)(weights, layout->ld_scores, values, at->end - at->begin, values,
            begin ? sums + first : more, begin ? layout->ld_sums : PANEL);
        if (!begin)
            join_rows(sums + first, layout->ld_sums, more, keep, take, at->rows, width);
    }
}

/* out = sums / total */
static void divide_row(const float *sums, float total, size_t columns, float *out)
{
    vec factor = vec_set(1 / total);
    size_t j = 0;
    for (; j + VEC_FLOATS <= columns; j += VEC_FLOATS)
        vec_store(out + j, vec_mul(vec_load(sums + j), factor));
    if (j < columns)
        vec_store_first(out + j, vec_mul(vec_load(sums + j), factor), columns - j);
}

/* What the keys of the block from `begin` on are to the queries of a tile, whose sums and softmax
 * are given. Keys that none of them sees are left out panel by panel, so that a key has the same
 * place in a sum whatever the tile. */
static void attend_block(const struct vf_attention_f32 *op, const struct layout *layout, size_t row,
    size_t rows, size_t begin, struct softmax *softmax, float *sums)
{
    size_t from = vf_seen_from(op, row) / PANEL * PANEL, to = vf_seen_to(op, row + rows - 1);
    struct region at = {row, rows, larger(from, begin), smaller(to, begin + layout->block)};
    if (at.begin >= at.end)
        return;
    attend(op, layout, &at, at.begin == from, softmax, sums);
    if (at.end < to)
        return;
    for (size_t r = 0; r < rows; r++)
        divide_row(sums + r * layout->ld_sums, softmax[r].total, op->head_size,
            op->out + (row + r) * op->ldo);
}

static void attend_group(
    const struct vf_attention_f32 *op, const struct layout *layout, size_t first, size_t n)
{
    struct softmax softmax[GROUP_ROWS];
    float *sums = op->scratch + layout->sums;
    size_t begin = vf_seen_from(op, first) / layout->block * layout->block;
    size_t end = vf_seen_to(op, first + n - 1);
    for (; begin < end; begin += layout->block)
        for (size_t row = 0, rows; row < n; row += rows) {
            rows = next_rows(n - row);
            attend_block(
                op, layout, first + row, rows, begin, softmax + row, sums + row * layout->ld_sums);
        }
}

static size_t scratch_floats(size_t n, size_t head_size)
{
    return lay_out(n, head_size).end;
}

static void attention(const struct vf_attention_f32 *op)
{
    struct layout layout = lay_out(op->n, op->head_size);
    pack_keys(op->k, op->ldkv, op->n, op->head_size, op->scratch + layout.keys);
    pack_values(op->v, op->ldkv, op->n, op->head_size, op->scratch + layout.values);
    for (size_t row = 0; row < op->m; row += GROUP_ROWS)
        attend_group(op, &layout, row, smaller(op->m - row, GROUP_ROWS));
}
