#include "encoder/bert.h"

#include "base/checked.h"

#include <assert.h>
#include <string.h>

/* Rows that go through a layer's second half at a time: their inner states should stay in the
 * second-level cache. */
enum { BLOCK_ROWS = 128 };

/* The distance of rows of n floats: an odd number of cache lines, so that rows beneath each other
 * do not compete for the same cache sets. */
static size_t row_stride(size_t n, struct vf_arena *arena)
{
    const size_t line = VF_ARENA_ALIGNMENT / sizeof(float);
    size_t padded = 0;
    if (!vf_size_round_up(n, line, &padded))
        arena->impossible = true;
    return padded | line;
}

static float *take_floats(struct vf_arena *arena, size_t rows, size_t columns)
{
    return vf_arena_take(arena, rows, columns, sizeof(float));
}

/* Floats of scratch for the linear maps of a model. */
static size_t linear_scratch(const struct vf_bert *bert)
{
    const struct vf_packed_layer *layer = &bert->layers[0];
    size_t wide = vf_packed_linear_scratch(&layer->qkv, &bert->kernels);
    size_t narrow = vf_packed_linear_scratch(&layer->output, &bert->kernels);
    return wide > narrow ? wide : narrow;
}

static void place_state(struct vf_bert_state *state, const struct vf_bert *bert)
{
    const struct vf_network *config = &bert->config->network;
    struct vf_arena *arena = &state->arena;
    size_t hidden = config->hidden_size, qkv = 0, scratch;
    size_t rows = bert->max_tokens > VF_GROUP_TOKENS ? bert->max_tokens : VF_GROUP_TOKENS;
    if (!vf_size_mul(hidden, 3, &qkv))
        arena->impossible = true;
    scratch = bert->kernels.attention_scratch_f32(bert->max_tokens, hidden / config->heads);
    state->ld_hidden = row_stride(hidden, arena);
    state->ld_qkv = row_stride(qkv, arena);
    state->ld_inner = row_stride(config->intermediate_size, arena);

    state->x = take_floats(arena, rows, state->ld_hidden);
    state->context = take_floats(arena, rows, state->ld_hidden);
    state->linear_scratch = take_floats(arena, 1, linear_scratch(bert));
    size_t phase = arena->end;
    state->qkv = take_floats(arena, rows, state->ld_qkv);
    state->scratch = take_floats(arena, 1, scratch);
    arena->end = phase;
    state->head_scratch = take_floats(arena, 1, vf_head_scratch(&bert->head));
    arena->end = phase;
    state->update = take_floats(arena, BLOCK_ROWS, state->ld_hidden);
    state->inner = take_floats(arena, BLOCK_ROWS, state->ld_inner);
}

int vf_bert_state_init(struct vf_bert_state *state, const struct vf_bert *bert, struct vf_err *err)
{
    *state = (struct vf_bert_state){0};
    place_state(state, bert);
    int rc = vf_arena_allocate(&state->arena, "activations", err);
    if (rc)
        *state = (struct vf_bert_state){0};
    else
        place_state(state, bert);
    return rc;
}

void vf_bert_state_release(struct vf_bert_state *state)
{
    vf_arena_release(&state->arena);
    *state = (struct vf_bert_state){0};
}

/* Writes the embeddings of all tokens to x, and returns their number. */
static size_t embed(const struct vf_bert *bert, struct vf_bert_state *state,
    const struct vf_sequence_ref *sequences, size_t n)
{
    size_t ld = state->ld_hidden, rows = 0;
    for (size_t i = 0; i < n; i++) {
        float *x = state->x + rows * ld;
        for (size_t j = 0; j < sequences[i].n; j++)
            vf_tensor_read_row(&bert->words, (size_t)sequences[i].ids[j], x + j * ld);
        bert->kernels.add_norm_f32(&bert->embeddings_norm, x, ld, bert->positions,
            bert->config->network.hidden_size, sequences[i].n, x, ld);
        rows += sequences[i].n;
    }
    return rows;
}

/* context = attention of every head over one sequence, whose first row is `row`. */
static void attend(const struct vf_bert *bert, struct vf_bert_state *state, size_t row, size_t n)
{
    size_t hidden = bert->config->network.hidden_size,
           head_size = hidden / bert->config->network.heads;
    const float *qkv = state->qkv + row * state->ld_qkv;
    float *context = state->context + row * state->ld_hidden;
    for (size_t first = 0; first < hidden; first += head_size)
        bert->kernels.attention_f32(&(struct vf_attention_f32){
            .m = n,
            .n = n,
            .head_size = head_size,
            .before = SIZE_MAX,
            .after = SIZE_MAX,
            .q = qkv + first,
            .ldq = state->ld_qkv,
            .k = qkv + hidden + first,
            .v = qkv + 2 * hidden + first,
            .ldkv = state->ld_qkv,
            .out = context + first,
            .ldo = state->ld_hidden,
            .scratch = state->scratch,
        });
}

static void apply(const struct vf_bert *bert, const struct vf_bert_state *state,
    const struct vf_packed_linear *linear, enum vf_epilogue epilogue, const float *a, size_t lda,
    size_t m, float *c, size_t ldc)
{
    vf_packed_linear_apply(
        linear, &bert->kernels, epilogue, a, lda, m, c, ldc, state->linear_scratch);
}

/* What follows attention, for `m` rows from `row` on: both halves of a layer end with x changed. */
static void feed_forward(const struct vf_bert *bert, const struct vf_packed_layer *layer,
    struct vf_bert_state *state, size_t row, size_t m)
{
    const struct vf_kernels *kernels = &bert->kernels;
    size_t ld = state->ld_hidden;
    float *x = state->x + row * ld;
    apply(bert, state, &layer->attention_output, VF_EPILOGUE_NONE, state->context + row * ld, ld, m,
        state->update, ld);
    kernels->add_norm_f32(&layer->attention_norm, x, ld, state->update, ld, m, x, ld);
    apply(bert, state, &layer->intermediate, bert->activation, x, ld, m, state->inner,
        state->ld_inner);
    apply(bert, state, &layer->output, VF_EPILOGUE_NONE, state->inner, state->ld_inner, m,
        state->update, ld);
    kernels->add_norm_f32(&layer->output_norm, x, ld, state->update, ld, m, x, ld);
}

static void run_layer(const struct vf_bert *bert, const struct vf_packed_layer *layer,
    struct vf_bert_state *state, const struct vf_sequence_ref *sequences, size_t n, size_t rows)
{
    /* Blocks of equal size, so that none is too small for the kernels. */
    size_t blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS, block = (rows + blocks - 1) / blocks;
    apply(bert, state, &layer->qkv, VF_EPILOGUE_NONE, state->x, state->ld_hidden, rows, state->qkv,
        state->ld_qkv);
    for (size_t i = 0, row = 0; i < n; row += sequences[i++].n)
        attend(bert, state, row, sequences[i].n);
    for (size_t row = 0; row < rows; row += block)
        feed_forward(bert, layer, state, row, rows - row < block ? rows - row : block);
}

void vf_bert_forward(const struct vf_bert *bert, struct vf_bert_state *state,
    const struct vf_sequence_ref *sequences, size_t n)
{
    size_t rows = embed(bert, state, sequences, n);
    assert(n == 1 ? rows <= bert->max_tokens : rows <= VF_GROUP_TOKENS);
    for (size_t i = 0; i < bert->config->network.layers; i++)
        run_layer(bert, &bert->layers[i], state, sequences, n, rows);
    for (size_t i = 0, row = 0; i < n; row += sequences[i++].n)
        vf_head_apply(&bert->head, &bert->kernels, state->x + row * state->ld_hidden,
            state->ld_hidden, sequences[i].n, sequences[i].skip, state->head_scratch,
            sequences[i].vector);
}
