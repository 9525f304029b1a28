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

void vf_attention_f32__ref(const struct vf_attention_f32 *op)
{
    float *score = op->scratch;
    for (size_t i = 0; i < op->m; i++) {
        for (size_t j = 0; j < op->n; j++) {
            score[j] = 0;
            for (size_t d = 0; d < op->head_size; d++)
                score[j] += op->q[i * op->ldq + d] * op->k[j * op->ldkv + d];
        }
        softmax2(score, op->n);
        for (size_t d = 0; d < op->head_size; d++) {
            float sum = 0;
            for (size_t j = 0; j < op->n; j++)
                sum += score[j] * op->v[j * op->ldkv + d];
            op->out[i * op->ldo + d] = sum;
        }
    }
}
