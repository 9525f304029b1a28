#include "kernels/kernels_internal.h"

static void turn(const float *turns, size_t half, float *head)
{
    for (size_t j = 0; j < half; j++) {
        float a = head[j], b = head[half + j], c = turns[j], s = turns[half + j];
        head[j] = a * c - b * s;
        head[half + j] = b * c + a * s;
    }
}

void vf_rotate_f32__ref(const float *turns, size_t ld_turns, size_t head_size, size_t heads,
    float *x, size_t ldx, size_t m)
{
    for (size_t i = 0; i < m; i++)
        for (size_t h = 0; h < heads; h++)
            turn(turns + i * ld_turns, head_size / 2, x + i * ldx + h * head_size);
}
