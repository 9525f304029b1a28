#include "kernels/kernels.h"

#include "cpu/cpu.h"
#include "kernels/kernels_internal.h"

static void fill_ref(struct vf_kernels *kernels)
{
    *kernels = (struct vf_kernels){
        .tier = "ref",
        .name_f32 = "ref",
        .name_bf16 = "ref (bf16 weights)",
        .name_int8 = "ref",
        .panel_columns = VF_PANEL_COLUMNS_REF,
        .panel_unit = VF_PANEL_UNIT_REF,
        .tile_rows = VF_TILE_ROWS_REF,
        .pack_panel_f32 = vf_pack_panel_f32__ref,
        .linear_f32 = vf_linear_f32__ref,
        .panel_columns_bf16 = VF_PANEL_COLUMNS_REF,
        .panel_unit_bf16 = VF_PANEL_UNIT_REF,
        .linear_bf16 = vf_linear_bf16__ref,
        .linear_scratch_bf16 = vf_linear_scratch_bf16__ref,
        .panel_columns_int8 = VF_PANEL_COLUMNS_REF,
        .panel_unit_int8 = VF_PANEL_UNIT_REF,
        .quantized_element_bytes = sizeof(uint8_t),
        .quantize_int8 = vf_quantize_int8__ref,
        .linear_int8 = vf_linear_int8__ref,
        .add_norm_f32 = vf_add_norm_f32__ref,
        .add_f32 = vf_add_f32__ref,
        .gate_f32 = vf_gate_f32__ref,
        .rotate_f32 = vf_rotate_f32__ref,
        .attention_f32 = vf_attention_f32__ref,
        .attention_scratch_f32 = vf_attention_scratch_f32__ref,
        .attention_int16 = vf_attention_f32__ref,
        .attention_scratch_int16 = vf_attention_scratch_f32__ref,
        .attention_int8 = vf_attention_f32__ref,
        .attention_scratch_int8 = vf_attention_scratch_f32__ref,
        .pool_mean_f32 = vf_pool_mean_f32__ref,
        .pool_max_f32 = vf_pool_max_f32__ref,
        .peak_f32 = vf_peak_f32__ref,
        .peak_bf16 = vf_peak_f32__ref,
        .peak_int8 = vf_peak_int8__ref,
    };
}

void vf_kernels_init_portable(struct vf_kernels *kernels, unsigned flags)
{
    fill_ref(kernels);
    kernels->tier = "portable";
    kernels->name_f32 = "portable";
    kernels->name_bf16 = "portable (bf16 weights)";
    kernels->name_int8 = "portable";
    kernels->panel_columns = VF_PANEL_COLUMNS_PORTABLE;
    kernels->panel_unit = VF_PANEL_UNIT_PORTABLE;
    kernels->tile_rows = VF_TILE_ROWS_PORTABLE;
    kernels->pack_panel_f32 = vf_pack_panel_f32__portable;
    kernels->linear_f32 = vf_linear_f32__portable;
    kernels->panel_columns_bf16 = VF_PANEL_COLUMNS_PORTABLE;
    kernels->panel_unit_bf16 = VF_PANEL_UNIT_PORTABLE;
    kernels->linear_bf16 = vf_linear_bf16__portable;
    kernels->linear_scratch_bf16 = vf_linear_scratch_bf16__portable;
    kernels->attention_f32 = vf_attention_f32__portable;
    kernels->attention_scratch_f32 = vf_attention_scratch_f32__portable;
    kernels->attention_int16 = vf_attention_f32__portable;
    kernels->attention_scratch_int16 = vf_attention_scratch_f32__portable;
    kernels->attention_int8 = vf_attention_f32__portable;
    kernels->attention_scratch_int8 = vf_attention_scratch_f32__portable;
    kernels->gate_f32 = vf_gate_f32__portable;
#if defined(__x86_64__)
    if (flags & VF_TIER_AVX2) {
        kernels->panel_columns = VF_PANEL_COLUMNS_AVX2;
        kernels->panel_unit = VF_PANEL_UNIT_AVX2;
        kernels->tile_rows = VF_TILE_ROWS_AVX2;
        kernels->pack_panel_f32 = vf_pack_panel_f32__avx2;
        kernels->linear_f32 = vf_linear_portable__avx2;
    }
    if (flags & VF_TIER_AVX512) {
        kernels->panel_columns = VF_PANEL_COLUMNS_AVX512;
        kernels->panel_unit = VF_PANEL_UNIT_AVX512;
        kernels->tile_rows = VF_TILE_ROWS_AVX512;
        kernels->pack_panel_f32 = vf_pack_panel_f32__avx512;
        kernels->linear_f32 = vf_linear_portable__avx512;
    }
#else
    (void)flags;
#endif
}

#if defined(__x86_64__)
static void fill_avx2(struct vf_kernels *kernels)
{
    kernels->tier = "avx2";
    kernels->name_f32 = "avx2";
    kernels->name_bf16 = "avx2 (bf16 weights)";
    kernels->panel_columns = VF_PANEL_COLUMNS_AVX2;
    kernels->panel_unit = VF_PANEL_UNIT_AVX2;
    kernels->tile_rows = VF_TILE_ROWS_AVX2;
    kernels->pack_panel_f32 = vf_pack_panel_f32__avx2;
    kernels->linear_f32 = vf_linear_f32__avx2;
    kernels->panel_columns_bf16 = VF_PANEL_COLUMNS_AVX2;
    kernels->panel_unit_bf16 = VF_PANEL_UNIT_AVX2;
    kernels->linear_bf16 = vf_linear_bf16__avx2;
    kernels->linear_scratch_bf16 = vf_linear_scratch_bf16__avx2;
    kernels->add_norm_f32 = vf_add_norm_f32__avx2;
    kernels->add_f32 = vf_add_f32__avx2;
    kernels->gate_f32 = vf_gate_f32__avx2;
    kernels->rotate_f32 = vf_rotate_f32__avx2;
    kernels->attention_f32 = vf_attention_f32__avx2;
    kernels->attention_scratch_f32 = vf_attention_scratch_f32__avx2;
    kernels->attention_int16 = vf_attention_f32__avx2;
    kernels->attention_scratch_int16 = vf_attention_scratch_f32__avx2;
    kernels->attention_int8 = vf_attention_f32__avx2;
    kernels->attention_scratch_int8 = vf_attention_scratch_f32__avx2;
    kernels->pool_mean_f32 = vf_pool_mean_f32__avx2;
    kernels->peak_f32 = vf_peak_f32__avx2;
    kernels->peak_bf16 = vf_peak_f32__avx2;
    kernels->name_int8 = "avx2";
    kernels->panel_columns_int8 = VF_PANEL_COLUMNS_INT8_AVX2;
    kernels->panel_unit_int8 = VF_PANEL_COLUMNS_INT8_AVX2;
    kernels->quantized_element_bytes = sizeof(int16_t);
    kernels->quantize_int8 = vf_quantize_int8__avx2;
    kernels->linear_int8 = vf_linear_int8__avx2;
    kernels->peak_int8 = vf_peak_int8__avx2;
}

static void fill_avxvnni(struct vf_kernels *kernels)
{
    kernels->tier = "avxvnni";
    kernels->name_int8 = "avxvnni";
    kernels->panel_columns_int8 = VF_PANEL_COLUMNS_AVX2;
    kernels->panel_unit_int8 = VF_PANEL_COLUMNS_AVX2;
    kernels->quantized_element_bytes = sizeof(uint8_t);
    kernels->quantize_int8 = vf_quantize_int8__avxvnni;
    kernels->linear_int8 = vf_linear_int8__avxvnni;
    kernels->attention_int16 = vf_attention_int16__avxvnni;
    kernels->attention_scratch_int16 = vf_attention_scratch_int16__avxvnni;
    kernels->attention_int8 = vf_attention_int16__avxvnni;
    kernels->attention_scratch_int8 = vf_attention_scratch_int16__avxvnni;
    kernels->peak_int8 = vf_peak_int8__avxvnni;
}

static void fill_avx512(struct vf_kernels *kernels)
{
    kernels->tier = "avx512";
    kernels->name_f32 = "avx512";
    kernels->name_bf16 = "avx512 (bf16 weights)";
    kernels->panel_columns = VF_PANEL_COLUMNS_AVX512;
    kernels->panel_unit = VF_PANEL_UNIT_AVX512;
    kernels->tile_rows = VF_TILE_ROWS_AVX512;
    kernels->pack_panel_f32 = vf_pack_panel_f32__avx512;
    kernels->linear_f32 = vf_linear_f32__avx512;
    kernels->panel_columns_bf16 = VF_PANEL_COLUMNS_AVX512;
    kernels->panel_unit_bf16 = VF_PANEL_UNIT_AVX512;
    kernels->linear_bf16 = vf_linear_bf16__avx512;
    kernels->linear_scratch_bf16 = vf_linear_scratch_bf16__avx512;
    kernels->add_norm_f32 = vf_add_norm_f32__avx512;
    kernels->add_f32 = vf_add_f32__avx512;
    kernels->gate_f32 = vf_gate_f32__avx512;
    kernels->rotate_f32 = vf_rotate_f32__avx512;
    kernels->attention_f32 = vf_attention_f32__avx512;
    kernels->attention_scratch_f32 = vf_attention_scratch_f32__avx512;
    kernels->attention_int16 = vf_attention_f32__avx512;
    kernels->attention_scratch_int16 = vf_attention_scratch_f32__avx512;
    kernels->attention_int8 = vf_attention_f32__avx512;
    kernels->attention_scratch_int8 = vf_attention_scratch_f32__avx512;
    kernels->pool_mean_f32 = vf_pool_mean_f32__avx512;
    kernels->peak_f32 = vf_peak_f32__avx512;
    kernels->peak_bf16 = vf_peak_f32__avx512;
    kernels->name_int8 = "avx512";
    kernels->panel_columns_int8 = VF_PANEL_COLUMNS_INT8_AVX512;
    kernels->panel_unit_int8 = VF_PANEL_COLUMNS_INT8_AVX512;
    kernels->quantized_element_bytes = sizeof(int16_t);
    kernels->quantize_int8 = vf_quantize_int8__avx512;
    kernels->linear_int8 = vf_linear_int8__avx512;
    kernels->peak_int8 = vf_peak_int8__avx512;
}

static void fill_avx512vnni(struct vf_kernels *kernels)
{
    kernels->tier = "avx512vnni";
    kernels->name_int8 = "avx512vnni";
    kernels->panel_columns_int8 = VF_PANEL_COLUMNS_AVX512;
    kernels->panel_unit_int8 = VF_PANEL_COLUMNS_AVX512;
    kernels->quantized_element_bytes = sizeof(uint8_t);
    kernels->quantize_int8 = vf_quantize_int8__avx512vnni;
    kernels->linear_int8 = vf_linear_int8__avx512vnni;
    kernels->attention_int16 = vf_attention_int16__avx512vnni;
    kernels->attention_scratch_int16 = vf_attention_scratch_int16__avx512vnni;
    kernels->attention_int8 = vf_attention_int8__avx512vnni;
    kernels->attention_scratch_int8 = vf_attention_scratch_int8__avx512vnni;
    kernels->peak_int8 = vf_peak_int8__avx512vnni;
}

static void fill_avx512bf16(struct vf_kernels *kernels)
{
    kernels->tier = "avx512bf16";
    kernels->name_bf16 = "avx512bf16";
    kernels->panel_columns_bf16 = VF_PANEL_COLUMNS_AVX512;
    kernels->panel_unit_bf16 = VF_PANEL_COLUMNS_AVX512;
    kernels->rounds_inputs_bf16 = true;
    kernels->linear_bf16 = vf_linear_bf16__avx512bf16;
    kernels->linear_scratch_bf16 = vf_linear_scratch_bf16__avx512bf16;
    kernels->peak_bf16 = vf_peak_bf16__avx512bf16;
}

#elif defined(__aarch64__)
static void fill_neon(struct vf_kernels *kernels)
{
    kernels->tier = "neon";
    kernels->name_f32 = "neon";
    kernels->name_bf16 = "neon (bf16 weights)";
    kernels->panel_columns = VF_PANEL_COLUMNS_NEON;
    kernels->panel_unit = VF_PANEL_UNIT_NEON;
    kernels->tile_rows = VF_TILE_ROWS_NEON;
    kernels->pack_panel_f32 = vf_pack_panel_f32__neon;
    kernels->linear_f32 = vf_linear_f32__neon;
    kernels->panel_columns_bf16 = VF_PANEL_COLUMNS_NEON;
    kernels->panel_unit_bf16 = VF_PANEL_UNIT_NEON;
    kernels->linear_bf16 = vf_linear_bf16__neon;
    kernels->linear_scratch_bf16 = vf_linear_scratch_bf16__neon;
    kernels->add_norm_f32 = vf_add_norm_f32__neon;
    kernels->add_f32 = vf_add_f32__neon;
    kernels->gate_f32 = vf_gate_f32__neon;
    kernels->rotate_f32 = vf_rotate_f32__neon;
    kernels->attention_f32 = vf_attention_f32__neon;
    kernels->attention_scratch_f32 = vf_attention_scratch_f32__neon;
    kernels->attention_int16 = vf_attention_f32__neon;
    kernels->attention_scratch_int16 = vf_attention_scratch_f32__neon;
    kernels->attention_int8 = vf_attention_f32__neon;
    kernels->attention_scratch_int8 = vf_attention_scratch_f32__neon;
    kernels->pool_mean_f32 = vf_pool_mean_f32__neon;
    kernels->peak_f32 = vf_peak_f32__neon;
    kernels->peak_bf16 = vf_peak_f32__neon;
    kernels->name_int8 = "neon";
    kernels->panel_columns_int8 = VF_PANEL_COLUMNS_INT8_NEON;
    kernels->panel_unit_int8 = VF_PANEL_COLUMNS_INT8_NEON;
    kernels->quantized_element_bytes = sizeof(int8_t);
    kernels->quantize_int8 = vf_quantize_int8__neon;
    kernels->linear_int8 = vf_linear_int8__neon;
    kernels->peak_int8 = vf_peak_int8__neon;
}

/* Reads the rows that the NEON kernel quantised. */
static void fill_dotprod(struct vf_kernels *kernels)
{
    kernels->tier = "dotprod";
    kernels->name_int8 = "dotprod";
    kernels->panel_columns_int8 = VF_PANEL_COLUMNS_NEON;
    kernels->panel_unit_int8 = VF_PANEL_COLUMNS_NEON;
    kernels->linear_int8 = vf_linear_int8__dotprod;
    kernels->peak_int8 = vf_peak_int8__dotprod;
}

static void fill_armbf16(struct vf_kernels *kernels)
{
    kernels->tier = "bf16";
    kernels->name_bf16 = "bf16";
    kernels->panel_columns_bf16 = VF_PANEL_COLUMNS_NEON;
    kernels->panel_unit_bf16 = VF_PANEL_COLUMNS_NEON;
    kernels->rounds_inputs_bf16 = true;
    kernels->linear_bf16 = vf_linear_bf16__armbf16;
    kernels->linear_scratch_bf16 = vf_linear_scratch_bf16__armbf16;
    kernels->peak_bf16 = vf_peak_bf16__armbf16;
}
#endif

void vf_kernels_init(struct vf_kernels *kernels, unsigned flags)
{
    fill_ref(kernels);
#if defined(__x86_64__)
    if (flags & VF_TIER_AVX2)
        fill_avx2(kernels);
    if (flags & VF_TIER_AVXVNNI)
        fill_avxvnni(kernels);
    if (flags & VF_TIER_AVX512)
        fill_avx512(kernels);
    if (flags & VF_TIER_AVX512VNNI)
        fill_avx512vnni(kernels);
    if ((flags & VF_TIER_AVX512BF16) && !(flags & VF_CPU_SLOW_BF16))
        fill_avx512bf16(kernels);
#elif defined(__aarch64__)
    if (flags & VF_TIER_NEON)
        fill_neon(kernels);
    if (flags & VF_TIER_DOTPROD)
        fill_dotprod(kernels);
    if (flags & VF_TIER_ARMBF16)
        fill_armbf16(kernels);
#else
    (void)flags;
#endif
}
