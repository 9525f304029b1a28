/* NumPy's .npy format, version 1.0: float32 rows whose number is known only at the end. */
#ifndef VF_CLI_NPY_H
#define VF_CLI_NPY_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define VF_NPY_HEADER_BYTES 128

/* The header of an array of `rows` x `columns` little-endian float32, row by row. */
void vf_npy_header(uint64_t rows, size_t columns, char ret[VF_NPY_HEADER_BYTES]);

/* Writes `n` floats as little-endian bytes. */
VF_MUST_CHECK int vf_npy_write(FILE *out, const float *values, size_t n, struct vf_err *err);

#endif
