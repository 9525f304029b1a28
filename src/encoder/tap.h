/* Records what a forward pass over one sequence gives to each linear map. */
#ifndef VF_ENCODER_TAP_H
#define VF_ENCODER_TAP_H

#include "encoder/packed_linear.h"
#include "encoder/weight_packing.h"

struct vf_tap {
    const struct vf_linear_source *sources; /* the maps */
    size_t n;
    size_t max_rows; /* of a sequence, and the distance of rows in `inputs` */
    size_t *rows;    /* [n], recorded so far */
    float **inputs;  /* [n], each transposed: [k][max_rows] */
};

/* Appends rows a[m][k], which are about to be given to `linear`. */
void vf_tap_record(struct vf_tap *tap, const struct vf_packed_linear *linear, const float *a,
    size_t lda, size_t m);

#endif
