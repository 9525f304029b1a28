/* What the linear maps of a network are given as inputs while it encodes the calibration texts.
 *
 * Sequences are encoded one by one, whatever the number of threads, and their statistics are added
 * in their order.
 */
#ifndef VF_ENCODER_CALIBRATION_H
#define VF_ENCODER_CALIBRATION_H

#include "encoder/forward.h"

/* Products are summed within blocks of neighbouring inputs, of at most this many. */
#define VF_INPUT_BLOCK_MAX 512

struct vf_input_statistics {
    size_t k;             /* inputs */
    size_t block, blocks; /* inputs of a block but the last, number of blocks */
    float *largest;       /* [k], of the absolute values */
    float *products;      /* [blocks][block][block]: at [b][i][j], i <= j, the sum of
                           * x[b block + i] x[b block + j] */
};

/* The statistics of every map of a network. */
struct vf_calibration {
    size_t n;
    struct vf_input_statistics *inputs; /* [n], in the order of network->sources */
    struct vf_arena arena;
};

/* Encodes the sequences, up to network->max_tokens of each, with at most `threads` threads.
 * `network` is in float32. On success the caller releases *ret. */
VF_MUST_CHECK int vf_calibrate(const struct vf_packed_network *network,
    const struct vf_sequence_ref *sequences, size_t n, unsigned threads, struct vf_calibration *ret,
    struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_calibration_release(struct vf_calibration *calibration);

#endif
