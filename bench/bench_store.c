/* Reads all articles of a database in pages, then writes a vector for each of them, without an
 * encoder in between, and prints how long both took as JSON. */
#include "base/clock.h"
#include "pipeline/row_writer.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Batches as vecfill backfill writes them when the encoder is fast. */
enum { PAGE = 256, BATCH = VF_BATCH_ROWS, PAGE_BYTES = 4 << 20 };

struct ids {
    char **all;
    size_t n, capacity;
};

static int add_ids(struct ids *ids, const struct vf_page *page, struct vf_err *err)
{
    if (ids->n + page->n > ids->capacity) {
        ids->capacity = 2 * ids->capacity + page->n;
        char **grown = realloc(ids->all, ids->capacity * sizeof *grown);
        if (!grown)
            return vf_fail_memory(err, "the articles' ids");
        ids->all = grown;
    }
    for (size_t i = 0; i < page->n; i++) {
        ids->all[ids->n] = strdup(page->articles[i].id);
        if (!ids->all[ids->n++])
            return vf_fail_memory(err, "an id");
    }
    return 0;
}

static int read_all(struct vf_store *store, const struct vf_selection *selection, struct ids *ids,
    struct vf_err *err)
{
    struct vf_reader *reader = NULL;
    struct vf_page page = {0};
    bool end = false;
    int rc;
    VF_TRY(vf_reader_new(store, selection, &reader, err));
    while (!end) {
        VF_TRY(vf_reader_next(reader, PAGE, PAGE_BYTES, &page, &end, err));
        VF_TRY(add_ids(ids, &page, err));
    }
out:
    vf_page_release(&page);
    vf_reader_free(reader);
    return rc;
}

static int write_all(struct vf_store *store, const struct vf_selection *selection,
    const struct ids *ids, size_t dimensions, struct vf_err *err)
{
    static const uint8_t hash[VF_TEXT_HASH_BYTES] = {1};
    struct vf_row rows[BATCH];
    float *vector = malloc(dimensions * sizeof *vector);
    int rc = 0;
    if (!vector)
        return vf_fail_memory(err, "a vector");
    for (size_t i = 0; i < dimensions; i++)
        vector[i] = 1.0f / (float)(i + 1);
    for (size_t first = 0; first < ids->n; first += BATCH) {
        size_t n = ids->n - first < BATCH ? ids->n - first : BATCH;
        for (size_t i = 0; i < n; i++)
            rows[i] = (struct vf_row){.source_id = ids->all[first + i],
                .vector = vector,
                .text_hash = hash,
                .token_count = 8,
                .is_new = true};
        VF_TRY(vf_store_write(store, selection->model_id, dimensions, rows, n, err));
    }
out:
    free(vector);
    return rc;
}

static int measure(const char *url, size_t dimensions, struct vf_err *err)
{
    const struct vf_selection selection = {.model_id = "bench",
        .from_us = VF_INSTANT_MIN,
        .until_us = VF_INSTANT_MAX,
        .refresh = VF_REFRESH_CHANGED};
    struct vf_store *store = NULL;
    struct vf_store_info info;
    struct ids ids = {0};
    int rc;
    VF_TRY(vf_store_open(url, NULL, 0, &store, err));
    VF_TRY(vf_store_check(store, dimensions, true, &info, err));
    int64_t begin = vf_now_ns();
    VF_TRY(read_all(store, &selection, &ids, err));
    double reading = vf_seconds_since(begin);
    begin = vf_now_ns();
    VF_TRY(write_all(store, &selection, &ids, dimensions, err));
    printf("{\"rows\": %zu, \"reading_seconds\": %.3f, \"writing_seconds\": %.3f}\n", ids.n,
        reading, vf_seconds_since(begin));
out:
    for (size_t i = 0; i < ids.n; i++)
        free(ids.all[i]);
    free(ids.all);
    vf_store_close(store);
    return rc;
}

int main(int argc, char **argv)
{
    struct vf_err err = {0};
    size_t dimensions = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (dimensions == 0) {
        fprintf(stderr, "usage: bench_store URL DIMENSIONS\n");
        return 2;
    }
    if (measure(argv[1], dimensions, &err) == 0)
        return 0;
    fprintf(stderr, "bench_store: %s\n", err.msg);
    return 1;
}
