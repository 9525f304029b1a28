#include "kernels/kernels_internal.h"

#include <math.h>

size_t vf_attention_scratch_f32__ref(size_t n, size_t head_size)
{
    (void)head_size;
    return n;
}

/* Turns the scores of one query into weights that sum to 1. */
static void softmax2(float *score, size_t n)
{
    float max = score[0], sum = 0;
    for (size_t j = 1; j < n; j++)
        max = score[j] > max ? score[j] : max;
    for (size_t j = 0; j < n; j++) {
        score[j] = exp2f(score[j] - max);
        sum += score[j];
    }
    for (size_t j = 0; j < n; j++)
        score[j] /= sum;
}

static float score_of(const struct vf_attention_f32 *op, size_t i, size_t j)
{
    float sum = 0;
    for (size_t d = 0; d < op->head_size; d++)
        sum += op->q[i * op->ldq + d] * op->k[j * op->ldkv + d];
    return op->bias ? sum + op->bias[(ptrdiff_t)i * op->ld_bias + (ptrdiff_t)j] : sum;
}

void vf_attention_f32__ref(const struct vf_attention_f32 *op)
{
    float *weight = op->scratch;
    for (size_t i = 0; i < op->m; i++) {
        size_t from = vf_seen_from(op, i), to = vf_seen_to(op, i);
        for (size_t j = from; j < to; j++)
            weight[j] = score_of(op, i, j);
        softmax2(weight + from, to - from);
        for (size_t d = 0; d < op->head_size; d++) {
            float sum = 0;
            for (size_t j = from; j < to; j++)
                sum += weight[j] * op->v[j * op->ldkv + d];
            op->out[i * op->ldo + d] = sum;
        }
    }
}
