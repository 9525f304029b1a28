#include "naive_bert.h"

#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *allocate(size_t n, size_t size)
{
    void *memory = calloc(n, size);
    vf_check(memory, "%zu bytes", n * size);
    return memory;
}

static double *read_tensor(const struct vf_tensor *tensor)
{
    float *row = allocate(tensor->cols, sizeof(*row));
    double *all = allocate(tensor->rows * tensor->cols, sizeof(*all));
    for (size_t i = 0; i < tensor->rows; i++) {
        vf_tensor_read_row(tensor, i, row);
        for (size_t j = 0; j < tensor->cols; j++)
            all[i * tensor->cols + j] = (double)row[j];
    }
    free(row);
    return all;
}

/* y = x W^T + b, row by row; the caller frees it. */
static double *map(
    const double *x, size_t n, const struct vf_tensor *weight, const struct vf_tensor *bias)
{
    double *w = read_tensor(weight), *b = read_tensor(bias);
    double *y = allocate(n * weight->rows, sizeof(*y));
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < weight->rows; o++) {
            double sum = b[o];
            for (size_t j = 0; j < weight->cols; j++)
                sum += x[i * weight->cols + j] * w[o * weight->cols + j];
            y[i * weight->rows + o] = sum;
        }
    free(w);
    free(b);
    return y;
}

static void norm(
    double *x, size_t n, const struct vf_tensor *gamma, const struct vf_tensor *beta, double eps)
{
    size_t hidden = gamma->cols;
    double *g = read_tensor(gamma), *b = read_tensor(beta);
    for (size_t i = 0; i < n; i++, x += hidden) {
        double mean = 0, variance = 0;
        for (size_t j = 0; j < hidden; j++)
            mean += x[j] / (double)hidden;
        for (size_t j = 0; j < hidden; j++)
            variance += (x[j] - mean) * (x[j] - mean) / (double)hidden;
        for (size_t j = 0; j < hidden; j++)
            x[j] = (x[j] - mean) / sqrt(variance + eps) * g[j] + b[j];
    }
    free(g);
    free(b);
}

static void add(double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
    free(y);
}

static double activate(enum vf_activation activation, double x)
{
    switch (activation) {
    case VF_ACT_GELU_ERF:
        return x / 2 * (1 + erf(x / sqrt(2)));
    case VF_ACT_GELU_TANH:
        return x / 2 * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case VF_ACT_RELU:
        break;
    }
    return x > 0 ? x : 0;
}

/* The mixture of values for query i of the head that starts at column `first`. */
static void attend(const double *q, const double *k, const double *v, size_t n, size_t hidden,
    size_t head_size, size_t first, size_t i, double *out)
{
    double *weight = allocate(n, sizeof(*weight)), sum = 0, largest = -HUGE_VAL;
    for (size_t j = 0; j < n; j++) {
        for (size_t d = first; d < first + head_size; d++)
            weight[j] += q[i * hidden + d] * k[j * hidden + d];
        weight[j] /= sqrt((double)head_size);
        largest = fmax(largest, weight[j]);
    }
    for (size_t j = 0; j < n; j++)
        sum += weight[j] = exp(weight[j] - largest);
    for (size_t d = first; d < first + head_size; d++)
        for (size_t j = 0; j < n; j++)
            out[d] += weight[j] / sum * v[j * hidden + d];
    free(weight);
}

static void run_layer(
    const struct vf_model_config *config, const struct vf_bert_layer *layer, double *x, size_t n)
{
    size_t hidden = config->hidden_size, head_size = hidden / config->heads;
    double eps = (double)config->layer_norm_eps;
    double *q = map(x, n, &layer->query, &layer->query_bias);
    double *k = map(x, n, &layer->key, &layer->key_bias);
    double *v = map(x, n, &layer->value, &layer->value_bias);
    double *context = allocate(n * hidden, sizeof(*context));
    for (size_t i = 0; i < n; i++)
        for (size_t first = 0; first < hidden; first += head_size)
            attend(q, k, v, n, hidden, head_size, first, i, context + i * hidden);
    add(x, map(context, n, &layer->attention_output, &layer->attention_output_bias), n * hidden);
    norm(x, n, &layer->attention_norm, &layer->attention_norm_bias, eps);
    double *inner = map(x, n, &layer->intermediate, &layer->intermediate_bias);
    for (size_t i = 0; i < n * config->intermediate_size; i++)
        inner[i] = activate(config->activation, inner[i]);
    add(x, map(inner, n, &layer->output, &layer->output_bias), n * hidden);
    norm(x, n, &layer->output_norm, &layer->output_norm_bias, eps);
    free(q);
    free(k);
    free(v);
    free(context);
    free(inner);
}

static void pool(const struct vf_model_config *config, const double *x, size_t n, double *vector)
{
    size_t hidden = config->hidden_size;
    double squares = 0;
    for (size_t j = 0; j < hidden; j++) {
        double sum = 0, largest = -HUGE_VAL;
        for (size_t i = 0; i < n; i++) {
            sum += x[i * hidden + j];
            largest = fmax(largest, x[i * hidden + j]);
        }
        vector[j] = config->pooling == VF_POOL_MEAN  ? sum / (double)n
                    : config->pooling == VF_POOL_MAX ? largest
                                                     : x[j];
        squares += vector[j] * vector[j];
    }
    for (size_t j = 0; config->normalize && j < hidden; j++)
        vector[j] /= sqrt(squares);
}

void naive_bert(const struct vf_model *model, const int32_t *ids, size_t n, double *vector)
{
    const struct vf_model_config *config = vf_model_config(model);
    const struct vf_bert_weights *weights = vf_model_weights(model);
    size_t hidden = config->hidden_size;
    double *words = read_tensor(&weights->word_embeddings);
    double *positions = read_tensor(&weights->position_embeddings);
    double *types = read_tensor(&weights->token_type_embeddings);
    double *x = allocate(n * hidden, sizeof(*x));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < hidden; j++)
            x[i * hidden + j] =
                words[(size_t)ids[i] * hidden + j] + positions[i * hidden + j] + types[j];
    norm(x, n, &weights->embeddings_norm, &weights->embeddings_norm_bias,
        (double)config->layer_norm_eps);
    for (size_t i = 0; i < config->layers; i++)
        run_layer(config, &weights->layers[i], x, n);
    pool(config, x, n, vector);
    free(words);
    free(positions);
    free(types);
    free(x);
}
