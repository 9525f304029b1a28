/* Memory nodes (NUMA): processors that reach a memory of their own faster than another node's.
 *
 * Linux only: elsewhere, and where the machine does not say, there are no nodes to tell apart.
 *
 * Thread rule: everything here may be called from any thread at any time.
 */
#ifndef VF_CPU_CPU_NODES_H
#define VF_CPU_CPU_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VF_MAX_NODES 64
#define VF_MAX_PROCESSORS 8192

struct vf_cpu_node {
    unsigned n;                                  /* processors in the mask, at least 1 */
    uint64_t processors[VF_MAX_PROCESSORS / 64]; /* bit i of the mask: processor i */
};

/* Fills `nodes` with the nodes that have processors of the calling thread's affinity mask, those
 * alone, in the order of their numbers, at most VF_MAX_NODES. Returns how many there are; 0 when it
 * is not known. `root` is put before /sys; "" in earnest, a made-up tree in tests. */
size_t vf_cpu_nodes(const char *root, struct vf_cpu_node nodes[VF_MAX_NODES]);

/* Confines the calling thread, and so the memory that it touches first, to a node. False when the
 * system refuses: then nothing has changed. */
bool vf_cpu_enter_node(const struct vf_cpu_node *node);

/* The node of worker `worker` of `workers`: neighbours share a node, and each node has workers in
 * proportion to its processors. `n` is at least 1, worker less than workers. */
size_t vf_cpu_node_of_worker(
    const struct vf_cpu_node *nodes, size_t n, unsigned worker, unsigned workers);

#endif
