#include "encoder/calibration.h"

#include "base/checked.h"
#include "encoder/parallel.h"
#include "encoder/tap.h"
#include "encoder/team.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Memory for recorded inputs, which bounds the number of threads, though not below one. */
static const size_t TAPS_MAX_BYTES = (size_t)1 << 30;

/* A thread and the sequence that it has just encoded. */
struct recorder {
    struct vf_activations activations;
    struct vf_team team; /* nobody else */
    struct vf_tap tap;
    float *vector;
    float *panel, *sums; /* of add_products() */
};

struct run {
    const struct vf_packed_network *network;
    struct vf_calibration *calibration;
    const struct vf_sequence_ref *sequences; /* of this round */
    unsigned n_recorders;
    unsigned active; /* recorders that have a sequence in this round */
    struct recorder *recorders;
    float *no_bias;        /* zeros, for a panel */
    struct vf_arena arena; /* the memory of the recorders */
    atomic_size_t next;    /* panel of products, counted through all maps and blocks */
};

static size_t divide_up(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

static void place_statistics(
    struct vf_calibration *calibration, const struct vf_packed_network *network)
{
    for (size_t i = 0; i < calibration->n; i++) {
        struct vf_input_statistics *inputs = &calibration->inputs[i];
        size_t k = network->sources[i].linear->k, blocks = divide_up(k, VF_INPUT_BLOCK_MAX);
        size_t block = divide_up(k, blocks);
        *inputs = (struct vf_input_statistics){
            .k = k,
            .block = block,
            .blocks = blocks,
            .largest = vf_arena_take(&calibration->arena, 1, k, sizeof(float)),
            .products = vf_arena_take(&calibration->arena, blocks, block * block, sizeof(float)),
        };
        if (inputs->largest) {
            memset(inputs->largest, 0, k * sizeof(float));
            memset(inputs->products, 0, blocks * block * block * sizeof(float));
        }
    }
}

static int init_calibration(
    struct vf_calibration *calibration, const struct vf_packed_network *network, struct vf_err *err)
{
    calibration->n = network->n_linears;
    calibration->inputs = calloc(calibration->n, sizeof(*calibration->inputs));
    if (!calibration->inputs)
        return vf_fail_memory(err, "the calibration");
    place_statistics(calibration, network);
    int rc = vf_arena_allocate(&calibration->arena, "the calibration", err);
    if (rc == 0)
        place_statistics(calibration, network);
    return rc;
}

void vf_calibration_release(struct vf_calibration *calibration)
{
    vf_arena_release(&calibration->arena);
    free(calibration->inputs);
    *calibration = (struct vf_calibration){0};
}

/* Encodes one sequence and records the inputs of all maps. */
static void encode(void *arg, unsigned index)
{
    struct run *run = arg;
    struct recorder *recorder = &run->recorders[index];
    struct vf_sequence_ref sequence = run->sequences[index];
    sequence.vector = recorder->vector;
    if (sequence.n > run->network->max_tokens)
        sequence.n = run->network->max_tokens;
    memset(recorder->tap.rows, 0, recorder->tap.n * sizeof(*recorder->tap.rows));
    vf_forward(&recorder->activations, &recorder->team, &sequence, 1);
}

/* Adds the products of the inputs [first, first + count) of a block with those up to them. */
static void add_products(const struct run *run, const struct recorder *own, size_t linear,
    size_t block, size_t first, size_t count)
{
    const struct vf_kernels *kernels = &run->network->kernels;
    struct vf_input_statistics *inputs = &run->calibration->inputs[linear];
    float *products = inputs->products + block * inputs->block * inputs->block;
    for (unsigned t = 0; t < run->active; t++) {
        const struct vf_tap *tap = &run->recorders[t].tap;
        size_t ld = tap->max_rows, tokens = tap->rows[linear], rows = first + count;
        const float *x = tap->inputs[linear] + block * inputs->block * ld;
        if (tokens == 0)
            continue;
        kernels->pack_panel_f32(x + first * ld, ld, count, tokens, own->panel);
        kernels->linear_f32(&(struct vf_linear_f32){count, tokens, own->panel, run->no_bias},
            VF_EPILOGUE_NONE, x, ld, rows, own->sums, count);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < count; j++)
                products[i * inputs->block + first + j] += own->sums[i * count + j];
    }
}

static void update_largest(
    const struct run *run, size_t linear, size_t block, size_t first, size_t count)
{
    struct vf_input_statistics *inputs = &run->calibration->inputs[linear];
    for (unsigned t = 0; t < run->active; t++) {
        const struct vf_tap *tap = &run->recorders[t].tap;
        for (size_t i = block * inputs->block + first, end = i + count; i < end; i++)
            for (size_t r = 0; r < tap->rows[linear]; r++) {
                float size = fabsf(tap->inputs[linear][i * tap->max_rows + r]);
                if (size > inputs->largest[i])
                    inputs->largest[i] = size;
            }
    }
}

/* Adds this round's inputs to the statistics, panel by panel. */
static void add_inputs(void *arg, unsigned index)
{
    struct run *run = arg;
    size_t columns = run->network->kernels.panel_columns, panel = atomic_fetch_add(&run->next, 1);
    size_t before = 0;
    for (size_t i = 0; i < run->calibration->n; i++) {
        const struct vf_input_statistics *inputs = &run->calibration->inputs[i];
        for (size_t b = 0; b < inputs->blocks; b++) {
            size_t left = inputs->k - b * inputs->block;
            size_t size = left < inputs->block ? left : inputs->block;
            size_t end = before + divide_up(size, columns);
            for (; panel < end; panel = atomic_fetch_add(&run->next, 1)) {
                size_t first = (panel - before) * columns;
                size_t count = size - first < columns ? size - first : columns;
                add_products(run, &run->recorders[index], i, b, first, count);
                update_largest(run, i, b, first, count);
            }
            before = end;
        }
    }
}

static void place_recorder(struct run *run, struct recorder *recorder)
{
    const struct vf_packed_network *network = run->network;
    struct vf_arena *arena = &run->arena;
    struct vf_tap *tap = &recorder->tap;
    size_t columns = network->kernels.panel_columns;
    /* Layers may share their maps. */
    size_t uses = network->network->layers - network->network->distinct_layers + 1;
    *tap = (struct vf_tap){
        .sources = network->sources,
        .n = network->n_linears,
        .max_rows = network->max_tokens * uses,
        .rows = vf_arena_take(arena, 1, network->n_linears, sizeof(*tap->rows)),
        .inputs = vf_arena_take(arena, 1, network->n_linears, sizeof(*tap->inputs)),
    };
    for (size_t i = 0; i < network->n_linears; i++) {
        float *inputs =
            vf_arena_take(arena, network->sources[i].linear->k, tap->max_rows, sizeof(float));
        if (tap->inputs)
            tap->inputs[i] = inputs;
    }
    recorder->vector = vf_arena_take(arena, 1, network->head.dimensions, sizeof(float));
    recorder->panel = vf_arena_take(arena, columns, tap->max_rows, sizeof(float));
    recorder->sums = vf_arena_take(arena, columns, VF_INPUT_BLOCK_MAX, sizeof(float));
}

static void place_recorders(struct run *run)
{
    size_t columns = run->network->kernels.panel_columns;
    run->no_bias = vf_arena_take(&run->arena, 1, columns, sizeof(float));
    if (run->no_bias)
        memset(run->no_bias, 0, columns * sizeof(float));
    for (unsigned t = 0; t < run->n_recorders; t++)
        place_recorder(run, &run->recorders[t]);
}

/* Starts as many recorders as there are threads, unless that took too much memory. */
static int init_recorders(struct run *run, unsigned threads, struct vf_err *err)
{
    int rc = 0;
    run->recorders = calloc(threads, sizeof(*run->recorders));
    if (!run->recorders)
        return vf_fail_memory(err, "the calibration");
    run->n_recorders = 1;
    place_recorders(run);
    size_t bytes = run->arena.bytes ? run->arena.bytes : 1, fit = TAPS_MAX_BYTES / bytes;
    run->n_recorders = fit < 1 ? 1 : fit < threads ? (unsigned)fit : threads;
    run->arena = (struct vf_arena){0};
    place_recorders(run);
    VF_TRY(vf_arena_allocate(&run->arena, "the calibration", err));
    place_recorders(run);
    for (unsigned t = 0; t < run->n_recorders; t++) {
        VF_TRY(vf_activations_init(&run->recorders[t].activations, run->network, err));
        vf_team_init(&run->recorders[t].team);
        run->recorders[t].activations.tap = &run->recorders[t].tap;
    }
out:
    return rc;
}

static void release_recorders(struct run *run)
{
    for (unsigned t = 0; run->recorders && t < run->n_recorders; t++) {
        if (run->recorders[t].activations.tap)
            vf_team_release(&run->recorders[t].team);
        vf_activations_release(&run->recorders[t].activations);
    }
    free(run->recorders);
    vf_arena_release(&run->arena);
}

int vf_calibrate(const struct vf_packed_network *network, const struct vf_sequence_ref *sequences,
    size_t n, unsigned threads, struct vf_calibration *ret, struct vf_err *err)
{
    int rc = 0;
    struct vf_calibration calibration = {0};
    struct run run = {.network = network, .calibration = &calibration};
    VF_TRY(init_calibration(&calibration, network, err));
    VF_TRY(init_recorders(&run, threads, err));
    for (size_t i = 0; i < n; i += run.active) {
        run.sequences = sequences + i;
        run.active = n - i < run.n_recorders ? (unsigned)(n - i) : run.n_recorders;
        atomic_store(&run.next, 0);
        VF_TRY(vf_parallel(run.active, encode, &run, err));
        VF_TRY(vf_parallel(run.n_recorders, add_inputs, &run, err));
    }
    *ret = calibration;
    calibration = (struct vf_calibration){0};
out:
    release_recorders(&run);
    vf_calibration_release(&calibration);
    return rc;
}
