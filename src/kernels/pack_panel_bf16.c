#include "kernels/bf16.h"
#include "kernels/kernels.h"

void vf_pack_panel_bf16(const struct vf_kernels *kernels, const float *rows, size_t ld_rows,
    size_t n, size_t k, vf_bf16 *panel)
{
    size_t unit = kernels->panel_unit_bf16, width = (n + unit - 1) / unit * unit;
    for (size_t p = 0; p < k + k % 2; p += 2, panel += 2 * width)
        for (size_t j = 0; j < width; j++)
            for (size_t i = 0; i < 2; i++)
                panel[2 * j + i] =
                    j < n && p + i < k ? vf_bf16_round(rows[j * ld_rows + p + i]) : 0;
}
