/* Token ids to sentence vectors.
 *
 * An encoder holds the packed weights and a pool of worker threads. Each worker takes whole
 * sequences (grouped up to a token budget when they are short) and computes them from embeddings
 * to vector, without padding or allocation; workers that have nothing else to do help with the rows
 * of a long one. No arithmetic of a sequence depends on its neighbours, none of a row on who
 * computes it. Hence: the same bits for any grouping, order and number of threads.
 *
 * Thread rule: vf_encoder_run() may be called from any number of threads at once; calls share the
 * workers in the order in which they came.
 */
#ifndef VF_ENCODER_ENCODER_H
#define VF_ENCODER_ENCODER_H

#include "base/error.h"
#include "model/model.h"

#include <vecfill/vecfill.h>

#include <stddef.h>
#include <stdint.h>

struct vf_encoder;
struct vf_int8_weights;

struct vf_encoder_options {
    unsigned threads;                   /* workers, at least 1 */
    enum vf_precision precision;        /* of the weights */
    const struct vf_int8_weights *int8; /* with VF_PRECISION_INT8; read while packing */
    const char *max_isa; /* tier cap; NULL: VECFILL_MAX_ISA, else none. Unknown: VF_ERR_USAGE */
    size_t max_tokens;   /* longest sequence that will be given, at most network.max_positions */
    size_t dimensions;   /* floats of a vector, the others are cut off; 0: all */
    const char *system_root; /* where memory nodes are looked up, as vf_cpu_nodes(); NULL: "" */
};

struct vf_sequence_ref {
    const int32_t *ids; /* each in [0, vocab_size) */
    size_t n;           /* 1 to options.max_tokens */
    float *vector;      /* as many floats as options.dimensions says, written */
    size_t skip;        /* tokens at the beginning that pooling leaves out */
};

/* Packs the weights (in parallel), plans and allocates all memory, starts the workers. `model`
 * must have weights and must outlive the encoder. On success the caller owns *ret. */
VF_MUST_CHECK int vf_encoder_new(const struct vf_model *model,
    const struct vf_encoder_options *options, struct vf_encoder **ret, struct vf_err *err);

/* Stops the workers. No call may be running. Accepts NULL. */
void vf_encoder_free(struct vf_encoder *encoder);

/* Encodes `n` sequences and waits for the last. Ids and lengths must be in range (asserted): the
 * library checks them. Does not allocate more than O(n). */
VF_MUST_CHECK int vf_encoder_run(struct vf_encoder *encoder,
    const struct vf_sequence_ref *sequences, size_t n, struct vf_err *err);

/* The kernels in use, e.g. "avx512" or "avx2 (bf16 weights)"; static string. */
const char *vf_encoder_isa(const struct vf_encoder *encoder);

/* Bytes of packed weights, on all memory nodes, and of one worker's activations. */
size_t vf_encoder_weight_bytes(const struct vf_encoder *encoder);
size_t vf_encoder_worker_bytes(const struct vf_encoder *encoder);

#endif
