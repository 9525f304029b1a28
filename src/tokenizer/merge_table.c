#include "tokenizer/merge_table.h"

#include <stdlib.h>

int vf_merge_table_init(struct vf_merge_table *table, size_t n, struct vf_err *err)
{
    size_t n_slots = 2;
    while (n_slots < 2 * n)
        n_slots *= 2;
    struct vf_merge_slot *slots = malloc(n_slots * sizeof *slots);
    if (!slots)
        return vf_fail_memory(err, "the merges");
    for (size_t i = 0; i < n_slots; i++)
        slots[i] = (struct vf_merge_slot){.merge.rank = VF_MERGE_NONE};
    *table = (struct vf_merge_table){.slots = slots, .mask = n_slots - 1};
    return 0;
}

void vf_merge_table_release(struct vf_merge_table *table)
{
    if (!table)
        return;
    free(table->slots);
    *table = (struct vf_merge_table){0};
}

void vf_merge_table_put(
    struct vf_merge_table *table, int32_t left, int32_t right, struct vf_merge merge)
{
    uint64_t i = vf_merge_hash(left, right) & table->mask;
    while (table->slots[i].merge.rank != VF_MERGE_NONE &&
           (table->slots[i].left != left || table->slots[i].right != right))
        i = (i + 1) & table->mask;
    table->slots[i] = (struct vf_merge_slot){.left = left, .right = right, .merge = merge};
}
