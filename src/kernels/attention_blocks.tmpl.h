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

#include "kernels/attention_softmax.tmpl.h"

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
