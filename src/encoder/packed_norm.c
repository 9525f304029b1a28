#include "encoder/packed_norm.h"

#include <string.h>

float *vf_vector_place(struct vf_arena *arena, const struct vf_tensor *tensor)
{
    float *vector = vf_arena_take(arena, 1, tensor->cols, sizeof(float));
    if (vector)
        vf_tensor_read_row(tensor, 0, vector);
    return vector;
}

/* gamma = (weight + offset) * scale, beta = bias * scale. */
static void scale_norm(float *gamma, float *beta, size_t n, float offset, float scale)
{
    for (size_t j = 0; j < n; j++) {
        gamma[j] = (gamma[j] + offset) * scale;
        beta[j] *= scale;
    }
}

void vf_norm_place(struct vf_norm_f32 *norm, struct vf_arena *arena,
    const struct vf_network *network, const struct vf_norm_tensors *from, float scale)
{
    *norm = (struct vf_norm_f32){0};
    if (!from->weight.data)
        return;
    size_t n = from->weight.cols;
    float *gamma = vf_vector_place(arena, &from->weight);
    float *beta = vf_arena_take(arena, 1, n, sizeof(float));
    if (beta && from->bias.data)
        vf_tensor_read_row(&from->bias, 0, beta);
    else if (beta)
        memset(beta, 0, n * sizeof(*beta));
    if (gamma && beta)
        scale_norm(gamma, beta, n, network->norm_weight_offset, scale);
    *norm = (struct vf_norm_f32){.n = n,
        .rms = network->norm == VF_NORM_RMS,
        .eps = network->norm_eps,
        .gamma = gamma,
        .beta = beta};
}
