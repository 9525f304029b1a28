#include "encoder/tap.h"

#include <assert.h>

void vf_tap_record(
    struct vf_tap *tap, const struct vf_packed_linear *linear, const float *a, size_t lda, size_t m)
{
    size_t i = 0;
    while (i < tap->n && tap->sources[i].linear != linear)
        i++;
    assert(i < tap->n && tap->rows[i] + m <= tap->max_rows);
    float *column = tap->inputs[i] + tap->rows[i];
    for (size_t p = 0; p < linear->k; p++, column += tap->max_rows)
        for (size_t r = 0; r < m; r++)
            column[r] = a[r * lda + p];
    tap->rows[i] += m;
}
