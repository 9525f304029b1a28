#include "naive_network.h"

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

static double *copy(const double *x, size_t n)
{
    double *y = allocate(n, sizeof(*y));
    memcpy(y, x, n * sizeof(*y));
    return y;
}

static void add(double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
    free(y);
}

/* y = x W^T + b, row by row; the caller frees it. */
static double *map(const double *x, size_t n, const struct vf_linear_tensors *linear)
{
    size_t outputs = linear->weight.rows, inputs = linear->weight.cols;
    double *w = read_tensor(&linear->weight);
    double *b = linear->bias.data ? read_tensor(&linear->bias) : allocate(outputs, sizeof(*b));
    double *y = allocate(n * outputs, sizeof(*y));
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < outputs; o++) {
            double sum = b[o];
            for (size_t j = 0; j < inputs; j++)
                sum += x[i * inputs + j] * w[o * inputs + j];
            y[i * outputs + o] = sum;
        }
    free(w);
    free(b);
    return y;
}

/* In place, over each run of as many numbers as the norm has; nothing when there is no norm. */
static void norm(
    const struct vf_network *network, const struct vf_norm_tensors *tensors, double *x, size_t n)
{
    size_t size = tensors->weight.cols;
    if (!tensors->weight.data)
        return;
    double *w = read_tensor(&tensors->weight);
    double *b = tensors->bias.data ? read_tensor(&tensors->bias) : allocate(size, sizeof(*b));
    for (double *row = x; row < x + n; row += size) {
        double mean = 0, variance = 0;
        for (size_t j = 0; j < size && network->norm == VF_NORM_LAYER; j++)
            mean += row[j] / (double)size;
        for (size_t j = 0; j < size; j++)
            variance += (row[j] - mean) * (row[j] - mean) / (double)size;
        double scale = 1 / sqrt(variance + (double)network->norm_eps);
        for (size_t j = 0; j < size; j++)
            row[j] = (row[j] - mean) * scale * (w[j] + (double)network->norm_weight_offset) + b[j];
    }
    free(w);
    free(b);
}

static double activate(enum vf_activation activation, double x)
{
    switch (activation) {
    case VF_ACT_GELU_ERF:
        return x / 2 * (1 + erf(x / sqrt(2)));
    case VF_ACT_GELU_TANH:
        return x / 2 * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case VF_ACT_SILU:
        return x / (1 + exp(-x));
    case VF_ACT_RELU:
        break;
    }
    return x > 0 ? x : 0;
}

static void rotate(const struct vf_rotary *rotary, size_t head_size, size_t position, double *head)
{
    size_t half = head_size / 2;
    for (size_t j = 0; j < half && rotary->scale != 0; j++) {
        /* The angle is rounded to float, as transformers has it. */
        double angle = (double)((float)position * rotary->frequencies[j]);
        double c = cos(angle) * (double)rotary->scale, s = sin(angle) * (double)rotary->scale;
        double a = head[j], b = head[j + half];
        head[j] = a * c - b * s;
        head[j + half] = b * c + a * s;
    }
}

/* The queries or keys of all tokens, with norm and rotation. */
static double *project(const struct vf_network *network, const struct vf_attention_kind *kind,
    const struct vf_linear_tensors *linear, const struct vf_norm_tensors *head_norm,
    const double *x, size_t n)
{
    size_t width = linear->weight.rows;
    double *y = map(x, n, linear);
    norm(network, head_norm, y, n * width);
    for (size_t i = 0; i < n; i++)
        for (size_t first = 0; first < width; first += network->head_size)
            rotate(&kind->rotary, network->head_size, i, y + i * width + first);
    return y;
}

/* T5's bucket of a key `distance` behind the query. */
static size_t bias_bucket(const struct vf_relative *relative, long distance)
{
    size_t half = relative->buckets / 2, exact = half / 2, d = (size_t)labs(distance);
    size_t first = distance > 0 ? half : 0;
    if (d < exact)
        return first + d;
    float range = (float)log((double)relative->max_distance / (double)exact);
    float steps =
        logf((float)d / (float)exact) / range * (float)(half - exact); /* as torch has it */
    size_t bucket = exact + (size_t)steps;
    return first + (bucket < half ? bucket : half - 1);
}

/* DeBERTa's row of the distance embeddings for a query `distance` behind the key. */
static size_t distance_row(const struct vf_relative *relative, long distance)
{
    long span = (long)vf_distance_rows(relative) / 2, middle = span / 2, bucket = distance;
    if (relative->buckets && labs(distance) > middle) {
        float range = logf((float)((double)(relative->max_distance - 1) / (double)middle));
        float steps = logf((float)labs(distance) / (float)middle) / range * (float)(middle - 1);
        bucket = ((long)ceilf(steps) + middle) * (distance < 0 ? -1 : 1);
    }
    long row = bucket + span;
    return (size_t)(row < 0 ? 0 : row > 2 * span - 1 ? 2 * span - 1 : row);
}

/* What all layers share. */
struct context {
    const struct vf_network *network;
    const struct vf_network_tensors *tensors;
    double *relative_bias; /* [buckets][heads] or NULL */
    double *distances;     /* [vf_distance_rows()][hidden_size], normalised, or NULL */
};

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

/* What one layer's attention works on. */
struct attention {
    const struct context *context;
    const struct vf_attention_kind *kind;
    size_t n;
    double *q, *k, *v;                     /* [n][heads or kv_heads * head_size] */
    double *position_query, *position_key; /* [distances][heads * head_size] or NULL */
};

/* The score of query i and key j in a head. */
static double score(const struct attention *a, size_t head, size_t i, size_t j)
{
    const struct vf_network *network = a->context->network;
    const struct vf_relative *relative = &network->relative;
    size_t size = network->head_size, kv_head = head * network->kv_heads / network->heads;
    size_t width = network->heads * size;
    const double *q = a->q + i * width + head * size;
    const double *k = a->k + (j * network->kv_heads + kv_head) * size;
    long distance = (long)j - (long)i;
    double sum = dot(q, k, size);
    if (a->position_key)
        sum +=
            dot(q, a->position_key + distance_row(relative, -distance) * width + head * size, size);
    if (a->position_query)
        sum += dot(
            k, a->position_query + distance_row(relative, -distance) * width + head * size, size);
    sum *= (double)network->attention_scale;
    if (a->context->relative_bias)
        sum += a->context->relative_bias[bias_bucket(relative, distance) * network->heads + head];
    return sum;
}

/* The mixture of values for query i of a head. */
static void attend(const struct attention *a, size_t head, size_t i, double *out)
{
    const struct vf_network *network = a->context->network;
    size_t kv_head = head * network->kv_heads / network->heads, size = network->head_size;
    double *weight = allocate(a->n, sizeof(*weight)), sum = 0, largest = -HUGE_VAL;
    for (size_t j = 0; j < a->n; j++) {
        bool seen = j <= i ? i - j <= a->kind->before : j - i <= a->kind->after;
        weight[j] = seen ? score(a, head, i, j) : -HUGE_VAL;
        largest = fmax(largest, weight[j]);
    }
    for (size_t j = 0; j < a->n; j++)
        sum += weight[j] = exp(weight[j] - largest);
    for (size_t d = 0; d < size; d++)
        for (size_t j = 0; j < a->n; j++)
            out[d] += weight[j] / sum * a->v[(j * network->kv_heads + kv_head) * size + d];
    free(weight);
}

static double *attention(const struct context *context, const struct vf_layer_tensors *layer,
    const struct vf_attention_kind *kind, const double *x, size_t n)
{
    const struct vf_network *network = context->network;
    const struct vf_relative *relative = &network->relative;
    size_t width = network->heads * network->head_size, rows = vf_distance_rows(relative);
    struct attention a = {.context = context, .kind = kind, .n = n};
    bool shared = relative->share_projections;
    a.q = project(network, kind, &layer->query, &layer->query_norm, x, n);
    a.k = project(network, kind, &layer->key, &layer->key_norm, x, n);
    a.v = map(x, n, &layer->value);
    if (context->distances && relative->content_to_position)
        a.position_key = map(context->distances, rows, shared ? &layer->key : &layer->position_key);
    if (context->distances && relative->position_to_content)
        a.position_query =
            map(context->distances, rows, shared ? &layer->query : &layer->position_query);
    double *mixed = allocate(n * width, sizeof(*mixed));
    for (size_t i = 0; i < n; i++)
        for (size_t head = 0; head < network->heads; head++)
            attend(&a, head, i, mixed + i * width + head * network->head_size);
    double *out = map(mixed, n, &layer->attention_output);
    free(mixed);
    free(a.q);
    free(a.k);
    free(a.v);
    free(a.position_key);
    free(a.position_query);
    return out;
}

static double *feed_forward(const struct vf_network *network, const struct vf_layer_tensors *layer,
    const double *x, size_t n)
{
    size_t size = n * network->intermediate_size;
    double *inner = map(x, n, &layer->up);
    if (network->gated) {
        double *gate = map(x, n, &layer->gate);
        for (size_t i = 0; i < size; i++)
            inner[i] *= activate(network->activation, gate[i]);
        free(gate);
    } else {
        for (size_t i = 0; i < size; i++)
            inner[i] = activate(network->activation, inner[i]);
    }
    double *out = map(inner, n, &layer->down);
    free(inner);
    return out;
}

static void run_layer(const struct context *context, size_t index, double *x, size_t n)
{
    const struct vf_network *network = context->network;
    const struct vf_layer_tensors *layer = &context->tensors->layers[network->layer_weights[index]];
    const struct vf_attention_kind *kind = &network->attention[network->attention_of_layer[index]];
    size_t size = n * network->hidden_size;
    double *input = copy(x, size);
    norm(network, &layer->attention_norms.input, input, size);
    double *update = attention(context, layer, kind, input, n);
    norm(network, &layer->attention_norms.output, update, size);
    add(x, update, size);
    norm(network, &layer->attention_norms.sum, x, size);
    memcpy(input, x, size * sizeof(*x));
    norm(network, &layer->ffn_norms.input, input, size);
    update = feed_forward(network, layer, input, n);
    norm(network, &layer->ffn_norms.output, update, size);
    add(x, update, size);
    norm(network, &layer->ffn_norms.sum, x, size);
    free(input);
}

/* The states that enter the first layer; the caller frees them. */
static double *embed(const struct vf_network *network, const struct vf_network_tensors *tensors,
    const int32_t *ids, size_t n)
{
    size_t size = network->embedding_size, next = (size_t)(network->padding_id + 1);
    double *words = read_tensor(&tensors->word_embeddings);
    double *x = allocate(n * size, sizeof(*x));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < size; j++)
            x[i * size + j] = words[(size_t)ids[i] * size + j] * (double)network->embedding_scale;
    free(words);
    if (tensors->position_embeddings.data) {
        double *positions = read_tensor(&tensors->position_embeddings);
        for (size_t i = 0; i < n; i++) {
            size_t row = ids[i] == network->padding_id ? (size_t)ids[i] : next++;
            for (size_t j = 0; j < size; j++)
                x[i * size + j] += positions[row * size + j];
        }
        free(positions);
    }
    if (tensors->token_type_embeddings.data) {
        double *types = read_tensor(&tensors->token_type_embeddings);
        for (size_t i = 0; i < n * size; i++)
            x[i] += types[i % size];
        free(types);
    }
    norm(network, &tensors->embeddings_norm, x, n * size);
    if (network->projects_embeddings) {
        double *projected = map(x, n, &tensors->embeddings_projection);
        free(x);
        x = projected;
    }
    return x;
}

static void pool(const struct vf_model_config *config, const double *x, size_t n, double *vector)
{
    size_t hidden = config->network.hidden_size;
    double squares = 0;
    for (size_t j = 0; j < hidden; j++) {
        double sum = 0, largest = -HUGE_VAL;
        for (size_t i = 0; i < n; i++) {
            sum += x[i * hidden + j];
            largest = fmax(largest, x[i * hidden + j]);
        }
        vector[j] = config->head.poolings[0] == VF_POOL_MEAN   ? sum / (double)n
                    : config->head.poolings[0] == VF_POOL_MAX  ? largest
                    : config->head.poolings[0] == VF_POOL_LAST ? x[(n - 1) * hidden + j]
                                                               : x[j];
        squares += vector[j] * vector[j];
    }
    for (size_t j = 0; config->head.normalized && j < hidden; j++)
        vector[j] /= sqrt(squares);
}

void naive_network(const struct vf_model *model, const int32_t *ids, size_t n, double *vector)
{
    const struct vf_model_config *config = vf_model_config(model);
    const struct vf_network *network = &config->network;
    const struct vf_network_tensors *tensors = vf_model_tensors(model);
    struct context context = {.network = network, .tensors = tensors};
    if (tensors->relative_bias.data)
        context.relative_bias = read_tensor(&tensors->relative_bias);
    if (tensors->distance_embeddings.data) {
        context.distances = read_tensor(&tensors->distance_embeddings);
        norm(network, &tensors->distance_norm, context.distances,
            vf_distance_rows(&network->relative) * network->hidden_size);
    }
    double *x = embed(network, tensors, ids, n);
    for (size_t i = 0; i < network->layers; i++)
        run_layer(&context, i, x, n);
    norm(network, &tensors->final_norm, x, n * network->hidden_size);
    pool(config, x, n, vector);
    free(context.relative_bias);
    free(context.distances);
    free(x);
}
