#include "encoder/head.h"

#include <math.h>
#include <string.h>

/* The smallest norm that a vector is divided by, as in the reference implementation. */
static const double MIN_NORM = 1e-12;

/* ---- pooling ---- */

/* sum of t x_t / sum of t; t is `first` + 1 for the first row. */
static void pool_weighted(
    const float *x, size_t ldx, size_t n, size_t first, size_t columns, float *out)
{
    double weights = 0;
    for (size_t i = 0; i < n; i++)
        weights += (double)(first + i + 1);
    for (size_t j = 0; j < columns; j++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)(first + i + 1) * (double)x[i * ldx + j];
        out[j] = (float)(sum / weights);
    }
}

/* The rows [first, first + n) of a text. */
static void pool(enum vf_pooling pooling, const struct vf_kernels *kernels, const float *x,
    size_t ldx, size_t n, size_t first, size_t columns, float *out)
{
    switch (pooling) {
    case VF_POOL_CLS:
        memcpy(out, x, columns * sizeof *out);
        break;
    case VF_POOL_LAST:
        memcpy(out, x + (n - 1) * ldx, columns * sizeof *out);
        break;
    case VF_POOL_MAX:
        kernels->pool_max_f32(x, ldx, n, columns, out);
        break;
    case VF_POOL_MEAN:
        kernels->pool_mean_f32(x, ldx, n, columns, out);
        break;
    case VF_POOL_MEAN_SQRT_LEN:
        kernels->pool_mean_f32(x, ldx, n, columns, out);
        for (size_t j = 0; j < columns; j++)
            out[j] = (float)((double)out[j] * sqrt((double)n));
        break;
    case VF_POOL_WEIGHTED_MEAN:
    case VF_POOLINGS:
        pool_weighted(x, ldx, n, first, columns, out);
        break;
    }
}

/* ---- steps ---- */

static void normalize(float *vector, size_t n)
{
    double squares = 0;
    for (size_t j = 0; j < n; j++)
        squares += (double)vector[j] * (double)vector[j];
    double norm = sqrt(squares);
    double scale = 1 / (norm < MIN_NORM ? MIN_NORM : norm);
    for (size_t j = 0; j < n; j++)
        vector[j] = (float)((double)vector[j] * scale);
}

static double activate(enum vf_dense_activation activation, double x)
{
    switch (activation) {
    case VF_DENSE_IDENTITY:
        break;
    case VF_DENSE_TANH:
        return tanh(x);
    case VF_DENSE_GELU:
        return 0.5 * x * (1 + erf(x * 0.70710678118654752440)); /* 1 / sqrt(2) */
    case VF_DENSE_RELU:
        return x < 0 ? 0 : x; /* a NaN stays one */
    case VF_DENSE_SILU:
        return x / (1 + exp(-x));
    case VF_DENSE_SIGMOID:
        return 1 / (1 + exp(-x));
    }
    return x;
}

/* In several sums at once, which do not wait for each other. */
static double dot(const float *a, const float *b, size_t n)
{
    enum { SUMS = 8 };
    double sums[SUMS] = {0}, sum = 0;
    size_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
        for (size_t j = 0; j < SUMS; j++)
            sums[j] += (double)a[i + j] * (double)b[i + j];
    for (; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    for (size_t j = 0; j < SUMS; j++)
        sum += sums[j];
    return sum;
}

/* out[outputs] = activation(W in + bias) plus the residual; `row` has room for one of W. */
static void dense(const struct vf_head_step *step, const float *in, float *row, float *out)
{
    if (step->has_bias)
        vf_tensor_read_row(&step->linear.bias, 0, out);
    else
        memset(out, 0, step->outputs * sizeof *out);
    for (size_t i = 0; i < step->outputs; i++) {
        vf_tensor_read_row(&step->linear.weight, i, row);
        double y = activate(step->activation, (double)out[i] + dot(row, in, step->inputs));
        if (step->adds_input && step->residual.data) {
            vf_tensor_read_row(&step->residual, i, row);
            y += dot(row, in, step->inputs);
        } else if (step->adds_input) {
            y += (double)in[i];
        }
        out[i] = (float)y;
    }
}

/* ---- all of it ---- */

/* The most floats that there are between two steps. */
static size_t widest(const struct vf_head *head)
{
    size_t floats = head->plan->n_poolings * head->hidden_size;
    for (size_t i = 0; i < head->plan->n_steps; i++)
        if (head->plan->steps[i].outputs > floats)
            floats = head->plan->steps[i].outputs;
    return floats;
}

bool vf_head_reads_one_token(
    const struct vf_head *head, size_t n, size_t skip, size_t *ret_position)
{
    enum vf_pooling pooling = head->plan->poolings[0];
    *ret_position = pooling == VF_POOL_LAST ? n - 1 : skip < n ? skip : 0;
    return head->plan->n_poolings == 1 && (pooling == VF_POOL_CLS || pooling == VF_POOL_LAST);
}

/* What goes into a step, what comes out of it, and a row of its weights. */
size_t vf_head_scratch(const struct vf_head *head)
{
    return 3 * widest(head);
}

void vf_head_apply(const struct vf_head *head, const struct vf_kernels *kernels, const float *x,
    size_t ldx, size_t n, size_t skip, float *scratch, float *vector)
{
    const struct vf_sentence_head *plan = head->plan;
    size_t floats = widest(head), columns = head->hidden_size, first = skip < n ? skip : 0;
    float *in = scratch, *out = scratch + floats, *row = scratch + 2 * floats;
    for (size_t i = 0; i < plan->n_poolings; i++)
        pool(plan->poolings[i], kernels, x + first * ldx, ldx, n - first, first, columns,
            in + i * columns);
    for (size_t i = 0; i < plan->n_steps; i++) {
        const struct vf_head_step *step = &plan->steps[i];
        if (step->kind == VF_HEAD_NORMALIZE) {
            normalize(in, step->outputs);
            continue;
        }
        dense(step, in, row, out);
        float *swap = in;
        in = out;
        out = swap;
    }
    if (plan->normalized && head->dimensions < plan->dimensions)
        normalize(in, head->dimensions);
    memcpy(vector, in, head->dimensions * sizeof *vector);
}
