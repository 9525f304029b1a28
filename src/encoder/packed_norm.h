/* Vectors and norms of a network, copied to float32 into an arena that is laid out twice. */
#ifndef VF_ENCODER_PACKED_NORM_H
#define VF_ENCODER_PACKED_NORM_H

#include "encoder/arena.h"
#include "kernels/kernels.h"
#include "model/network.h"

/* The numbers of a vector, or of the first row of a matrix; NULL while the arena measures. */
float *vf_vector_place(struct vf_arena *arena, const struct vf_tensor *tensor);

/* A norm whose result is multiplied by `scale`. Where the network has none, n is 0. */
void vf_norm_place(struct vf_norm_f32 *norm, struct vf_arena *arena,
    const struct vf_network *network, const struct vf_norm_tensors *from, float scale);

#endif
