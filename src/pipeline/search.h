/* The stored articles nearest to a vector, by cosine, exactly (every stored vector is looked at).
 */
#ifndef VF_PIPELINE_SEARCH_H
#define VF_PIPELINE_SEARCH_H

#include "store/store.h"

struct vf_hit {
    double cosine;
    struct vf_article_summary article; /* owned */
};

/* Finds the `k` nearest to `query` (`dimensions` floats) among the articles of `selection`, best
 * first, ties by id. *ret_hits (owned by the caller, released with vf_hits_free()) holds *ret_n <=
 * k entries. Stored vectors of another length are VF_ERR_CONFIG. */
VF_MUST_CHECK int vf_search(struct vf_store *store, const struct vf_selection *selection,
    const float *query, size_t dimensions, size_t k, struct vf_hit **ret_hits, size_t *ret_n,
    struct vf_err *err);

void vf_hits_free(struct vf_hit *hits, size_t n);

#endif
