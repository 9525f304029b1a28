#include "kernels/kernels.h"

void vf_pack_panel_int8(const struct vf_kernels *kernels, const int8_t *rows, size_t ld_rows,
    size_t n, size_t k, int8_t *panel, int32_t *sums)
{
    size_t unit = kernels->panel_unit_int8, width = (n + unit - 1) / unit * unit;
    for (size_t j = 0; j < n; j++) {
        sums[j] = 0;
        for (size_t p = 0; p < k; p++)
            sums[j] += rows[j * ld_rows + p];
    }
    for (size_t p = 0; p < k; p += VF_INT8_GROUP, panel += VF_INT8_GROUP * width)
        for (size_t j = 0; j < width; j++)
            for (size_t i = 0; i < VF_INT8_GROUP; i++)
                panel[VF_INT8_GROUP * j + i] = j < n && p + i < k ? rows[j * ld_rows + p + i] : 0;
}
