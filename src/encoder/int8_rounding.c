#include "encoder/int8_rounding.h"

#include "kernels/kernels.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Outputs that are rounded side by side. */
enum { LANES = 8 };

/* This part of the mean of the diagonal is added to the diagonal of the products, so that their
 * inverse does not follow the calibration more closely than its size warrants. */
static const double DAMPING = 0.03;

/* A float added to this is rounded to the nearest integer, ties to even. */
static const float TO_INTEGER = 0x1.8p23f;

/* The inputs of a block in the order in which they are eliminated. */
struct input {
    double energy; /* the sum of squares */
    size_t at;     /* in the block */
};

/* The scratch of a block of `size` inputs. */
struct work {
    size_t size;
    double *products; /* [size][size]; then its Cholesky factor, upper */
    double *inverse;  /* [size][size], of the transposed factor, lower */
    float *shares;    /* the same in float */
    float *weights;   /* [size][LANES] */
    float *row;       /* [k] */
    struct input *order;
};

static size_t take(size_t *end, size_t bytes)
{
    size_t start = *end;
    *end = (start + bytes + VF_ARENA_ALIGNMENT - 1) / VF_ARENA_ALIGNMENT * VF_ARENA_ALIGNMENT;
    return start;
}

/* Lays out `work` in `scratch`, or only measures it when that is NULL. */
static size_t place_work(struct work *work, size_t size, size_t k, char *scratch)
{
    size_t end = 0, square = size * size;
    size_t products = take(&end, square * sizeof(double));
    size_t inverse = take(&end, square * sizeof(double));
    size_t shares = take(&end, square * sizeof(float));
    size_t weights = take(&end, size * LANES * sizeof(float));
    size_t row = take(&end, k * sizeof(float));
    size_t order = take(&end, size * sizeof(struct input));
    if (scratch)
        *work = (struct work){
            .size = size,
            .products = (double *)(void *)(scratch + products),
            .inverse = (double *)(void *)(scratch + inverse),
            .shares = (float *)(void *)(scratch + shares),
            .weights = (float *)(void *)(scratch + weights),
            .row = (float *)(void *)(scratch + row),
            .order = (struct input *)(void *)(scratch + order),
        };
    return end;
}

size_t vf_int8_scratch_bytes(size_t k)
{
    return place_work(NULL, k < VF_INPUT_BLOCK_MAX ? k : VF_INPUT_BLOCK_MAX, k, NULL);
}

void vf_int8_scale(const struct vf_linear_source *source, const struct vf_input_statistics *inputs,
    float *row, struct vf_int8_linear *to)
{
    memset(to->factors, 0, to->k * sizeof(float));
    for (size_t j = 0; j < to->n; j++) {
        vf_linear_source_read(source, j, 1, row);
        for (size_t i = 0; i < to->k; i++)
            if (fabsf(row[i]) > to->factors[i])
                to->factors[i] = fabsf(row[i]);
    }
    /* Half of the difference in size goes from the inputs to the weights. */
    for (size_t i = 0; i < to->k; i++) {
        float input = inputs->largest[i], weight = to->factors[i];
        to->factors[i] = input >= FLT_MIN && weight >= FLT_MIN ? sqrtf(weight / input) : 1;
    }
    for (size_t j = 0; j < to->n; j++) {
        float largest = 0;
        vf_linear_source_read(source, j, 1, row);
        for (size_t i = 0; i < to->k; i++)
            if (fabsf(row[i] / to->factors[i]) > largest)
                largest = fabsf(row[i] / to->factors[i]);
        to->scales[j] = largest / VF_INT8_WEIGHT_MAX;
    }
}

static int by_energy(const void *a, const void *b)
{
    const struct input *x = a, *y = b;
    if (x->energy != y->energy)
        return x->energy < y->energy ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Fills work->products with those of the inputs times their factors, in ascending order of energy,
 * damped: the upper triangle. False when they are not finite. */
static bool order_products(
    struct work *work, const float *products, size_t ld, const float *factors)
{
    size_t size = work->size;
    double sum = 0;
    for (size_t i = 0; i < size; i++) {
        double energy = (double)products[i * ld + i] * (double)factors[i] * (double)factors[i];
        work->order[i] = (struct input){energy, i};
        sum += energy;
    }
    if (!isfinite(sum))
        return false;
    qsort(work->order, size, sizeof(*work->order), by_energy);
    double damping = sum > 0 ? DAMPING * sum / (double)size : 1;
    for (size_t i = 0; i < size; i++)
        for (size_t j = i; j < size; j++) {
            size_t a = work->order[i].at, b = work->order[j].at;
            double product = (double)(a < b ? products[a * ld + b] : products[b * ld + a]);
            work->products[i * size + j] =
                product * (double)factors[a] * (double)factors[b] + (i == j ? damping : 0);
        }
    return true;
}

/* Replaces the upper triangle of a symmetric matrix by R, with matrix = R^T R. */
static void factorize(double *matrix, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        double *row = matrix + i * size, scale = 1 / sqrt(row[i]);
        for (size_t j = i; j < size; j++)
            row[j] *= scale;
        for (size_t r = i + 1; r < size; r++) {
            double *below = matrix + r * size, part = row[r];
            for (size_t j = r; j < size; j++)
                below[j] -= part * row[j];
        }
    }
}

/* inverse = the inverse of R^T, lower; with matrix = R^T R, the inverse of the matrix is
 * inverse^T inverse. */
static void invert(const double *factor, size_t size, double *inverse)
{
    for (size_t i = 0; i < size; i++) {
        double *row = inverse + i * size, scale = 1 / factor[i * size + i];
        memset(row, 0, size * sizeof(*row));
        for (size_t j = 0; j < i; j++) {
            double part = factor[j * size + i];
            const double *above = inverse + j * size;
            for (size_t l = 0; l <= j; l++)
                row[l] -= part * above[l];
        }
        for (size_t l = 0; l < i; l++)
            row[l] *= scale;
        row[i] = scale;
    }
}

/* For each input, what an error of its weight of 1 takes from the weights of those of less energy,
 * given that theirs may still make good for it. */
static void find_shares(struct work *work)
{
    size_t size = work->size;
    factorize(work->products, size);
    invert(work->products, size, work->inverse);
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < i; j++)
            work->shares[i * size + j] =
                (float)(work->inverse[i * size + j] / work->inverse[i * size + i]);
}

/* Rounds the weights of up to LANES outputs from `first` on, from the input of most energy down. */
static void round_outputs(
    const struct work *work, size_t start, size_t first, size_t count, struct vf_int8_linear *to)
{
    float scale[LANES] = {0}, inverse[LANES] = {0}, error[LANES];
    for (size_t lane = 0; lane < count; lane++) {
        scale[lane] = to->scales[first + lane];
        inverse[lane] = scale[lane] > 0 ? 1 / scale[lane] : 0;
    }
    for (size_t i = work->size; i-- > 0;) {
        const float *shares = work->shares + i * work->size;
        float *weights = work->weights + i * LANES;
        for (size_t lane = 0; lane < LANES; lane++) {
            float q = weights[lane] * inverse[lane];
            q = q > VF_INT8_WEIGHT_MAX ? VF_INT8_WEIGHT_MAX : q;
            q = q < -VF_INT8_WEIGHT_MAX ? -VF_INT8_WEIGHT_MAX : q;
            q = (q + TO_INTEGER) - TO_INTEGER;
            error[lane] = weights[lane] - q * scale[lane];
            weights[lane] = q;
        }
        for (size_t j = 0; j < i; j++)
            for (size_t lane = 0; lane < LANES; lane++)
                work->weights[j * LANES + lane] -= shares[j] * error[lane];
    }
    for (size_t lane = 0; lane < count; lane++)
        for (size_t i = 0; i < work->size; i++)
            to->weights[(first + lane) * to->k + start + work->order[i].at] =
                (int8_t)work->weights[i * LANES + lane];
}

/* Reads the weights of up to LANES outputs, in the order of the inputs. */
static void read_outputs(const struct vf_linear_source *source, const struct vf_int8_linear *to,
    size_t start, size_t first, size_t count, const struct work *work)
{
    memset(work->weights, 0, work->size * LANES * sizeof(float));
    for (size_t lane = 0; lane < count; lane++) {
        vf_linear_source_read(source, first + lane, 1, work->row);
        for (size_t i = 0; i < work->size; i++) {
            size_t at = start + work->order[i].at;
            work->weights[i * LANES + lane] = work->row[at] / to->factors[at];
        }
    }
}

int vf_int8_round_block(const struct vf_linear_source *source,
    const struct vf_input_statistics *inputs, size_t block, void *scratch,
    struct vf_int8_linear *to, struct vf_err *err)
{
    struct work work = {0};
    size_t start = block * inputs->block, left = to->k - start;
    const float *products = inputs->products + block * inputs->block * inputs->block;
    place_work(&work, left < inputs->block ? left : inputs->block, to->k, scratch);
    if (!order_products(&work, products, inputs->block, to->factors + start))
        return vf_fail(err, VF_ERR_DATA,
            "the model computes numbers that are not finite: it cannot be rounded to 8 bits");
    find_shares(&work);
    for (size_t first = 0; first < to->n; first += LANES) {
        size_t count = to->n - first < LANES ? to->n - first : LANES;
        read_outputs(source, to, start, first, count, &work);
        round_outputs(&work, start, first, count, to);
    }
    return 0;
}
