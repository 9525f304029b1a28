#include "kernels/kernel_fixture.h"

#include "harness.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint32_t canary_bits = 0x7FC0DEADu; /* a quiet NaN */

static bool is_canary(const float *p)
{
    return memcmp(p, &canary_bits, sizeof *p) == 0;
}

struct matrix matrix_new(size_t rows, size_t cols, size_t ld, enum place place)
{
    assert_true(ld >= cols);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t floats = rows > 0 ? (rows - 1) * ld + cols : 0;
    size_t bytes = floats * sizeof(float);
    size_t canvas_bytes = (bytes / page + 1) * page;
    struct matrix m = {.rows = rows, .cols = cols, .ld = ld};
    m.map_bytes = canvas_bytes + 2 * page;
    m.map = mmap(NULL, m.map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(m.map != MAP_FAILED);
    char *canvas = (char *)m.map + page;
    assert_int_equal(mprotect(canvas, canvas_bytes, PROT_READ | PROT_WRITE), 0);
    m.canvas = (float *)(void *)canvas;
    m.canvas_floats = canvas_bytes / sizeof(float);
    for (size_t i = 0; i < m.canvas_floats; i++)
        memcpy(&m.canvas[i], &canary_bits, sizeof canary_bits);
    size_t offset = place == AFTER_GUARD ? 0 : canvas_bytes - bytes;
    if (place == BEFORE_GUARD_ALIGNED)
        offset &= ~(size_t)63;
    m.at = (float *)(void *)(canvas + offset);
    return m;
}

void matrix_free(struct matrix *matrix)
{
    if (matrix->map)
        munmap(matrix->map, matrix->map_bytes);
    *matrix = (struct matrix){0};
}

void matrix_check_canaries(const struct matrix *m, const char *name)
{
    size_t first = (size_t)(m->at - m->canvas);
    for (size_t i = 0; i < m->canvas_floats; i++) {
        bool inside = i >= first && (i - first) / m->ld < m->rows && (i - first) % m->ld < m->cols;
        vf_check(inside || is_canary(&m->canvas[i]), "%s: wrote at %td floats from the beginning",
            name, (ptrdiff_t)i - (ptrdiff_t)first);
    }
}

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
uint64_t random_bits(struct random *random)
{
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

float random_float(struct random *random)
{
    return (float)(random_bits(random) >> 40) * 0x1p-23f - 1;
}

void matrix_fill_integers(struct matrix *matrix, struct random *random, unsigned max, float scale)
{
    for (size_t i = 0; i < matrix->rows; i++)
        for (size_t j = 0; j < matrix->cols; j++) {
            int value = (int)(random_bits(random) % (2 * max + 1)) - (int)max;
            matrix_row(matrix, i)[j] = (float)value * scale;
        }
}

void matrix_fill_random(struct matrix *matrix, struct random *random, float scale)
{
    for (size_t i = 0; i < matrix->rows; i++)
        for (size_t j = 0; j < matrix->cols; j++)
            matrix_row(matrix, i)[j] = scale * random_float(random);
}

void matrix_fill(struct matrix *matrix, float value)
{
    for (size_t i = 0; i < matrix->rows; i++)
        for (size_t j = 0; j < matrix->cols; j++)
            matrix_row(matrix, i)[j] = value;
}

void matrix_check_same_bits(const struct matrix *got, const struct matrix *want, const char *name)
{
    for (size_t i = 0; i < want->rows; i++)
        for (size_t j = 0; j < want->cols; j++) {
            const float *g = &matrix_row(got, i)[j], *w = &matrix_row(want, i)[j];
            vf_check(memcmp(g, w, sizeof *g) == 0, "%s: row %zu, column %zu: %a is not %a", name, i,
                j, (double)*g, (double)*w);
        }
}

void check_near(float got, double want, double tolerance, const char *name, size_t row, size_t col)
{
    double difference = fabs((double)got - want);
    vf_check(difference <= tolerance,
        "%s: row %zu, column %zu: %.9g is not %.9g; off by %.3g, more than %.3g", name, row, col,
        (double)got, want, difference, tolerance);
}
