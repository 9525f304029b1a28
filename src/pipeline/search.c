#include "pipeline/search.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
    double cosine;
    char *id; /* owned */
};

/* The best candidates so far as a heap whose root is the worst of them. */
struct search {
    const struct vf_selection *selection;
    const float *query;
    size_t dimensions;
    double query_norm;
    struct candidate *heap; /* [capacity] */
    size_t n, k, capacity;
};

/* Order of the hits: by cosine, then by id. */
static bool is_better(double cosine, const char *id, const struct candidate *than)
{
    if (cosine != than->cosine)
        return cosine > than->cosine;
    return strcmp(id, than->id) < 0;
}

static void swap(struct candidate *a, struct candidate *b)
{
    struct candidate t = *a;
    *a = *b;
    *b = t;
}

static bool is_worse_at(const struct candidate *heap, size_t a, size_t b)
{
    return is_better(heap[b].cosine, heap[b].id, &heap[a]);
}

static void sift_up(struct candidate *heap, size_t i)
{
    while (i > 0 && is_worse_at(heap, i, (i - 1) / 2)) {
        swap(&heap[i], &heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void sift_down(struct candidate *heap, size_t n, size_t i)
{
    for (;;) {
        size_t worst = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++) {
            if (is_worse_at(heap, child, worst))
                worst = child;
        }
        if (worst == i)
            return;
        swap(&heap[i], &heap[worst]);
        i = worst;
    }
}

static int grow_heap(struct search *search, struct vf_err *err)
{
    enum { FIRST_CAPACITY = 16 };
    size_t capacity = search->capacity ? 2 * search->capacity : FIRST_CAPACITY;
    if (capacity > SIZE_MAX / sizeof *search->heap)
        return vf_fail_memory(err, "search results");
    struct candidate *heap = realloc(search->heap, capacity * sizeof *heap);
    if (!heap)
        return vf_fail_memory(err, "search results");
    search->heap = heap;
    search->capacity = capacity;
    return 0;
}

static int keep(struct search *search, double cosine, const char *id, struct vf_err *err)
{
    bool full = search->n == search->k;
    if (full && !is_better(cosine, id, &search->heap[0]))
        return 0;
    if (!full && search->n == search->capacity) {
        int rc = grow_heap(search, err);
        if (rc)
            return rc;
    }
    char *copy = strdup(id);
    if (!copy)
        return vf_fail_memory(err, "search results");
    if (full) {
        free(search->heap[0].id);
        search->heap[0] = (struct candidate){.cosine = cosine, .id = copy};
        sift_down(search->heap, search->n, 0);
    } else {
        search->heap[search->n] = (struct candidate){.cosine = cosine, .id = copy};
        sift_up(search->heap, search->n++);
    }
    return 0;
}

/* A vector without a direction (no norm, not finite) is near to nothing and passed over. */
static int visit_vector(void *context, const char *source_id, const float *vector,
    size_t dimensions, struct vf_err *err)
{
    struct search *search = context;
    if (dimensions != search->dimensions) {
        vf_fail(err, VF_ERR_CONFIG,
            "article %s has a vector of %zu floats under model_id %s, the query has %zu", source_id,
            dimensions, search->selection->model_id, search->dimensions);
        vf_hint(err, "name the model that made the stored vectors");
        return VF_ERR_CONFIG;
    }
    double dot = 0.0, squares = 0.0;
    for (size_t i = 0; i < dimensions; i++) {
        dot += (double)vector[i] * (double)search->query[i];
        squares += (double)vector[i] * (double)vector[i];
    }
    double cosine = dot / (sqrt(squares) * search->query_norm);
    return isfinite(cosine) ? keep(search, cosine, source_id, err) : 0;
}

/* Takes the candidates out of the heap, worst first, into `hits`, best first. */
static int fetch_hits(
    struct vf_store *store, struct search *search, struct vf_hit *hits, struct vf_err *err)
{
    while (search->n > 0) {
        size_t last = search->n - 1;
        hits[last].cosine = search->heap[0].cosine;
        int rc = vf_store_find_article(store, search->heap[0].id, &hits[last].article, err);
        if (rc)
            return rc;
        swap(&search->heap[0], &search->heap[last]);
        free(search->heap[last].id);
        search->n = last;
        sift_down(search->heap, search->n, 0);
    }
    return 0;
}

int vf_search(struct vf_store *store, const struct vf_selection *selection, const float *query,
    size_t dimensions, size_t k, struct vf_hit **ret_hits, size_t *ret_n, struct vf_err *err)
{
    struct search search = {
        .selection = selection, .query = query, .dimensions = dimensions, .k = k};
    struct vf_hit *hits = NULL;
    size_t n = 0;
    int rc = 0;
    double squares = 0.0;
    for (size_t i = 0; i < dimensions; i++)
        squares += (double)query[i] * (double)query[i];
    if (!isfinite(squares) || squares == 0.0)
        return vf_fail(err, VF_ERR_USAGE, "the query's vector has no direction");
    search.query_norm = sqrt(squares);
    if (k > 0)
        VF_TRY(vf_store_scan_vectors(store, selection, visit_vector, &search, err));
    n = search.n;
    if (n > 0 && !(hits = calloc(n, sizeof *hits))) {
        rc = vf_fail_memory(err, "search results");
        goto out;
    }
    VF_TRY(fetch_hits(store, &search, hits, err));
    *ret_hits = hits;
    *ret_n = n;
    hits = NULL;
out:
    vf_hits_free(hits, n);
    for (size_t i = 0; i < search.n; i++)
        free(search.heap[i].id);
    free(search.heap);
    return rc;
}

void vf_hits_free(struct vf_hit *hits, size_t n)
{
    if (!hits)
        return;
    for (size_t i = 0; i < n; i++)
        vf_article_summary_release(&hits[i].article);
    free(hits);
}
