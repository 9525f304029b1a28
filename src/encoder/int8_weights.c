#include "encoder/int8_weights.h"

#include "cpu/cpu.h"
#include "encoder/calibration.h"
#include "encoder/int8_rounding.h"
#include "encoder/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* What the rounding threads share. */
struct rounding {
    const struct vf_linear_source *sources;
    const struct vf_calibration *calibration;
    struct vf_int8_weights *weights;
    char *scratch; /* per thread */
    size_t scratch_bytes;
    atomic_size_t next; /* map; then block, counted through all maps */
    pthread_mutex_t lock;
    int rc;             /* under lock: of the first block that failed */
    struct vf_err *err; /* under lock */
};

static void place(struct vf_int8_weights *weights)
{
    for (size_t i = 0; i < weights->n; i++) {
        struct vf_int8_linear *linear = &weights->linears[i];
        linear->weights = vf_arena_take(&weights->arena, linear->n, linear->k, 1);
        linear->scales = vf_arena_take(&weights->arena, 1, linear->n, sizeof(float));
        linear->factors = vf_arena_take(&weights->arena, 1, linear->k, sizeof(float));
    }
}

int vf_int8_weights_init(
    struct vf_int8_weights *ret, const struct vf_int8_linear *shapes, size_t n, struct vf_err *err)
{
    int rc = 0;
    struct vf_int8_weights weights = {.n = n, .linears = calloc(n, sizeof(*shapes))};
    if (!weights.linears)
        return vf_fail_memory(err, "rounded weights");
    for (size_t i = 0; i < n; i++)
        weights.linears[i] = (struct vf_int8_linear){.n = shapes[i].n, .k = shapes[i].k};
    place(&weights);
    VF_TRY(vf_arena_allocate(&weights.arena, "rounded weights", err));
    place(&weights);
    *ret = weights;
    weights = (struct vf_int8_weights){0};
out:
    vf_int8_weights_release(&weights);
    return rc;
}

void vf_int8_weights_release(struct vf_int8_weights *weights)
{
    vf_arena_release(&weights->arena);
    free(weights->linears);
    *weights = (struct vf_int8_weights){0};
}

static void scale_linears(void *arg, unsigned index)
{
    struct rounding *rounding = arg;
    float *row = (float *)(void *)(rounding->scratch + index * rounding->scratch_bytes);
    for (size_t i; (i = atomic_fetch_add(&rounding->next, 1)) < rounding->weights->n;)
        vf_int8_scale(&rounding->sources[i], &rounding->calibration->inputs[i], row,
            &rounding->weights->linears[i]);
}

static void round_block(struct rounding *rounding, size_t linear, size_t block, void *scratch)
{
    struct vf_err err;
    int rc = vf_int8_round_block(&rounding->sources[linear], &rounding->calibration->inputs[linear],
        block, scratch, &rounding->weights->linears[linear], &err);
    if (rc == 0)
        return;
    pthread_mutex_lock(&rounding->lock);
    if (rounding->rc == 0 && rounding->err)
        *rounding->err = err;
    rounding->rc = rc;
    pthread_mutex_unlock(&rounding->lock);
}

static void round_blocks(void *arg, unsigned index)
{
    struct rounding *rounding = arg;
    char *scratch = rounding->scratch + index * rounding->scratch_bytes;
    size_t block = atomic_fetch_add(&rounding->next, 1), first = 0;
    for (size_t i = 0; i < rounding->weights->n; i++) {
        size_t end = first + rounding->calibration->inputs[i].blocks;
        for (; block < end; block = atomic_fetch_add(&rounding->next, 1))
            round_block(rounding, i, block - first, scratch);
        first = end;
    }
}

/* Rounds all maps into weights->linears. */
static int round_linears(const struct vf_packed_network *network,
    const struct vf_calibration *calibration, unsigned threads, struct vf_int8_weights *weights,
    struct vf_err *err)
{
    int rc = 0;
    struct vf_arena arena = {0};
    struct rounding rounding = {.sources = network->sources,
        .calibration = calibration,
        .weights = weights,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .err = err};
    for (size_t i = 0; i < weights->n; i++) {
        size_t bytes = vf_int8_scratch_bytes(weights->linears[i].k);
        rounding.scratch_bytes = bytes > rounding.scratch_bytes ? bytes : rounding.scratch_bytes;
    }
    vf_arena_take(&arena, threads, rounding.scratch_bytes, 1);
    VF_TRY(vf_arena_allocate(&arena, "rounding weights", err));
    rounding.scratch = vf_arena_take(&arena, threads, rounding.scratch_bytes, 1);
    VF_TRY(vf_parallel(threads, scale_linears, &rounding, err));
    atomic_store(&rounding.next, 0);
    VF_TRY(vf_parallel(threads, round_blocks, &rounding, err));
    VF_TRY(rounding.rc);
out:
    vf_arena_release(&arena);
    return rc;
}

static int init_like(
    struct vf_int8_weights *ret, const struct vf_packed_network *network, struct vf_err *err)
{
    struct vf_int8_linear *shapes = calloc(network->n_linears, sizeof(*shapes));
    if (!shapes)
        return vf_fail_memory(err, "rounded weights");
    for (size_t i = 0; i < network->n_linears; i++) {
        shapes[i].n = network->sources[i].linear->n;
        shapes[i].k = network->sources[i].linear->k;
    }
    int rc = vf_int8_weights_init(ret, shapes, network->n_linears, err);
    free(shapes);
    return rc;
}

int vf_int8_weights_make(const struct vf_model *model, const struct vf_sequence_ref *texts,
    size_t n_texts, unsigned threads, struct vf_int8_weights *ret, struct vf_err *err)
{
    int rc = 0;
    size_t positions = vf_model_config(model)->network.max_positions;
    const struct vf_encoder_options options = {
        .threads = threads,
        .precision = VF_PRECISION_FP32,
        .max_tokens = positions < VF_CALIBRATION_TOKENS ? positions : VF_CALIBRATION_TOKENS,
    };
    unsigned flags;
    struct vf_kernels kernels;
    struct vf_packed_network network = {0};
    struct vf_calibration calibration = {0};
    struct vf_int8_weights weights = {0};
    VF_TRY(vf_cpu_flags(NULL, &flags, err));
    vf_kernels_init_portable(&kernels, flags);
    VF_TRY(vf_packed_network_init(&network, model, &kernels, &options, err));
    VF_TRY(vf_calibrate(&network, texts, n_texts, threads, &calibration, err));
    VF_TRY(init_like(&weights, &network, err));
    VF_TRY(round_linears(&network, &calibration, threads, &weights, err));
    *ret = weights;
    weights = (struct vf_int8_weights){0};
out:
    vf_int8_weights_release(&weights);
    vf_calibration_release(&calibration);
    vf_packed_network_release(&network);
    return rc;
}
