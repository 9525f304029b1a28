#include "encoder/weight_packing.h"

#include "encoder/parallel.h"

#include <stdatomic.h>

/* What the threads share. */
struct packing {
    const struct vf_linear_source *sources;
    size_t n_sources;
    const struct vf_int8_weights *int8; /* or NULL */
    const struct vf_kernels *kernels;
    float *rows; /* per thread: room for the rows of a panel */
    size_t rows_floats;
    atomic_size_t next; /* panel, counted through all sources */
};

static void read_scaled_row(const struct vf_tensor *tensor, size_t row, float scale, float *out)
{
    vf_tensor_read_row(tensor, row, out);
    for (size_t j = 0; scale != 1.0f && j < tensor->cols; j++)
        out[j] *= scale;
}

void vf_linear_source_place(struct vf_linear_source *source, struct vf_packed_linear *linear,
    enum vf_precision precision, const struct vf_kernels *kernels, struct vf_arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < source->n_parts; i++)
        n += source->parts[i].weight->rows;
    vf_packed_linear_place(linear, precision, n, source->parts[0].weight->cols, kernels, arena);
    source->linear = linear;
    float *bias = linear->bias;
    for (size_t i = 0; bias && i < source->n_parts; i++) {
        if (source->parts[i].bias->data)
            read_scaled_row(source->parts[i].bias, 0, source->parts[i].scale, bias);
        bias += source->parts[i].weight->rows;
    }
}

void vf_linear_source_read(
    const struct vf_linear_source *source, size_t first, size_t count, float *rows)
{
    const struct vf_linear_part *part = source->parts;
    size_t row = first;
    for (size_t i = 0; i < count; i++, row++) {
        for (; row >= part->weight->rows; part++)
            row -= part->weight->rows;
        read_scaled_row(part->weight, row, part->scale, rows + i * part->weight->cols);
    }
}

static void pack_panel(const struct packing *packing, size_t i, size_t panel, float *rows)
{
    const struct vf_linear_source *source = &packing->sources[i];
    const struct vf_packed_linear *linear = source->linear;
    size_t columns = vf_packed_linear_panel_columns(linear, packing->kernels);
    size_t first = panel * columns, left = linear->n - first;
    size_t count = left < columns ? left : columns;
    if (packing->int8) {
        vf_packed_linear_pack_int8(
            linear, packing->kernels, first, count, &packing->int8->linears[i]);
    } else {
        vf_linear_source_read(source, first, count, rows);
        vf_packed_linear_pack(linear, packing->kernels, first, count, rows);
    }
}

static size_t panel_count(const struct packing *packing, const struct vf_packed_linear *linear)
{
    size_t columns = vf_packed_linear_panel_columns(linear, packing->kernels);
    return (linear->n + columns - 1) / columns;
}

static void pack_panels(void *arg, unsigned index)
{
    struct packing *packing = arg;
    float *rows = packing->rows + index * packing->rows_floats;
    size_t panel = atomic_fetch_add(&packing->next, 1), first = 0;
    for (size_t i = 0; i < packing->n_sources; i++) {
        size_t end = first + panel_count(packing, packing->sources[i].linear);
        for (; panel < end; panel = atomic_fetch_add(&packing->next, 1))
            pack_panel(packing, i, panel - first, rows);
        first = end;
    }
}

static int check_int8(const struct vf_linear_source *sources, size_t n,
    const struct vf_int8_weights *int8, struct vf_err *err)
{
    bool same = n == int8->n;
    for (size_t i = 0; same && i < n; i++)
        same = sources[i].linear->n == int8->linears[i].n &&
               sources[i].linear->k == int8->linears[i].k;
    return same ? 0 : vf_fail(err, VF_ERR_DATA, "rounded weights are those of another model");
}

int vf_pack_linears(const struct vf_linear_source *sources, size_t n,
    const struct vf_int8_weights *int8, const struct vf_kernels *kernels, unsigned threads,
    struct vf_err *err)
{
    int rc = 0;
    struct vf_arena arena = {0};
    struct packing packing = {.sources = sources, .n_sources = n, .int8 = int8, .kernels = kernels};
    if (int8)
        VF_TRY(check_int8(sources, n, int8, err));
    for (size_t i = 0; i < n; i++) {
        const struct vf_packed_linear *linear = sources[i].linear;
        size_t floats = vf_packed_linear_panel_columns(linear, kernels) * linear->k;
        packing.rows_floats = floats > packing.rows_floats ? floats : packing.rows_floats;
    }
    vf_arena_take(&arena, threads, packing.rows_floats, sizeof(float));
    VF_TRY(vf_arena_allocate(&arena, "packing weights", err));
    packing.rows = vf_arena_take(&arena, threads, packing.rows_floats, sizeof(float));
    VF_TRY(vf_parallel(threads, pack_panels, &packing, err));
out:
    vf_arena_release(&arena);
    return rc;
}
