/* Packed weights near the processors that use them: a copy for each memory node (cpu_nodes.h) that
 * has workers. On a machine with one node, or that does not tell, there is one, and no thread is
 * confined.
 *
 * Thread rule: immutable after vf_replicas_init().
 */
#ifndef VF_ENCODER_REPLICAS_H
#define VF_ENCODER_REPLICAS_H

#include "cpu/cpu_nodes.h"
#include "encoder/packed_network.h"

struct vf_replica {
    const struct vf_cpu_node *node;   /* NULL: there are no nodes to tell apart */
    struct vf_packed_network network; /* zeroed where the node has no worker */
};

struct vf_replicas {
    size_t n;                  /* at least 1 */
    struct vf_cpu_node *nodes; /* [n] */
    struct vf_replica *at;     /* [n] */
};

/* Packs the weights of `model` for options->threads workers, on each node by threads that are
 * confined to it. On failure `replicas` is left as vf_replicas_release() leaves it. */
VF_MUST_CHECK int vf_replicas_init(struct vf_replicas *replicas, const struct vf_model *model,
    const struct vf_kernels *kernels, const struct vf_encoder_options *options, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_replicas_release(struct vf_replicas *replicas);

/* What worker `worker` of `workers` uses, as many as were options->threads. */
const struct vf_replica *vf_replica_of_worker(
    const struct vf_replicas *replicas, unsigned worker, unsigned workers);

/* Confines the calling thread to the replica's node, if it has one. */
void vf_replica_enter(const struct vf_replica *replica);

#endif
