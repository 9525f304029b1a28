#include "encoder/replicas.h"

#include "encoder/parallel.h"

#include <stdlib.h>

/* What a thread on the replica's node packs. */
struct packing {
    struct vf_replica *replica;
    const struct vf_model *model;
    const struct vf_kernels *kernels;
    const struct vf_encoder_options *options;
    struct vf_err *err;
    int rc;
};

/* Memory lies on the node of the thread that touches it first. The threads that this one starts to
 * pack with inherit its confinement. */
static void *pack_on_node(void *arg)
{
    struct packing *packing = arg;
    vf_replica_enter(packing->replica);
    packing->rc = vf_packed_network_init(&packing->replica->network, packing->model,
        packing->kernels, packing->options, packing->err);
    return NULL;
}

static int pack(struct packing *packing)
{
    pthread_t thread;
    if (!packing->replica->node) {
        pack_on_node(packing);
        return packing->rc;
    }
    int rc = vf_thread_start(&thread, pack_on_node, packing, packing->err);
    if (rc)
        return rc;
    pthread_join(thread, NULL);
    return packing->rc;
}

static int find_nodes(struct vf_replicas *replicas, const char *system_root, struct vf_err *err)
{
    replicas->nodes = calloc(VF_MAX_NODES, sizeof(*replicas->nodes));
    if (!replicas->nodes)
        return vf_fail_memory(err, "memory nodes");
    size_t n = vf_cpu_nodes(system_root ? system_root : "", replicas->nodes);
    replicas->n = n > 1 ? n : 1;
    replicas->at = calloc(replicas->n, sizeof(*replicas->at));
    if (!replicas->at)
        return vf_fail_memory(err, "memory nodes");
    for (size_t i = 0; n > 1 && i < n; i++)
        replicas->at[i].node = &replicas->nodes[i];
    return 0;
}

int vf_replicas_init(struct vf_replicas *replicas, const struct vf_model *model,
    const struct vf_kernels *kernels, const struct vf_encoder_options *options, struct vf_err *err)
{
    int rc = 0;
    *replicas = (struct vf_replicas){0};
    VF_TRY(find_nodes(replicas, options->system_root, err));
    struct packing packing = {.model = model, .kernels = kernels, .options = options, .err = err};
    for (unsigned worker = 0; worker < options->threads; worker++) {
        packing.replica = &replicas->at[vf_cpu_node_of_worker(
            replicas->nodes, replicas->n, worker, options->threads)];
        if (!packing.replica->network.network)
            VF_TRY(pack(&packing));
    }
out:
    if (rc)
        vf_replicas_release(replicas);
    return rc;
}

void vf_replicas_release(struct vf_replicas *replicas)
{
    for (size_t i = 0; replicas->at && i < replicas->n; i++)
        vf_packed_network_release(&replicas->at[i].network);
    free(replicas->at);
    free(replicas->nodes);
    *replicas = (struct vf_replicas){0};
}

const struct vf_replica *vf_replica_of_worker(
    const struct vf_replicas *replicas, unsigned worker, unsigned workers)
{
    return &replicas->at[vf_cpu_node_of_worker(replicas->nodes, replicas->n, worker, workers)];
}

void vf_replica_enter(const struct vf_replica *replica)
{
    if (replica->node)
        (void)vf_cpu_enter_node(replica->node); /* a refusal costs speed alone */
}
