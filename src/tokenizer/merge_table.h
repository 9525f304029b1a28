/* The merges of BPE: pairs of ids to their rank and to the id of what they make. */
#ifndef VF_TOKENIZER_MERGE_TABLE_H
#define VF_TOKENIZER_MERGE_TABLE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define VF_MERGE_NONE UINT32_MAX
#define VF_MERGES_MAX (4u << 20)

/* The rank is VF_MERGE_NONE where there is no merge; lower ranks go first. */
struct vf_merge {
    uint32_t rank;
    int32_t id;
};

struct vf_merge_slot {
    int32_t left;
    int32_t right;
    struct vf_merge merge; /* free where the rank is VF_MERGE_NONE */
};

struct vf_merge_table {
    struct vf_merge_slot *slots; /* open addressing, owned */
    uint64_t mask;
};

/* Makes room for `n` merges, at most VF_MERGES_MAX. Release with vf_merge_table_release(). */
VF_MUST_CHECK int vf_merge_table_init(struct vf_merge_table *table, size_t n, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_merge_table_release(struct vf_merge_table *table);

/* Replaces what was there for the pair. */
void vf_merge_table_put(
    struct vf_merge_table *table, int32_t left, int32_t right, struct vf_merge merge);

static inline uint64_t vf_merge_hash(int32_t left, int32_t right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    pair *= 0x9E3779B97F4A7C15u; /* 2^64 by the golden ratio */
    return pair ^ pair >> 32;
}

static inline struct vf_merge vf_merge_table_find(
    const struct vf_merge_table *table, int32_t left, int32_t right)
{
    for (uint64_t i = vf_merge_hash(left, right) & table->mask;; i = (i + 1) & table->mask) {
        const struct vf_merge_slot *slot = &table->slots[i];
        if (slot->merge.rank == VF_MERGE_NONE || (slot->left == left && slot->right == right))
            return slot->merge;
    }
}

#endif
