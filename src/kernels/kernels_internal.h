/* The kernels of all tiers, each named operation__tier and defined in the file of that name. */
#ifndef VF_KERNELS_KERNELS_INTERNAL_H
#define VF_KERNELS_KERNELS_INTERNAL_H

#include "kernels/kernels.h"

/* The register tile of linear_f32, per tier: rows, columns of a panel, floats of a vector. Macros,
 * for templates choose by them.
 *
 * AVX-512: 14 x 2 vectors leave 4 of 32 registers for operands; per k 16 loads feed 28
 * multiply-adds. 8 x 3 is as fast, but 32 columns divide more matrices and head sizes than 48.
 * AVX2: 6 x 2 leave 4 of 16; per k 8 loads feed 12.
 * NEON: 6 x 4 leave 8 of 32; per k 10 loads feed 24. 8 x 3 would take 11, and its 12 columns divide
 * fewer matrices and head sizes. */
#define VF_TILE_ROWS_REF 1
#define VF_PANEL_COLUMNS_REF 8
#define VF_PANEL_UNIT_REF 4

/* 6 x 2 leave 4 of SSE2's 16. */
#define VF_TILE_ROWS_PORTABLE 6
#define VF_PANEL_COLUMNS_PORTABLE 8
#define VF_PANEL_UNIT_PORTABLE 4

#define VF_TILE_ROWS_AVX2 6
#define VF_PANEL_COLUMNS_AVX2 16
#define VF_PANEL_UNIT_AVX2 8

#define VF_TILE_ROWS_AVX512 14
#define VF_PANEL_COLUMNS_AVX512 32
#define VF_PANEL_UNIT_AVX512 16

#define VF_TILE_ROWS_NEON 6
#define VF_PANEL_COLUMNS_NEON 16
#define VF_PANEL_UNIT_NEON 4

/* The most keys of a block of attention_f32, per tier: keys and values of a block should stay in
 * the second-level cache beside the sums of a group of queries, also at a head size of 128, where
 * a key takes 1 KB; and they should be many, for joining blocks costs time.
 *
 * AVX-512: 512, for such processors have 1 MB and more. Others: 256, for some have 256 KB,
 * enough for head sizes up to 64. */
#define VF_ATTENTION_BLOCK_PORTABLE 256
#define VF_ATTENTION_BLOCK_AVX2 256
#define VF_ATTENTION_BLOCK_AVX512 512
#define VF_ATTENTION_BLOCK_NEON 256

/* The keys that query i of an attention sees: from seen_from up to, but not including, seen_to. */
static inline size_t vf_seen_from(const struct vf_attention_f32 *op, size_t i)
{
    size_t position = op->first + i;
    return position > op->before ? position - op->before : 0;
}

static inline size_t vf_seen_to(const struct vf_attention_f32 *op, size_t i)
{
    size_t position = op->first + i;
    return op->after < op->n && position + op->after < op->n ? position + op->after + 1 : op->n;
}

/* Where linear_int8 makes do without dot products of bytes, an output has two sums, so that a panel
 * has half of the columns. */
#define VF_PANEL_COLUMNS_INT8_AVX2 (VF_PANEL_COLUMNS_AVX2 / 2)
#define VF_PANEL_COLUMNS_INT8_AVX512 (VF_PANEL_COLUMNS_AVX512 / 2)
#define VF_PANEL_COLUMNS_INT8_NEON (VF_PANEL_COLUMNS_NEON / 2)

/* The epilogue by the mathematics library. */
float vf_epilogue__ref(enum vf_epilogue epilogue, float x);

vf_pack_panel_f32_fn vf_pack_panel_f32__ref;
vf_linear_f32_fn vf_linear_f32__ref;
vf_linear_bf16_fn vf_linear_bf16__ref;
vf_linear_scratch_fn vf_linear_scratch_bf16__ref;
vf_quantize_int8_fn vf_quantize_int8__ref;
vf_linear_int8_fn vf_linear_int8__ref;
vf_add_norm_f32_fn vf_add_norm_f32__ref;
vf_add_f32_fn vf_add_f32__ref;
vf_gate_f32_fn vf_gate_f32__ref;
vf_rotate_f32_fn vf_rotate_f32__ref;
vf_attention_f32_fn vf_attention_f32__ref;
vf_attention_scratch_fn vf_attention_scratch_f32__ref;
vf_pool_f32_fn vf_pool_mean_f32__ref;
vf_pool_f32_fn vf_pool_max_f32__ref;
vf_peak_fn vf_peak_f32__ref;
vf_peak_fn vf_peak_int8__ref;

vf_pack_panel_f32_fn vf_pack_panel_f32__portable;
vf_linear_f32_fn vf_linear_f32__portable;
vf_linear_bf16_fn vf_linear_bf16__portable;
vf_linear_scratch_fn vf_linear_scratch_bf16__portable;
vf_attention_f32_fn vf_attention_f32__portable;
vf_attention_scratch_fn vf_attention_scratch_f32__portable;
vf_gate_f32_fn vf_gate_f32__portable;

vf_pack_panel_f32_fn vf_pack_panel_f32__avx2;
vf_linear_f32_fn vf_linear_f32__avx2;
vf_linear_f32_fn vf_linear_portable__avx2;
vf_linear_bf16_fn vf_linear_bf16__avx2;
vf_linear_scratch_fn vf_linear_scratch_bf16__avx2;
vf_add_norm_f32_fn vf_add_norm_f32__avx2;
vf_add_f32_fn vf_add_f32__avx2;
vf_gate_f32_fn vf_gate_f32__avx2;
vf_rotate_f32_fn vf_rotate_f32__avx2;
vf_attention_f32_fn vf_attention_f32__avx2;
vf_attention_scratch_fn vf_attention_scratch_f32__avx2;
vf_pool_f32_fn vf_pool_mean_f32__avx2;
vf_peak_fn vf_peak_f32__avx2;
vf_quantize_int8_fn vf_quantize_int8__avx2;
vf_linear_int8_fn vf_linear_int8__avx2;
vf_peak_fn vf_peak_int8__avx2;

vf_pack_panel_f32_fn vf_pack_panel_f32__avx512;
vf_linear_f32_fn vf_linear_f32__avx512;
vf_linear_f32_fn vf_linear_portable__avx512;
vf_linear_bf16_fn vf_linear_bf16__avx512;
vf_linear_scratch_fn vf_linear_scratch_bf16__avx512;
vf_add_norm_f32_fn vf_add_norm_f32__avx512;
vf_add_f32_fn vf_add_f32__avx512;
vf_gate_f32_fn vf_gate_f32__avx512;
vf_rotate_f32_fn vf_rotate_f32__avx512;
vf_attention_f32_fn vf_attention_f32__avx512;
vf_attention_scratch_fn vf_attention_scratch_f32__avx512;
vf_pool_f32_fn vf_pool_mean_f32__avx512;
vf_peak_fn vf_peak_f32__avx512;
vf_quantize_int8_fn vf_quantize_int8__avx512;
vf_linear_int8_fn vf_linear_int8__avx512;
vf_peak_fn vf_peak_int8__avx512;

vf_quantize_int8_fn vf_quantize_int8__avxvnni;
vf_linear_int8_fn vf_linear_int8__avxvnni;
vf_attention_f32_fn vf_attention_int16__avxvnni;
vf_attention_scratch_fn vf_attention_scratch_int16__avxvnni;
vf_peak_fn vf_peak_int8__avxvnni;

vf_quantize_int8_fn vf_quantize_int8__avx512vnni;
vf_linear_int8_fn vf_linear_int8__avx512vnni;
vf_attention_f32_fn vf_attention_int16__avx512vnni;
vf_attention_scratch_fn vf_attention_scratch_int16__avx512vnni;
vf_attention_f32_fn vf_attention_int8__avx512vnni;
vf_attention_scratch_fn vf_attention_scratch_int8__avx512vnni;
vf_peak_fn vf_peak_int8__avx512vnni;

vf_linear_bf16_fn vf_linear_bf16__avx512bf16;
vf_linear_scratch_fn vf_linear_scratch_bf16__avx512bf16;
vf_peak_fn vf_peak_bf16__avx512bf16;

vf_pack_panel_f32_fn vf_pack_panel_f32__neon;
vf_linear_f32_fn vf_linear_f32__neon;
vf_linear_bf16_fn vf_linear_bf16__neon;
vf_linear_scratch_fn vf_linear_scratch_bf16__neon;
vf_add_norm_f32_fn vf_add_norm_f32__neon;
vf_add_f32_fn vf_add_f32__neon;
vf_gate_f32_fn vf_gate_f32__neon;
vf_rotate_f32_fn vf_rotate_f32__neon;
vf_attention_f32_fn vf_attention_f32__neon;
vf_attention_scratch_fn vf_attention_scratch_f32__neon;
vf_pool_f32_fn vf_pool_mean_f32__neon;
vf_peak_fn vf_peak_f32__neon;
vf_quantize_int8_fn vf_quantize_int8__neon;
vf_linear_int8_fn vf_linear_int8__neon;
vf_peak_fn vf_peak_int8__neon;

vf_linear_int8_fn vf_linear_int8__dotprod;
vf_peak_fn vf_peak_int8__dotprod;

vf_linear_bf16_fn vf_linear_bf16__armbf16;
vf_linear_scratch_fn vf_linear_scratch_bf16__armbf16;
vf_peak_fn vf_peak_bf16__armbf16;

#endif
