#include "kernels/kernels.h"

#include "cpu/cpu.h"
#include "kernels/kernels_internal.h"

static void fill_ref(struct vf_kernels *kernels)
{
    *kernels = (struct vf_kernels){
        .tier = "ref",
        .panel_columns = VF_PANEL_COLUMNS_REF,
        .panel_unit = VF_PANEL_UNIT_REF,
        .tile_rows = VF_TILE_ROWS_REF,
        .pack_panel_f32 = vf_pack_panel_f32__ref,
        .linear_f32 = vf_linear_f32__ref,
        .add_norm_f32 = vf_add_norm_f32__ref,
        .attention_f32 = vf_attention_f32__ref,
        .attention_scratch_f32 = vf_attention_scratch_f32__ref,
        .pool_mean_f32 = vf_pool_mean_f32__ref,
        .pool_max_f32 = vf_pool_max_f32__ref,
        .peak_f32 = vf_peak_f32__ref,
    };
}

void vf_kernels_init(struct vf_kernels *kernels, unsigned flags)
{
    fill_ref(kernels);
    (void)flags;
}
