#include "encoder/forward.h"

#include <assert.h>
#include <string.h>

/* A text is not cut into spans shorter than this: below, the kernels run through the weights for
 * too few rows. */
enum { MIN_SPAN_ROWS = 32 };

/* What the spans of a layer have in common. */
struct pass {
    const struct vf_packed_network *packed;
    size_t number; /* of the layer */
    const struct vf_packed_layer *layer;
    const struct vf_attention_kind *attention;
    const float *turns;                  /* of this kind of attention; NULL: none */
    const struct vf_activations *shared; /* x, key_value and runs */
    size_t n_runs;
};

/* A matrix: rows, and the distance between them. */
struct rows {
    float *at;
    size_t ld;
};

static void apply(const struct pass *pass, const struct vf_activations *own,
    const struct vf_packed_linear *linear, enum vf_epilogue epilogue, struct rows in, size_t m,
    struct rows out)
{
    if (own->tap)
        vf_tap_record(own->tap, linear, in.at, in.ld, m);
    vf_packed_linear_apply(linear, &pass->packed->kernels, epilogue, in.at, in.ld, m, out.at,
        out.ld, own->linear_scratch);
}

static struct rows states(const struct pass *pass, size_t row)
{
    const struct vf_activations *shared = pass->shared;
    return (struct rows){shared->x + row * shared->ld_hidden, shared->ld_hidden};
}

/* What enters a sublayer: the states, or their norm, which is written to own->normed. */
static struct rows normed(const struct pass *pass, const struct vf_activations *own,
    const struct vf_norm_f32 *norm, struct rows x, size_t m)
{
    struct rows out = {own->normed, own->ld_hidden};
    if (norm->n == 0)
        return x;
    pass->packed->kernels.add_norm_f32(norm, x.at, x.ld, NULL, 0, m, out.at, out.ld);
    return out;
}

/* x = sum_norm(x + output_norm(update)), where there are such norms. */
static void add_update(const struct pass *pass, const struct vf_packed_norms *norms, struct rows x,
    struct rows update, size_t m)
{
    const struct vf_kernels *kernels = &pass->packed->kernels;
    if (norms->output.n > 0)
        kernels->add_norm_f32(
            &norms->output, update.at, update.ld, NULL, 0, m, update.at, update.ld);
    if (norms->sum.n > 0)
        kernels->add_norm_f32(&norms->sum, x.at, x.ld, update.at, update.ld, m, x.at, x.ld);
    else
        kernels->add_f32(x.at, x.ld, update.at, update.ld, m, pass->packed->network->hidden_size);
}

/* Normalises each of the heads that lie side by side in `x`. */
static void norm_heads(
    const struct pass *pass, const struct vf_norm_f32 *norm, size_t heads, struct rows x, size_t m)
{
    for (size_t head = 0; norm->n > 0 && head < heads; head++) {
        float *at = x.at + head * norm->n;
        pass->packed->kernels.add_norm_f32(norm, at, x.ld, NULL, 0, m, at, x.ld);
    }
}

/* Turns the heads of rows whose tokens have the positions from `position` on. */
static void rotate_heads(
    const struct pass *pass, size_t heads, size_t position, struct rows x, size_t m)
{
    size_t head_size = pass->packed->network->head_size;
    if (pass->turns)
        pass->packed->kernels.rotate_f32(
            pass->turns + position * head_size, head_size, head_size, heads, x.at, x.ld, m);
}

/* The part of a run that lies in the rows [row, row + m), as a run of its own; m == 0: none. */
static struct vf_query_run cut_run(const struct vf_query_run *run, size_t row, size_t m)
{
    size_t from = run->row > row ? run->row : row;
    size_t run_end = run->row + run->m, end = row + m;
    size_t to = run_end < end ? run_end : end;
    if (from >= to)
        return (struct vf_query_run){0};
    return (struct vf_query_run){.row = from,
        .m = to - from,
        .first = run->first + (from - run->row),
        .key = run->key,
        .n = run->n};
}

/* The same pass with the weights of the worker that computes a part of it. */
static struct pass near_pass(const struct vf_activations *own, const struct pass *pass)
{
    const struct vf_packed_network *packed = own->packed;
    size_t kind = packed->network->attention_of_layer[pass->number];
    return (struct pass){
        .packed = packed,
        .number = pass->number,
        .layer = &packed->layers[packed->network->layer_weights[pass->number]],
        .attention = &packed->network->attention[kind],
        .turns = packed->turns[kind],
        .shared = pass->shared,
        .n_runs = pass->n_runs,
    };
}

/* --- Keys and values -------------------------------------------------------------------------- */

static void compute_key_value(const void *work, struct vf_activations *own, size_t row, size_t m)
{
    const struct pass near = near_pass(own, work), *pass = &near;
    const struct vf_packed_layer *layer = pass->layer;
    const struct vf_activations *shared = pass->shared;
    size_t heads = pass->packed->network->kv_heads;
    struct rows out = {shared->key_value + row * shared->ld_key_value, shared->ld_key_value};
    struct rows in = normed(pass, own, &layer->attention_norms.input, states(pass, row), m);
    apply(pass, own, &layer->key_value, VF_EPILOGUE_NONE, in, m, out);
    norm_heads(pass, &layer->key_norm, heads, out, m);
    for (size_t i = 0; i < pass->n_runs; i++) {
        struct vf_query_run run = cut_run(&shared->runs[i], row, m);
        if (run.m > 0)
            rotate_heads(pass, heads, run.first,
                (struct rows){out.at + (run.row - row) * out.ld, out.ld}, run.m);
    }
}

/* --- Attention -------------------------------------------------------------------------------- */

/* One head's biases, for queries and keys that are filled in already; leaves none where the network
 * has none. */
static void set_bias(const struct pass *pass, const struct vf_activations *own, size_t head,
    struct vf_attention_f32 *op)
{
    const struct vf_relative_scores *relative = &pass->packed->relative;
    size_t last = relative->max_tokens - 1;
    if (relative->bias) {
        op->bias = relative->bias + head * (2 * last + 1) + last - op->first;
        op->ld_bias = -1;
    } else if (relative->buckets) {
        vf_distance_bias(relative, &pass->layer->distances, head, &pass->packed->kernels,
            &(struct vf_distance_operands){
                op->q, op->ldq, op->first, op->m, op->k, op->ldkv, op->n},
            own->bias_scratch);
        op->bias = own->bias_scratch;
        op->ld_bias = (ptrdiff_t)op->n;
    }
}

/* context = attention of every head for the queries of a run. Row 0 of own->query and own->context
 * is row `row` of the states. */
static void attend(const struct pass *pass, const struct vf_activations *own,
    const struct vf_query_run *run, size_t row)
{
    const struct vf_network *network = pass->packed->network;
    size_t size = network->head_size, offset = (run->row - row) * own->ld_query;
    const float *key = pass->shared->key_value + run->key * pass->shared->ld_key_value;
    for (size_t head = 0; head < network->heads; head++) {
        size_t kv_head = head * network->kv_heads / network->heads;
        struct vf_attention_f32 op = {
            .m = run->m,
            .n = run->n,
            .head_size = size,
            .first = run->first,
            .before = pass->attention->before,
            .after = pass->attention->after,
            .q = own->query + offset + head * size,
            .ldq = own->ld_query,
            .k = key + kv_head * size,
            .v = key + (network->kv_heads + kv_head) * size,
            .ldkv = pass->shared->ld_key_value,
            .out = own->context + offset + head * size,
            .ldo = own->ld_query,
            .scratch = own->attention_scratch,
        };
        set_bias(pass, own, head, &op);
        pass->packed->attend(&op);
    }
}

/* own->context = attention of the rows [row, row + m). */
static void compute_context(
    const struct pass *pass, struct vf_activations *own, size_t row, size_t m)
{
    const struct vf_packed_layer *layer = pass->layer;
    size_t heads = pass->packed->network->heads;
    struct rows query = {own->query, own->ld_query};
    struct rows in = normed(pass, own, &layer->attention_norms.input, states(pass, row), m);
    apply(pass, own, &layer->query, VF_EPILOGUE_NONE, in, m, query);
    norm_heads(pass, &layer->query_norm, heads, query, m);
    for (size_t i = 0; i < pass->n_runs; i++) {
        struct vf_query_run run = cut_run(&pass->shared->runs[i], row, m);
        if (run.m == 0)
            continue;
        rotate_heads(pass, heads, run.first,
            (struct rows){query.at + (run.row - row) * query.ld, query.ld}, run.m);
        attend(pass, own, &run, row);
    }
}

/* --- The rest of a layer ---------------------------------------------------------------------- */

/* What follows attention, for a block of m rows: both halves of a layer end with x changed. */
static void finish_block(const struct pass *pass, const struct vf_activations *own,
    struct rows context, struct rows x, size_t m)
{
    const struct vf_packed_network *packed = pass->packed;
    const struct vf_packed_layer *layer = pass->layer;
    bool gated = packed->network->gated;
    struct rows update = {own->update, own->ld_hidden}, inner = {own->inner, own->ld_inner};
    apply(pass, own, &layer->attention_output, VF_EPILOGUE_NONE, context, m, update);
    add_update(pass, &layer->attention_norms, x, update, m);
    struct rows in = normed(pass, own, &layer->ffn_norms.input, x, m);
    apply(
        pass, own, &layer->ffn_input, gated ? VF_EPILOGUE_NONE : packed->activation, in, m, inner);
    if (gated)
        packed->kernels.gate_f32(
            packed->activation, inner.at, inner.ld, m, packed->network->intermediate_size);
    apply(pass, own, &layer->ffn_output, VF_EPILOGUE_NONE, inner, m, update);
    add_update(pass, &layer->ffn_norms, x, update, m);
}

/* Pieces of equal size, so that none is too small for the kernels. */
static size_t even_length(size_t rows, size_t most)
{
    size_t pieces = (rows + most - 1) / most;
    return (rows + pieces - 1) / pieces;
}

static void compute_states(const void *work, struct vf_activations *own, size_t row, size_t m)
{
    const struct pass near = near_pass(own, work), *pass = &near;
    size_t block = even_length(m, VF_BLOCK_ROWS);
    compute_context(pass, own, row, m);
    for (size_t i = 0; i < m; i += block)
        finish_block(pass, own, (struct rows){own->context + i * own->ld_query, own->ld_query},
            states(pass, row + i), m - i < block ? m - i : block);
}

/* --- The whole -------------------------------------------------------------------------------- */

/* Runs `span` over rows, shared with the team where they are one text's. */
static void run_spans(const struct pass *pass, struct vf_activations *own, struct vf_team *team,
    vf_span_fn *span, size_t rows)
{
    size_t most = VF_GROUP_TOKENS;
    unsigned width = pass->n_runs == 1 && rows >= 2 * MIN_SPAN_ROWS ? vf_team_width(team) : 1;
    if (width > 1 && rows / width < most)
        most = rows / width > MIN_SPAN_ROWS ? rows / width : MIN_SPAN_ROWS;
    size_t length = even_length(rows, most);
    if (length == rows)
        span(pass, own, 0, rows);
    else
        vf_team_run(team, own, span, pass, rows, length);
}

/* Leaves of each text the query of the token that the head reads, and its state in the row of the
 * text's number. Returns the number of rows that are left: all of them when it reads all tokens. */
static size_t keep_rows_of_head(
    const struct pass *pass, const struct vf_sequence_ref *sequences, size_t rows)
{
    const struct vf_packed_network *packed = pass->packed;
    for (size_t i = 0; i < pass->n_runs; i++) {
        struct vf_query_run *run = &pass->shared->runs[i];
        size_t position;
        if (!vf_head_reads_one_token(&packed->head, run->n, sequences[i].skip, &position))
            return rows;
        memmove(states(pass, i).at, states(pass, run->row + position).at,
            packed->network->hidden_size * sizeof(float));
        *run = (struct vf_query_run){
            .row = i, .m = 1, .first = position, .key = run->key, .n = run->n};
    }
    return pass->n_runs;
}

/* Writes the states that enter the first layer, and the runs. Returns the number of rows. */
static size_t embed(struct vf_activations *own, const struct vf_sequence_ref *sequences, size_t n)
{
    const struct vf_packed_network *packed = own->packed;
    const struct vf_embeddings *embeddings = &packed->embeddings;
    const struct pass pass = {.packed = packed, .shared = own};
    bool projects = embeddings->projection.n > 0;
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        size_t position = vf_embeddings_first_position(embeddings), tokens = sequences[i].n;
        own->runs[i] = (struct vf_query_run){.row = rows, .m = tokens, .key = rows, .n = tokens};
        for (size_t j = 0, m; j < tokens; j += m, rows += m) {
            m = tokens - j < VF_GROUP_TOKENS ? tokens - j : VF_GROUP_TOKENS;
            struct rows x = states(&pass, rows);
            struct rows out = projects ? (struct rows){own->embedded, own->ld_embedded} : x;
            vf_embed_tokens(
                embeddings, &packed->kernels, sequences[i].ids + j, m, &position, out.at, out.ld);
            if (projects)
                apply(&pass, own, &embeddings->projection, VF_EPILOGUE_NONE, out, m, x);
        }
    }
    return rows;
}

/* Runs all layers on `rows` rows, and returns how many of them are left. */
static size_t run_layers(struct vf_activations *own, struct vf_team *team,
    const struct vf_sequence_ref *sequences, size_t n, size_t rows)
{
    const struct vf_network *network = own->packed->network;
    for (size_t i = 0; i < network->layers; i++) {
        const struct pass pass =
            near_pass(own, &(struct pass){.number = i, .shared = own, .n_runs = n});
        run_spans(&pass, own, team, compute_key_value, rows);
        if (i + 1 == network->layers)
            rows = keep_rows_of_head(&pass, sequences, rows);
        run_spans(&pass, own, team, compute_states, rows);
    }
    return rows;
}

void vf_forward(struct vf_activations *activations, struct vf_team *team,
    const struct vf_sequence_ref *sequences, size_t n)
{
    const struct vf_packed_network *packed = activations->packed;
    size_t ld = activations->ld_hidden;
    float *x = activations->x;
    size_t rows = embed(activations, sequences, n);
    assert(n == 1 ? rows <= packed->max_tokens : rows <= VF_GROUP_TOKENS);
    rows = run_layers(activations, team, sequences, n, rows);
    if (packed->final_norm.n > 0)
        packed->kernels.add_norm_f32(&packed->final_norm, x, ld, NULL, 0, rows, x, ld);
    for (size_t i = 0; i < n; i++) {
        const struct vf_query_run *run = &activations->runs[i];
        size_t skip = run->m == run->n ? sequences[i].skip : 0;
        vf_head_apply(&packed->head, &packed->kernels, x + run->row * ld, ld, run->m, skip,
            activations->head_scratch, sequences[i].vector);
    }
}
