/* A tensor as a file of weights describes it, whatever the file's format. */
#ifndef VF_MODEL_STORED_TENSOR_H
#define VF_MODEL_STORED_TENSOR_H

#include <stddef.h>

enum { VF_STORED_DIMENSIONS = 3 };

struct vf_stored_tensor {
    const char *name;  /* NUL-terminated; borrowed from the file */
    const char *dtype; /* as safetensors spells it: "F32", "BF16", "I64", … */
    const void *data;  /* the numbers in the order of the shape, perhaps unaligned; NULL when they
                          do not lie one behind the other */
    size_t n_bytes;    /* of the numbers */
    size_t rank;       /* number of dimensions */
    size_t shape[VF_STORED_DIMENSIONS]; /* the first ones */
};

#endif
