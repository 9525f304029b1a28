#include "kernels/kernels.h"

#include "harness.h"
#include "kernels/kernel_fixture.h"
#include "kernels/kernel_tests.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* To what a slot rounds queries and keys; where it does, weights and values have 16 bits. */
enum operands { FLOATS, WORDS, BYTES };

/* The bound of the power of two that weights are made by. */
static const double exp2_bounds[] = {VF_EXP2_BOUND, VF_INT16_EXP2_BOUND, VF_INT8_EXP2_BOUND};

/* The slots that compute attention. */
struct slot {
    const char *name;
    vf_attention_f32_fn *attend;
    vf_attention_scratch_fn *scratch;
    enum operands operands;
};

enum { MAX_SLOTS = 3 };

static size_t list_slots(const struct vf_kernels *kernels, struct slot slots[MAX_SLOTS])
{
    size_t n = 0;
    slots[n++] = (struct slot){
        "attention_f32", kernels->attention_f32, kernels->attention_scratch_f32, FLOATS};
    if (kernels->attention_int16 != kernels->attention_f32)
        slots[n++] = (struct slot){
            "attention_int16", kernels->attention_int16, kernels->attention_scratch_int16, WORDS};
    if (kernels->attention_int8 != kernels->attention_int16)
        slots[n++] = (struct slot){
            "attention_int8", kernels->attention_int8, kernels->attention_scratch_int8, BYTES};
    return n;
}

/* Runs a test for every slot of a table. */
static void each_slot(
    void **state, void (*test)(const struct vf_kernels *kernels, const struct slot *slot))
{
    const struct vf_kernels *kernels = *state;
    struct slot slots[MAX_SLOTS];
    size_t n = list_slots(kernels, slots);
    for (size_t i = 0; i < n; i++)
        test(kernels, &slots[i]);
}

enum { MAX_HEAD_SIZE = 128 };

/* What 1 in a key stands for, and what is subtracted from each column of the keys before. */
struct key_rounding {
    double unit, least[MAX_HEAD_SIZE];
};

struct attention_case {
    char name[192];
    const struct slot *slot;
    struct vf_attention_f32 op;
    struct matrix q, k, v, bias, out, scratch;
    struct key_rounding keys; /* where they are rounded */
};

/* Named as in vf_attention_f32. */
struct attention_shape {
    size_t m, n, head_size, first, before, after;
    bool bias;
};

enum { MAX_SHAPES = 1024, MAX_KEYS = 1537 };

/* Every query sees all keys. */
static struct attention_shape whole(size_t m, size_t n, size_t head_size)
{
    return (struct attention_shape){m, n, head_size, 0, SIZE_MAX, SIZE_MAX, false};
}

static size_t list_shapes(const struct vf_kernels *kernels, struct attention_shape *shapes)
{
    static const size_t heads[] = {1, 3, 8, 12, 16, 24, 31, 32, 33, 48, 64, 80, 96, 128};
    static const struct attention_shape fixed[] = {
        {0, 5, 32, 0, SIZE_MAX, SIZE_MAX, false},
        {128, 128, 32, 0, SIZE_MAX, SIZE_MAX, false},
        {13, 300, 64, 0, SIZE_MAX, SIZE_MAX, true},
        {29, 512, 32, 0, SIZE_MAX, SIZE_MAX, true},
        {5, 7, 32, 0, SIZE_MAX - 1, SIZE_MAX - 1, false},
        {1, 40, 32, 39, 0, SIZE_MAX, false},
        {20, 20, 32, SIZE_MAX - 30, SIZE_MAX, SIZE_MAX, false},
        {50, 50, 64, 0, SIZE_MAX, 0, false},
        {90, 200, 32, 110, SIZE_MAX, 0, true},
        {30, 50, 32, 80, 70, 1, true},
        {1, 1, 1, 0, 0, 0, true},
        /* More keys than are worked on at a time. */
        {7, 513, 32, 0, SIZE_MAX, SIZE_MAX, false},
        {40, 1100, 24, 0, SIZE_MAX, SIZE_MAX, true},
        {300, 700, 128, 400, SIZE_MAX, 0, false},
        {300, 1500, 16, 600, 255, 300, true},
        {9, 1537, 8, 900, 64, 64, false},
    };
    static const size_t reach[] = {0, 1, 5, 16, 40, 64, SIZE_MAX};
    size_t count = 0;
    for (size_t m = 1; m <= 3 * kernels->tile_rows + 1; m++)
        shapes[count++] = whole(m, m, 32);
    for (size_t n = 1; n <= 100; n++)
        shapes[count++] = whole(1 + n % 17, n, heads[n % VF_COUNT(heads)]);
    for (size_t i = 0; i < VF_COUNT(heads); i++)
        shapes[count++] = whole(9, 37, heads[i]);
    for (size_t n = 1; n <= 131; n += 13)
        for (size_t i = 0; i < VF_COUNT(reach) * VF_COUNT(reach); i++) {
            size_t m = 1 + i % n, first = i % 3 == 0 ? 0 : n - m;
            size_t before = reach[i % VF_COUNT(reach)], after = reach[i / VF_COUNT(reach)];
            shapes[count++] =
                (struct attention_shape){m, n, heads[i % 8], first, before, after, i % 2};
        }
    for (size_t i = 0; i < VF_COUNT(fixed); i++)
        shapes[count++] = fixed[i];
    assert_true(count <= MAX_SHAPES);
    return count;
}

static struct attention_case new_case(const struct vf_kernels *kernels, const struct slot *slot,
    struct attention_shape shape, size_t index)
{
    static const size_t gaps[] = {0, 1, 64, 13};
    size_t m = shape.m, n = shape.n, size = shape.head_size;
    size_t gap = gaps[index % VF_COUNT(gaps)];
    enum place place = index % 2 ? AFTER_GUARD : BEFORE_GUARD;
    struct attention_case t = {.slot = slot};
    snprintf(t.name, sizeof t.name,
        "%s: %s: %zu queries from %zu on, %zu keys of %zu, %zu before, %zu after%s, case %zu",
        kernels->tier, slot->name, m, shape.first, n, size, shape.before, shape.after,
        shape.bias ? ", bias" : "", index);
    t.q = matrix_new(m, size, size + gap, place);
    t.k = matrix_new(n, size, size + gap, place);
    t.v = matrix_new(n, size, size + gap, place);
    t.out = matrix_new(m, size, size + gap, place);
    if (shape.bias)
        t.bias = matrix_new(m, n, n + gap, place);
    size_t floats = slot->scratch(n, size);
    t.scratch = matrix_new(1, floats, floats, BEFORE_GUARD_ALIGNED);
    t.op = (struct vf_attention_f32){.m = m,
        .n = n,
        .head_size = size,
        .first = shape.first,
        .before = shape.before,
        .after = shape.after,
        .q = t.q.at,
        .ldq = t.q.ld,
        .k = t.k.at,
        .v = t.v.at,
        .ldkv = t.k.ld,
        .bias = t.bias.at,
        .ld_bias = (ptrdiff_t)t.bias.ld,
        .out = t.out.at,
        .ldo = t.out.ld,
        .scratch = t.scratch.at};
    return t;
}

/* Whether query i sees key j. */
static bool sees(const struct attention_case *t, size_t i, size_t j)
{
    size_t position = t->op.first + i;
    return j < position ? position - j <= t->op.before : j - position <= t->op.after;
}

static void run_case(struct attention_case *t)
{
    t->slot->attend(&t->op);
    matrix_check_canaries(&t->out, t->name);
    matrix_check_canaries(&t->scratch, t->name);
}

static void free_case(struct attention_case *t)
{
    matrix_free(&t->q);
    matrix_free(&t->k);
    matrix_free(&t->v);
    matrix_free(&t->bias);
    matrix_free(&t->out);
    matrix_free(&t->scratch);
}

/* The most that rounding to a multiple of a unit is off by, in units, when what is rounded has a
 * float's error already. */
#define HALF 0.505

/* What the bound of an element depends on: a row's softmax in double. */
struct row {
    double p[MAX_KEYS];
    double error; /* of a weight, as a part of it */
    double unit;  /* and half of this beside, where weights are rounded */
};

static double largest_in_row(const struct matrix *matrix, size_t row)
{
    double largest = 0;
    for (size_t d = 0; d < matrix->cols; d++)
        largest = fmax(largest, fabs((double)matrix_row(matrix, row)[d]));
    return largest;
}

static double sum_of_row(const struct matrix *matrix, size_t row)
{
    double sum = 0;
    for (size_t d = 0; d < matrix->cols; d++)
        sum += fabs((double)matrix_row(matrix, row)[d]);
    return sum;
}

static struct key_rounding key_rounding_of(const struct attention_case *t)
{
    struct key_rounding keys = {0};
    double widest = 0, largest = 0;
    for (size_t d = 0; d < t->op.head_size; d++) {
        double low = HUGE_VAL, high = -HUGE_VAL;
        for (size_t j = 0; j < t->op.n; j++) {
            low = fmin(low, (double)matrix_row(&t->k, j)[d]);
            high = fmax(high, (double)matrix_row(&t->k, j)[d]);
        }
        widest = fmax(widest, high - low);
        largest = fmax(largest, fmax(high, -low));
        keys.least[d] = t->slot->operands == BYTES ? low : 0;
    }
    keys.unit = t->slot->operands == BYTES ? widest / 255 : largest / 32767;
    return keys;
}

/* The error of score j of row i by the rounding of queries and keys. */
static double rounding_error(const struct attention_case *t, size_t i, size_t j)
{
    const struct key_rounding *keys = &t->keys;
    double size = (double)t->op.head_size, query = sum_of_row(&t->q, i), key = 0;
    double query_unit =
        t->slot->operands == BYTES ? largest_in_row(&t->q, i) / 127 : query / (32767 - size / 2);
    for (size_t d = 0; d < t->op.head_size; d++)
        key += fabs((double)matrix_row(&t->k, j)[d] - keys->least[d]);
    return HALF * (query * keys->unit + key * query_unit) +
           HALF * HALF * size * keys->unit * query_unit;
}

/* The error of a score by what is subtracted from the keys, which changes all scores of the row. */
static double shift_error(const struct attention_case *t, size_t i)
{
    double shift = 0;
    for (size_t d = 0; d < t->op.head_size; d++)
        shift += fabs((double)matrix_row(&t->q, i)[d] * t->keys.least[d]);
    return VF_U * 8 * shift;
}

static void compute_row(const struct attention_case *t, size_t i, struct row *ret)
{
    size_t n = t->op.n, size = t->op.head_size;
    double max = -HUGE_VAL, error = 0, sum = 0;
    bool rounds = t->slot->operands != FLOATS;
    for (size_t j = 0; j < n; j++) {
        double bias = t->op.bias ? (double)matrix_row(&t->bias, i)[j] : 0;
        double magnitude = fabs(bias);
        ret->p[j] = -HUGE_VAL;
        if (!sees(t, i, j))
            continue;
        ret->p[j] = bias;
        for (size_t d = 0; d < size; d++) {
            double product = (double)matrix_row(&t->q, i)[d] * (double)matrix_row(&t->k, j)[d];
            ret->p[j] += product;
            magnitude += fabs(product);
        }
        max = fmax(max, ret->p[j]);
        double off = VF_U * (2 * (double)size + 6) * magnitude;
        if (rounds)
            off += rounding_error(t, i, j) + shift_error(t, i);
        error = fmax(error, off);
    }
    for (size_t j = 0; j < n; j++)
        sum += ret->p[j] = exp2(ret->p[j] - max);
    for (size_t j = 0; j < n; j++)
        ret->p[j] /= sum;
    ret->error = expm1(log(2) * error) + exp2_bounds[t->slot->operands];
    ret->unit = rounds ? VF_INT16_WEIGHT_UNIT * (1 + ret->error) / sum : 0;
}

/* Checks row `i` against the formula in double. A weight p becomes p' with |p' - p| <= e, and so a
 * sum of values divided by the sum of the p' is off by at most sum e |v - mean| / sum p'. */
static void check_row(const struct attention_case *t, size_t i)
{
    static struct row row;
    size_t n = t->op.n;
    compute_row(t, i, &row);
    for (size_t d = 0; d < t->op.head_size; d++) {
        double want = 0, magnitude = 0, most = 0, off = 0, least_sum = 1;
        for (size_t j = 0; j < n; j++) {
            double v = (double)matrix_row(&t->v, j)[d];
            want += row.p[j] * v;
            magnitude += row.p[j] * fabs(v);
            most = fmax(most, fabs(v));
        }
        for (size_t j = 0; j < n; j++) {
            double e = sees(t, i, j) ? row.error * row.p[j] + HALF * row.unit : 0;
            off += e * fabs((double)matrix_row(&t->v, j)[d] - want);
            least_sum -= e;
        }
        double rounding = (2 * (double)n + 8) * VF_U * magnitude;
        if (t->slot->operands != FLOATS)
            rounding += HALF * VF_INT16_VALUE_UNIT * most;
        float got = matrix_row(&t->out, i)[d];
        if (least_sum > 0)
            check_near(got, want, off / least_sum + rounding, t->name, i, d);
        /* However large the scores: a mean of values does not exceed them. */
        double slack = 2 * VF_EXP2_BOUND + (2 * (double)n + 8) * VF_U + HALF * VF_INT16_VALUE_UNIT;
        vf_check(fabs((double)got) <= most * (1 + slack), "%s: row %zu, column %zu: %g exceeds %g",
            t->name, i, d, (double)got, most);
    }
}

static void check_bound(const struct vf_kernels *kernels, const struct slot *slot)
{
    /* Scales of the queries; the last gives scores of tens of thousands. */
    static const float scales[] = {1, 0, 0.1f, 10, 1000};
    static struct attention_shape shapes[MAX_SHAPES];
    struct random random = {21};
    size_t count = list_shapes(kernels, shapes);
    for (size_t i = 0; i < count; i++) {
        struct attention_case t = new_case(kernels, slot, shapes[i], i);
        matrix_fill_random(&t.q, &random, scales[i % VF_COUNT(scales)]);
        matrix_fill_random(&t.k, &random, 2);
        matrix_fill_random(&t.v, &random, 3);
        if (shapes[i].bias)
            matrix_fill_random(&t.bias, &random, 8);
        if (slot->operands != FLOATS)
            t.keys = key_rounding_of(&t);
        run_case(&t);
        for (size_t r = 0; r < shapes[i].m; r++)
            check_row(&t, r);
        free_case(&t);
    }
}

void attention_is_within_its_bound(void **state)
{
    each_slot(state, check_bound);
}

/* Query i and key (7 i + 3) mod n share one large dimension, so that its value alone is chosen;
 * another lane's would be off by a whole number. Each query and each key has its own pattern of
 * signs in binary: the right pair scores +size, any other less. */
static void check_selection(const struct vf_kernels *kernels, const struct slot *slot)
{
    static const size_t keys[] = {1, 2, 7, 8, 9, 16, 17, 31, 32, 33, 64, 100, 129, 512, 513, 1000};
    enum { SIZE = 32, QUERIES = 19 };
    struct random random = {22};
    for (size_t i = 0; i < VF_COUNT(keys); i++) {
        size_t n = keys[i];
        struct attention_case t = new_case(kernels, slot, whole(QUERIES, n, SIZE), i);
        for (size_t j = 0; j < n; j++)
            for (size_t d = 0; d < SIZE; d++)
                matrix_row(&t.k, j)[d] = j >> d % 10 & 1 ? 1.0f : -1.0f;
        for (size_t r = 0; r < QUERIES; r++)
            for (size_t d = 0; d < SIZE; d++)
                matrix_row(&t.q, r)[d] = 64 * matrix_row(&t.k, (7 * r + 3) % n)[d];
        matrix_fill_integers(&t.v, &random, 1000, 1);
        run_case(&t);
        for (size_t r = 0; r < QUERIES; r++)
            for (size_t d = 0; d < SIZE; d++) {
                double want = (double)matrix_row(&t.v, (7 * r + 3) % n)[d];
                double tolerance = (2 * VF_EXP2_BOUND + (2 * (double)n + 8) * VF_U) * fabs(want);
                if (slot->operands != FLOATS)
                    tolerance += HALF * VF_INT16_VALUE_UNIT * 1000;
                check_near(matrix_row(&t.out, r)[d], want, tolerance, t.name, r, d);
            }
        free_case(&t);
    }
}

void attention_selects_one_key(void **state)
{
    each_slot(state, check_selection);
}

/* Two keys of one dimension, with scores 0 and -x and values 0 and 1: the result is the weight
 * 2^-x / (1 + 2^-x) alone. Products with 1 are exact, so that the scores have no error. Weights
 * below the normal range of float may become 0. */
static void check_powers(const struct vf_kernels *kernels, const struct slot *slot)
{
    enum { STEPS = 5000, RANGE = 200 };
    for (size_t i = 0; i <= STEPS; i++) {
        double x = (double)(float)((double)i * RANGE / STEPS);
        struct attention_case t = new_case(kernels, slot, whole(1, 2, 1), i);
        size_t first = i % 2; /* the order of the keys */
        t.q.at[0] = 1;
        matrix_row(&t.k, first)[0] = 0;
        matrix_row(&t.k, 1 - first)[0] = (float)-x;
        matrix_row(&t.v, first)[0] = 0;
        matrix_row(&t.v, 1 - first)[0] = 1;
        run_case(&t);
        double weight = exp2(-x) / (1 + exp2(-x));
        double tolerance = (2 * exp2_bounds[slot->operands] + 12 * VF_U) * weight + 0x1p-126;
        if (slot->operands != FLOATS)
            tolerance += VF_INT16_WEIGHT_UNIT;
        check_near(t.out.at[0], weight, tolerance, t.name, 0, 0);
        free_case(&t);
    }
}

void attention_weights_are_powers_of_two(void **state)
{
    each_slot(state, check_powers);
}

/* Equal scores of many keys with equal values make the largest sums there are. */
static void check_equal_values(const struct vf_kernels *kernels, const struct slot *slot)
{
    static const size_t keys[] = {1, 2, 31, 32, 255, 256, 511, 512, 513, 1024, 1100};
    enum { SIZE = 32, QUERIES = 3 };
    for (size_t i = 0; i < VF_COUNT(keys); i++) {
        struct attention_case t = new_case(kernels, slot, whole(QUERIES, keys[i], SIZE), i);
        for (size_t j = 0; j < keys[i]; j++)
            for (size_t d = 0; d < SIZE; d++) {
                matrix_row(&t.k, j)[d] = 1;
                matrix_row(&t.v, j)[d] = d % 2 ? -5 : 5;
            }
        for (size_t r = 0; r < QUERIES; r++)
            for (size_t d = 0; d < SIZE; d++)
                matrix_row(&t.q, r)[d] = (float)r;
        run_case(&t);
        for (size_t r = 0; r < QUERIES; r++)
            for (size_t d = 0; d < SIZE; d++)
                check_near(matrix_row(&t.out, r)[d], d % 2 ? -5 : 5,
                    (2 * VF_EXP2_BOUND + (2 * (double)keys[i] + 8) * VF_U) * 5, t.name, r, d);
        free_case(&t);
    }
}

void attention_to_equal_values_is_that_value(void **state)
{
    each_slot(state, check_equal_values);
}

static void check_independence(const struct vf_kernels *kernels, const struct slot *slot)
{
    size_t m = 3 * kernels->tile_rows + 1;
    const struct attention_shape shapes[] = {
        whole(m, 1, 32),
        whole(m, 15, 32),
        whole(m, 33, 32),
        whole(m, 100, 32),
        {m, m, 32, 0, SIZE_MAX, 0, false},
        {m, m, 32, 0, 3, 20, true},
        {m, 130, 32, 130 - m, 40, 2, true},
        whole(m, 1300, 32),
        {m, 1300, 32, 500, 400, 30, true},
    };
    struct random random = {23};
    for (size_t i = 0; i < VF_COUNT(shapes); i++) {
        struct attention_case t = new_case(kernels, slot, shapes[i], i);
        matrix_fill_random(&t.q, &random, 2);
        matrix_fill_random(&t.k, &random, 2);
        matrix_fill_random(&t.v, &random, 1);
        if (shapes[i].bias)
            matrix_fill_random(&t.bias, &random, 1);
        run_case(&t);
        for (size_t first = 0; first < m; first++) {
            struct matrix out = matrix_new(1 + first % (m - first), 32, 32, BEFORE_GUARD);
            struct vf_attention_f32 op = t.op;
            op.m = out.rows;
            op.first += first;
            op.q = matrix_row(&t.q, first);
            op.bias = t.op.bias ? matrix_row(&t.bias, first) : NULL;
            op.out = out.at;
            op.ldo = out.ld;
            slot->attend(&op);
            struct matrix want = t.out;
            want.at = matrix_row(&t.out, first);
            want.rows = out.rows;
            matrix_check_same_bits(&out, &want, t.name);
            matrix_free(&out);
        }
        free_case(&t);
    }
}

void attention_rows_are_independent(void **state)
{
    each_slot(state, check_independence);
}

static void check_nan(const struct vf_kernels *kernels, const struct slot *slot)
{
    enum { IN_QUERY, IN_KEY, IN_VALUE };
    static const size_t keys[] = {1, 5, 16, 33, 70};
    struct random random = {24};
    size_t m = kernels->tile_rows + 3;
    for (size_t i = 0; i < 8 * 3 * VF_COUNT(keys); i++) {
        size_t where = i % 3, n = keys[i / 3 % VF_COUNT(keys)], size = i % 2 ? 32 : 24;
        size_t row = random_bits(&random) % m, column = random_bits(&random) % size;
        size_t key = random_bits(&random) % n;
        struct attention_case t = new_case(kernels, slot, whole(m, n, size), i);
        matrix_fill_random(&t.q, &random, 1);
        matrix_fill_random(&t.k, &random, 1);
        matrix_fill_random(&t.v, &random, 1);
        struct matrix *matrices[] = {&t.q, &t.k, &t.v};
        matrix_row(matrices[where], where == IN_QUERY ? row : key)[column] = NAN;
        run_case(&t);
        for (size_t r = 0; r < m; r++)
            for (size_t d = 0; d < size; d++) {
                int want = where == IN_QUERY ? r == row : where == IN_KEY ? 1 : d == column;
                vf_check(isnan(matrix_row(&t.out, r)[d]) == want,
                    "%s: NaN at %zu: row %zu, column %zu", t.name, where, r, d);
            }
        free_case(&t);
    }
}

void attention_keeps_nan_apart(void **state)
{
    each_slot(state, check_nan);
}

static void check_scratch(const struct vf_kernels *kernels, const struct slot *slot)
{
    for (size_t size = 1; size <= 130; size++)
        for (size_t n = 1; n <= 530; n++) {
            size_t floats = slot->scratch(n, size);
            vf_check(floats > 0 && floats <= slot->scratch(n + 1, size) &&
                         floats <= slot->scratch(n, size + 1),
                "%s: %zu keys of %zu: %zu", kernels->tier, n, size, floats);
        }
}

void attention_scratch_grows(void **state)
{
    each_slot(state, check_scratch);
}
