/* What the kernel tests share: matrices that end or begin at an inaccessible page, and random
 * numbers that are the same in every run. */
#ifndef VF_TESTS_KERNEL_FIXTURE_H
#define VF_TESTS_KERNEL_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#define VF_U 0x1p-24 /* half an ulp of 1, as kernels.h has it */

enum place {
    AFTER_GUARD,          /* the first element follows an inaccessible page; 64-byte aligned */
    BEFORE_GUARD,         /* the last element precedes one; aligned to a float */
    BEFORE_GUARD_ALIGNED, /* 64-byte aligned, as near to one as that allows */
};

/* Rows of `cols` floats, `ld` floats apart. All bytes around and between the rows are canaries
 * that read as NaN. */
struct matrix {
    float *at;
    size_t rows, cols, ld;
    float *canvas; /* the accessible pages */
    size_t canvas_floats;
    void *map; /* with the inaccessible pages */
    size_t map_bytes;
};

/* A matrix whose elements are canaries too. `rows` may be 0. The test fails without memory. */
struct matrix matrix_new(size_t rows, size_t cols, size_t ld, enum place place);
void matrix_free(struct matrix *matrix);

/* Fails the test, naming `name`, when a float around or between the rows was written. */
void matrix_check_canaries(const struct matrix *matrix, const char *name);

static inline float *matrix_row(const struct matrix *matrix, size_t row)
{
    return matrix->at + row * matrix->ld;
}

struct random {
    uint64_t state;
};

uint64_t random_bits(struct random *random);

/* Uniform in [-1, 1). */
float random_float(struct random *random);

/* Integers in [-max, max] times `scale`: with a power of two as scale, sums of their products are
 * exact in any order while they stay below 2^24 times the scales. */
void matrix_fill_integers(struct matrix *matrix, struct random *random, unsigned max, float scale);

/* Uniform in [-scale, scale). */
void matrix_fill_random(struct matrix *matrix, struct random *random, float scale);

void matrix_fill(struct matrix *matrix, float value);

/* Fails the test unless both hold the same bits. */
void matrix_check_same_bits(const struct matrix *got, const struct matrix *want, const char *name);

/* Fails the test unless |got - want| <= tolerance; NaN fails. */
void check_near(float got, double want, double tolerance, const char *name, size_t row, size_t col);

#endif
