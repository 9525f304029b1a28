#include "encoder/encoder.h"

#include "cpu/cpu.h"
#include "encoder/forward.h"
#include "encoder/parallel.h"
#include "encoder/replicas.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* More workers than this are a mistake, not a machine. */
enum { MAX_THREADS = 1024 };

/* A group is not made smaller than this to give every worker something: below, the kernels run
 * through the weights for too few rows. */
enum { MIN_GROUP_TOKENS = 32 };

/* One vf_encoder_run(), on its caller's stack. Everything but `sequences` and `budget`, which do
 * not change, is under the encoder's lock. */
struct call {
    struct vf_sequence_ref *sequences; /* longest first */
    size_t budget;                     /* tokens of a group of more than one sequence */
    size_t n, taken, finished;
    pthread_cond_t done;
    struct call *next;
};

struct worker {
    pthread_t thread;
    struct vf_encoder *encoder;
    const struct vf_replica *replica;
    struct vf_activations activations; /* this worker's thread only */
};

struct vf_encoder {
    struct vf_replicas replicas; /* immutable */
    struct vf_team team;         /* with the lock */
    struct call *head, **tail;   /* under lock: calls with sequences left to take */
    bool stop;                   /* under lock */
    unsigned n_workers;          /* started */
    struct worker *workers;
};

/* All replicas are alike. */
static const struct vf_packed_network *network_of(const struct vf_encoder *encoder)
{
    return &encoder->workers[0].replica->network;
}

/* Takes the next group of the first call, under the lock. */
static const struct vf_sequence_ref *take_group(
    struct vf_encoder *encoder, struct call **ret_call, size_t *ret_n)
{
    struct call *call = encoder->head;
    const struct vf_sequence_ref *group = call->sequences + call->taken;
    size_t n = 1, left = call->n - call->taken, tokens = group[0].n;
    while (n < left && tokens + group[n].n <= call->budget)
        tokens += group[n++].n;
    call->taken += n;
    if (n == left) {
        encoder->head = call->next;
        if (!encoder->head)
            encoder->tail = &encoder->head;
    }
    *ret_call = call;
    *ret_n = n;
    return group;
}

/* Computes a group of the first call, under the lock, which is released meanwhile. */
static void run_group(struct worker *worker)
{
    struct vf_encoder *encoder = worker->encoder;
    struct call *call;
    size_t n;
    const struct vf_sequence_ref *group = take_group(encoder, &call, &n);
    pthread_mutex_unlock(&encoder->team.lock);
    vf_forward(&worker->activations, &encoder->team, group, n);
    pthread_mutex_lock(&encoder->team.lock);
    call->finished += n;
    if (call->finished == call->n)
        pthread_cond_signal(&call->done);
}

/* Texts that nobody has begun come before those that others work on. */
static void *work(void *arg)
{
    struct worker *worker = arg;
    struct vf_encoder *encoder = worker->encoder;
    vf_replica_enter(worker->replica);
    pthread_mutex_lock(&encoder->team.lock);
    while (!encoder->stop) {
        if (encoder->head)
            run_group(worker);
        else if (encoder->team.loops)
            vf_team_help(&encoder->team, &worker->activations);
        else
            vf_team_wait(&encoder->team);
    }
    pthread_mutex_unlock(&encoder->team.lock);
    return NULL;
}

static int check_options(const struct vf_model_config *config,
    const struct vf_encoder_options *options, struct vf_err *err)
{
    if (options->threads < 1 || options->threads > MAX_THREADS)
        return vf_fail(
            err, VF_ERR_USAGE, "%u threads: must be 1 to %d", options->threads, (int)MAX_THREADS);
    if (options->max_tokens < 1 || options->max_tokens > config->network.max_positions)
        return vf_fail(err, VF_ERR_USAGE, "sequences of %zu tokens: the model has 1 to %zu",
            options->max_tokens, config->network.max_positions);
    if (options->dimensions > config->head.dimensions)
        return vf_fail(err, VF_ERR_USAGE, "vectors of %zu floats: the model has %zu",
            options->dimensions, config->head.dimensions);
    return 0;
}

static int start_worker(
    struct vf_encoder *encoder, unsigned index, unsigned workers, struct vf_err *err)
{
    struct worker *worker = &encoder->workers[index];
    worker->encoder = encoder;
    worker->replica = vf_replica_of_worker(&encoder->replicas, index, workers);
    int rc = vf_activations_init(&worker->activations, &worker->replica->network, err);
    if (rc)
        return rc;
    rc = vf_thread_start(&worker->thread, work, worker, err);
    if (rc)
        vf_activations_release(&worker->activations);
    return rc;
}

int vf_encoder_new(const struct vf_model *model, const struct vf_encoder_options *options,
    struct vf_encoder **ret, struct vf_err *err)
{
    int rc = 0;
    unsigned flags;
    struct vf_kernels kernels;
    struct vf_encoder *encoder = NULL;
    VF_TRY(check_options(vf_model_config(model), options, err));
    VF_TRY(vf_cpu_flags(options->max_isa, &flags, err));
    vf_kernels_init(&kernels, flags);
    encoder = calloc(1, sizeof(*encoder));
    if (!encoder)
        VF_TRY(vf_fail_memory(err, "the encoder"));
    vf_team_init(&encoder->team);
    encoder->tail = &encoder->head;
    encoder->workers = calloc(options->threads, sizeof(*encoder->workers));
    if (!encoder->workers)
        VF_TRY(vf_fail_memory(err, "workers"));
    VF_TRY(vf_replicas_init(&encoder->replicas, model, &kernels, options, err));
    for (; encoder->n_workers < options->threads; encoder->n_workers++)
        VF_TRY(start_worker(encoder, encoder->n_workers, options->threads, err));
    *ret = encoder;
    encoder = NULL;
out:
    vf_encoder_free(encoder);
    return rc;
}

void vf_encoder_free(struct vf_encoder *encoder)
{
    if (!encoder)
        return;
    pthread_mutex_lock(&encoder->team.lock);
    assert(!encoder->head);
    encoder->stop = true;
    pthread_cond_broadcast(&encoder->team.work);
    pthread_mutex_unlock(&encoder->team.lock);
    for (unsigned i = 0; i < encoder->n_workers; i++) {
        pthread_join(encoder->workers[i].thread, NULL);
        vf_activations_release(&encoder->workers[i].activations);
    }
    vf_replicas_release(&encoder->replicas);
    vf_team_release(&encoder->team);
    free(encoder->workers);
    free(encoder);
}

static int by_length_descending(const void *a, const void *b)
{
    const struct vf_sequence_ref *x = a, *y = b;
    return (x->n < y->n) - (x->n > y->n);
}

/* Tokens of a group, so that a small call still has a group for every worker. */
static size_t group_budget(const struct vf_encoder *encoder, const struct call *call)
{
    size_t tokens = 0;
    for (size_t i = 0; i < call->n; i++)
        tokens += call->sequences[i].n;
    size_t share = tokens / encoder->n_workers + 1;
    share = share < MIN_GROUP_TOKENS ? MIN_GROUP_TOKENS : share;
    return share < VF_GROUP_TOKENS ? share : VF_GROUP_TOKENS;
}

/* Queues the call and waits until its last sequence is finished. */
static void run_call(struct vf_encoder *encoder, struct call *call)
{
    pthread_cond_init(&call->done, NULL);
    pthread_mutex_lock(&encoder->team.lock);
    *encoder->tail = call;
    encoder->tail = &call->next;
    pthread_cond_broadcast(&encoder->team.work);
    while (call->finished < call->n)
        pthread_cond_wait(&call->done, &encoder->team.lock);
    pthread_mutex_unlock(&encoder->team.lock);
    pthread_cond_destroy(&call->done);
}

int vf_encoder_run(struct vf_encoder *encoder, const struct vf_sequence_ref *sequences, size_t n,
    struct vf_err *err)
{
    if (n == 0)
        return 0;
    struct call call = {.n = n, .sequences = calloc(n, sizeof(*sequences))};
    if (!call.sequences)
        return vf_fail_memory(err, "sequences");
    for (size_t i = 0; i < n; i++) {
        assert(sequences[i].n >= 1 && sequences[i].n <= network_of(encoder)->max_tokens);
        call.sequences[i] = sequences[i];
    }
    qsort(call.sequences, n, sizeof(*sequences), by_length_descending);
    call.budget = group_budget(encoder, &call);
    run_call(encoder, &call);
    free(call.sequences);
    return 0;
}

const char *vf_encoder_isa(const struct vf_encoder *encoder)
{
    const struct vf_kernels *kernels = &network_of(encoder)->kernels;
    switch (network_of(encoder)->precision) {
    case VF_PRECISION_BF16:
        return kernels->name_bf16;
    case VF_PRECISION_INT8:
        return kernels->name_int8;
    case VF_PRECISION_FP32:
        break;
    }
    return kernels->name_f32;
}

size_t vf_encoder_weight_bytes(const struct vf_encoder *encoder)
{
    size_t bytes = 0;
    for (size_t i = 0; i < encoder->replicas.n; i++)
        bytes += encoder->replicas.at[i].network.arena.bytes;
    return bytes;
}

size_t vf_encoder_worker_bytes(const struct vf_encoder *encoder)
{
    return encoder->workers[0].activations.arena.bytes;
}
