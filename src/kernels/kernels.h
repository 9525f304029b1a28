/* The arithmetic: a table of functions and the data that belongs to them.
 *
 * vf_kernels_init() stores the reference of every operation, then what each tier that the machine
 * has can do better, from the lowest tier upward. The table is passed by const pointer, so that a
 * test can hold two of them side by side. Kernels are single-threaded and know no model.
 *
 * Layout: a matrix is row-major; `ld…` is the distance of its rows in floats, at least their
 * length. Pointers to floats need no more than a float's alignment unless it says "aligned": 64
 * bytes. A kernel reads and writes exactly the elements that its shape names, nothing between or
 * behind them. Outputs must not overlap inputs unless it says so. Sizes are at least 1, except
 * for the number of rows m, where 0 does nothing.
 *
 * Reproducibility: within a table, an element of a result depends on the values of its own
 * operands alone, never on m, on the row's place among the rows, or on alignment: each is computed
 * in one order fixed by the shape (n, k). Tables of different tiers differ in the last bits.
 *
 * Special values: a NaN among the operands of an element makes it NaN. Finite operands whose exact
 * intermediate results are within the range of float give finite results.
 *
 * Bounds are given for finite operands, against exact arithmetic; u is 2^-24, half an ulp of 1.
 *
 * Thread rule: a table is immutable after vf_kernels_init(); any thread may call its functions
 * with its own outputs and scratch.
 */
#ifndef VF_KERNELS_KERNELS_H
#define VF_KERNELS_KERNELS_H

#include "kernels/epilogue.h"
#include "kernels/linear_int8.h"
#include "kernels/row_ops.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* bfloat16: the upper half of a float's bits. */
typedef uint16_t vf_bf16;

/* Bound of the relative error of the power of two inside attention. */
#define VF_EXP2_BOUND 3e-7

/* A linear map of k inputs to n outputs: y = W x + bias, W being [n][k].
 *
 * W is packed by columns of its transpose: panel p holds the outputs from p * panel_columns on, at
 * most panel_columns of them, as [k][width], `width` being their number rounded up to a multiple
 * of panel_unit, filled with zeros. Panel p starts p * panel_columns * k floats behind panel 0. */
struct vf_linear_f32 {
    size_t n, k;
    const float *panels; /* aligned, vf_panel_floats(…, n, k) floats */
    const float *bias;   /* [n] */
};

/* Packs `n` outputs, at most panel_columns, given as rows [n][k], into one panel. */
typedef void vf_pack_panel_f32_fn(
    const float *rows, size_t ld_rows, size_t n, size_t k, float *panel);

/* c[m][n] = epilogue(a[m][k] W^T + bias). Before the epilogue an element's error is at most
 * (k + 2) u (sum |a_i w_i| + |bias|). */
typedef void vf_linear_f32_fn(const struct vf_linear_f32 *linear, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc);

/* The same with weights rounded to bfloat16, to the nearest, ties to even.
 *
 * A panel is [ceil(k / 2)][width][2]: the two weights of an output for neighbouring inputs lie
 * together; behind an odd k is a zero. Panel p starts p * panel_columns_bf16 * (k rounded up to
 * even) elements behind panel 0. */
struct vf_linear_bf16 {
    size_t n, k;
    const vf_bf16 *panels; /* aligned, vf_panel_bf16s(…, n, k) elements */
    const float *bias;     /* [n] */
};

/* c[m][n] = epilogue(a[m][k] W^T + bias), W the rounded weights. In most tables that is computed
 * in float32: the bits are those that linear_f32 of the same table gives for the rounded weights,
 * and so is the bound. Tables with rounds_inputs_bf16 round the inputs too and add exact products;
 * denormal numbers may count as zero. The bound then holds for the rounded inputs, with 2 u in
 * place of u, and that of the activations is VF_ACTIVATION_BOUND_COARSE. */
typedef void vf_linear_bf16_fn(const struct vf_linear_bf16 *linear, enum vf_epilogue epilogue,
    const float *a, size_t lda, size_t m, float *c, size_t ldc, float *scratch);

/* Floats of scratch (aligned) for k inputs; does not fall when k grows. */
typedef size_t vf_linear_scratch_fn(size_t k);

/* Attention of one head: m queries to n keys, each [head_size].
 *
 * out_i = sum_j p_ij v_j, p_ij = 2^(s_ij - max_j) / sum_j 2^(…), s_ij = q_i k_j + bias_ij: base 2,
 * and the scale of the scores is in the queries already. The sums run over the keys that query i
 * sees: those from first + i - before to first + i + after, as far as there are such.
 *
 * Each query must see a key: first + i - before < n, as is so when first + m <= n. Keys that no
 * query of a tile sees cost nothing. A NaN or an infinity in a key or value that query i does not
 * see may make out_i NaN.
 *
 * With t the largest |q_i| |k_j| + |bias_ij| (products of absolute values, summed) over j, an
 * element's error is at most
 * (2 ln 2 u (2 head_size + 6) t + 2 VF_EXP2_BOUND + (2 n + 8) u) sum_j p_ij |v_j|. */
struct vf_attention_f32 {
    size_t m, n, head_size;
    size_t first;         /* the position of query 0 among the keys */
    size_t before, after; /* SIZE_MAX: all; causal is after = 0 */
    const float *q;       /* [m][head_size] */
    size_t ldq;
    const float *k, *v; /* [n][head_size] */
    size_t ldkv;
    const float *bias; /* [m][n], finite; or NULL for none */
    ptrdiff_t ld_bias; /* of any sign: -1 for one that depends on j - i alone */
    float *out;        /* [m][head_size] */
    size_t ldo;
    float *scratch; /* aligned, attention_scratch_f32(n, head_size) floats */
};

typedef void vf_attention_f32_fn(const struct vf_attention_f32 *attention);

/* Floats of scratch for n keys; does not fall when n or head_size grows. */
typedef size_t vf_attention_scratch_fn(size_t n, size_t head_size);

/* attention_int16 is attention_f32 with operands and weights rounded to multiples of units and then
 * multiplied exactly as 16-bit integers, which processors with dot products of integers do twice as
 * fast. With |x| the sum of the absolute values of x, and max K the largest of all keys' elements:
 *
 * - a key's unit is k = max K / 32767, that of query i q = |q_i| / (32767 - head_size / 2). A score
 *   is off by e = (|q_i| k + |k_j| q) / 2 + head_size q k / 4 more than in attention_f32, and so a
 *   weight by 2^e - 1 and VF_INT16_EXP2_BOUND as a part of it;
 * - weights of up to 512 keys have the unit VF_INT16_WEIGHT_UNIT times the largest of them;
 * - a column of values has the unit VF_INT16_VALUE_UNIT times its largest absolute value.
 *
 * Keys and values that query i does not see so change the last bits of out_i.
 *
 * attention_int8 is attention_int16 but for the scores, which are sums of products of bytes,
 * another twice as fast. A key's unit is k = (the widest range of a column of the keys) / 255, and
 * columns are counted from their least numbers L on, which changes all scores of a query alike;
 * that of query i is q = max |q_ie| / 127. With |q_i| |L| the sum of the products of absolute
 * values, e = (|q_i| k + |k_j - L| q) / 2 + head_size q k / 4 + 8 u |q_i| |L|. VF_INT8_EXP2_BOUND
 * stands in for VF_INT16_EXP2_BOUND. */
#define VF_INT16_WEIGHT_UNIT (1 / 2048.0)
#define VF_INT16_VALUE_UNIT (1 / 1023.0)
#define VF_INT16_EXP2_BOUND 8e-5
#define VF_INT8_EXP2_BOUND 1.75e-3

/* out[n] = the mean, or the largest, of each column of x[m][n]; m is at least 1. The mean is
 * summed in double from the first row to the last, multiplied by 1/m and rounded once, so that
 * all tiers give the same bits. */
typedef void vf_pool_f32_fn(const float *x, size_t ldx, size_t m, size_t n, float *out);

/* Runs `rounds` rounds of the fastest multiply-adds that the table has for a type of operands, on
 * registers alone, and returns the number of operations, two for a multiply-add: the peak that
 * benchmarks relate to. */
typedef double vf_peak_fn(size_t rounds);

struct vf_kernels {
    const char *tier; /* the highest tier that filled a slot, e.g. "avx512"; static string */

    /* What computes in each precision, for people: e.g. "avx512", "avx2 (bf16 weights)". */
    const char *name_f32, *name_bf16, *name_int8;

    /* Data of linear_f32. */
    size_t panel_columns; /* columns of a panel, a multiple of panel_unit */
    size_t panel_unit;    /* floats of a vector */
    size_t tile_rows;     /* rows of the largest register tile; other numbers work as well */

    vf_pack_panel_f32_fn *pack_panel_f32;
    vf_linear_f32_fn *linear_f32;

    /* Data of linear_bf16. */
    size_t panel_columns_bf16, panel_unit_bf16; /* in outputs */
    bool rounds_inputs_bf16;

    vf_linear_bf16_fn *linear_bf16;
    vf_linear_scratch_fn *linear_scratch_bf16;

    /* Data of linear_int8. */
    size_t panel_columns_int8, panel_unit_int8; /* in outputs */
    size_t quantized_element_bytes;             /* of an input in a quantised row */

    vf_quantize_int8_fn *quantize_int8;
    vf_linear_int8_fn *linear_int8;

    vf_add_norm_f32_fn *add_norm_f32;
    vf_add_f32_fn *add_f32;
    vf_gate_f32_fn *gate_f32;
    vf_rotate_f32_fn *rotate_f32;
    vf_attention_f32_fn *attention_f32;
    vf_attention_scratch_fn *attention_scratch_f32;
    vf_attention_f32_fn *attention_int16; /* attention_f32 where that is as fast */
    vf_attention_scratch_fn *attention_scratch_int16;
    vf_attention_f32_fn *attention_int8; /* attention_int16 where that is as fast */
    vf_attention_scratch_fn *attention_scratch_int8;
    vf_pool_f32_fn *pool_mean_f32;
    vf_pool_f32_fn *pool_max_f32;
    vf_peak_fn *peak_f32, *peak_bf16, *peak_int8;
};

/* Fills the table with the best kernels that `flags` (cpu/cpu.h: VF_TIER_…) allows. */
void vf_kernels_init(struct vf_kernels *kernels, unsigned flags);

/* Fills the table with kernels whose results in float32 have the same bits on every machine,
 * whatever `flags` allows: no multiply-add is fused, and no mathematics library is asked. Half as
 * fast as the others at best. */
void vf_kernels_init_portable(struct vf_kernels *kernels, unsigned flags);

/* Floats of a packed [n][k] matrix: n rounded up to panel_unit, times k. The caller has checked
 * that it does not overflow. */
static inline size_t vf_panel_floats(const struct vf_kernels *kernels, size_t n, size_t k)
{
    return (n + kernels->panel_unit - 1) / kernels->panel_unit * kernels->panel_unit * k;
}

/* Packs `n` outputs, at most panel_columns_bf16, given as rows [n][k], into one panel, rounding
 * them. NaN stays NaN. */
void vf_pack_panel_bf16(const struct vf_kernels *kernels, const float *rows, size_t ld_rows,
    size_t n, size_t k, vf_bf16 *panel);

/* Elements of a matrix packed so: n rounded up to panel_unit_bf16, times k rounded up to even. The
 * caller has checked that it does not overflow. */
static inline size_t vf_panel_bf16s(const struct vf_kernels *kernels, size_t n, size_t k)
{
    size_t unit = kernels->panel_unit_bf16;
    return (n + unit - 1) / unit * unit * (k + k % 2);
}

/* Bytes of a matrix packed by vf_pack_panel_int8(): n rounded up to panel_unit_int8, times k
 * rounded up to 4. The caller has checked that it does not overflow. */
static inline size_t vf_panel_int8s(const struct vf_kernels *kernels, size_t n, size_t k)
{
    size_t unit = kernels->panel_unit_int8, group = VF_INT8_GROUP;
    return (n + unit - 1) / unit * unit * ((k + group - 1) / group * group);
}

/* Bytes of a quantised row of k inputs, a multiple of VF_QUANTIZED_ALIGNMENT. The caller has
 * checked that it does not overflow. */
static inline size_t vf_quantized_bytes(const struct vf_kernels *kernels, size_t k)
{
    size_t alignment = VF_QUANTIZED_ALIGNMENT;
    return (k * kernels->quantized_element_bytes + alignment - 1) / alignment * alignment;
}

#endif
