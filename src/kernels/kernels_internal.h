/* The kernels of all tiers, each named operation__tier and defined in the file of that name. */
#ifndef VF_KERNELS_KERNELS_INTERNAL_H
#define VF_KERNELS_KERNELS_INTERNAL_H

#include "kernels/kernels.h"

/* The shape of linear_f32's register tile, per tier. */
enum { VF_PANEL_COLUMNS_REF = 8, VF_PANEL_UNIT_REF = 4, VF_TILE_ROWS_REF = 1 };

vf_pack_panel_f32_fn vf_pack_panel_f32__ref;
vf_linear_f32_fn vf_linear_f32__ref;
vf_add_norm_f32_fn vf_add_norm_f32__ref;
vf_attention_f32_fn vf_attention_f32__ref;
vf_attention_scratch_fn vf_attention_scratch_f32__ref;
vf_pool_f32_fn vf_pool_mean_f32__ref;
vf_pool_f32_fn vf_pool_max_f32__ref;
vf_peak_fn vf_peak_f32__ref;

#endif
