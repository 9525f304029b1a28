/* Which articles are whose when several processes read the same selection. */
#include "store/claims.h"

#include "store/store_backend.h"

/* Articles of a cell, about. */
enum { CELL = 64 };

static const uint64_t fnv_offset = UINT64_C(0xcbf29ce484222325);

/* FNV-1a over a string and its end. */
static uint64_t hash_string(uint64_t hash, const char *s)
{
    do
        hash = (hash ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
    while (*s++);
    return hash;
}

/* One in CELL, wherever they lie: ids in a row have hashes that are alike in many bits, so that
 * they are mixed once more. */
static bool begins_cell(uint64_t hash)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 over the golden ratio */
    uint64_t mixed = (hash ^ hash >> 32) * golden;
    return (mixed >> 32) % CELL == 0;
}

void vf_page_pass(struct vf_page *page, const char *id)
{
    uint64_t hash = hash_string(fnv_offset, id);
    if (begins_cell(hash))
        page->cell = hash;
}

/* What stands for a cell among all that may be claimed in the database. */
static int64_t key_of(const struct vf_reader *reader, uint64_t cell)
{
    uint64_t hash = hash_string(fnv_offset, reader->store->names.embeddings.quoted);
    return (int64_t)(hash_string(hash, reader->selection->model_id) ^ cell);
}

int vf_reader_claim(struct vf_reader *reader, struct vf_page *page, size_t in_flight,
    uint64_t *ret_left, struct vf_err *err)
{
    const struct vf_store_ops *ops = reader->store->ops;
    const uint64_t n_before = reader->n_claimed;
    bool claimed = true;
    size_t n = 0;
    int rc = 0;
    reader->in_flight = in_flight;
    for (size_t i = 0; i < page->n; i++) {
        struct vf_article *article = &page->articles[i];
        if (i == 0 || article->cell != article[-1].cell)
            VF_TRY(ops->reader_claim(reader, key_of(reader, article->cell), &claimed, err));
        article->claimed = claimed;
        reader->n_claimed += claimed;
    }
    for (size_t i = 0; i < page->n; i++)
        if (page->articles[i].claimed)
            page->articles[n++] = page->articles[i];
    *ret_left = page->n - n;
    page->n = n;
out:
    if (rc)
        reader->n_claimed = n_before;
    return rc;
}
