#include "tokenizer/byte_trie.h"

#include "base/checked.h"

#include <stdlib.h>

/* So few are sorted without counting. */
enum { FEW_ENTRIES = 24 };

/* The entries that share the bytes of a node: a run of the array. */
struct run {
    uint32_t begin;
    uint32_t end;
};

struct builder {
    struct vf_byte_trie *trie;
    struct vf_byte_trie_entry *entries;
    struct vf_byte_trie_entry *sorted; /* as many */
    struct run *runs;                  /* of every node */
    size_t capacity;                   /* of all arrays of nodes */
};

/* A node for every byte of every string is the most there can be. */
static int allocate(struct builder *builder, size_t n, struct vf_err *err)
{
    struct vf_byte_trie *trie = builder->trie;
    size_t nodes = 1;
    for (size_t i = 0; i < n; i++)
        if (!vf_size_add(nodes, builder->entries[i].n, &nodes))
            return vf_fail_memory(err, "the vocabulary");
    if (nodes >= VF_BYTE_TRIE_NONE)
        return vf_fail_memory(err, "the vocabulary");
    builder->capacity = nodes;
    trie->first_child = malloc((nodes + 1) * sizeof *trie->first_child);
    trie->bytes = malloc(nodes);
    trie->values = malloc(nodes * sizeof *trie->values);
    builder->runs = malloc(nodes * sizeof *builder->runs);
    builder->sorted = malloc((n + 1) * sizeof *builder->sorted);
    if (!trie->first_child || !trie->bytes || !trie->values || !builder->runs || !builder->sorted)
        return vf_fail_memory(err, "the vocabulary");
    return 0;
}

static void add_node(struct builder *builder, uint8_t byte, uint32_t begin, uint32_t end)
{
    struct vf_byte_trie *trie = builder->trie;
    trie->bytes[trie->n] = byte;
    trie->values[trie->n] = -1;
    builder->runs[trie->n++] = (struct run){.begin = begin, .end = end};
}

/* Gives the node its value and takes the entry that ends there out of its run. */
static void end_entry(struct builder *builder, size_t node, uint32_t depth)
{
    struct vf_byte_trie_entry *entries = builder->entries;
    struct run *run = &builder->runs[node];
    for (uint32_t i = run->begin; i < run->end; i++) {
        if (entries[i].n != depth)
            continue;
        builder->trie->values[node] = entries[i].value;
        entries[i] = entries[run->begin++];
        return;
    }
}

/* Sorts the run by the byte at `depth`. */
static void sort_few(struct vf_byte_trie_entry *entries, struct run run, uint32_t depth)
{
    for (uint32_t i = run.begin + 1; i < run.end; i++) {
        struct vf_byte_trie_entry entry = entries[i];
        uint32_t at = i;
        for (; at > run.begin && entries[at - 1].bytes[depth] > entry.bytes[depth]; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

static void sort_many(struct builder *builder, struct run run, uint32_t depth)
{
    struct vf_byte_trie_entry *entries = builder->entries;
    uint32_t places[257] = {0};
    for (uint32_t i = run.begin; i < run.end; i++)
        places[entries[i].bytes[depth] + 1]++;
    for (size_t byte = 0; byte < 256; byte++)
        places[byte + 1] += places[byte];
    for (uint32_t i = run.begin; i < run.end; i++)
        builder->sorted[places[entries[i].bytes[depth]]++] = entries[i];
    memcpy(entries + run.begin, builder->sorted, (run.end - run.begin) * sizeof *entries);
}

/* Sorts the run of the node by the byte at `depth` and makes a child of each. */
static void add_children(struct builder *builder, size_t node, uint32_t depth)
{
    struct vf_byte_trie_entry *entries = builder->entries;
    struct run run = builder->runs[node];
    if (run.end - run.begin <= FEW_ENTRIES)
        sort_few(entries, run, depth);
    else
        sort_many(builder, run, depth);
    for (uint32_t i = run.begin, begin = i; i < run.end; i++) {
        if (i + 1 < run.end && entries[i + 1].bytes[depth] == entries[i].bytes[depth])
            continue;
        add_node(builder, entries[i].bytes[depth], begin, i + 1);
        begin = i + 1;
    }
}

int vf_byte_trie_init(
    struct vf_byte_trie *trie, struct vf_byte_trie_entry *entries, size_t n, struct vf_err *err)
{
    struct builder builder = {.trie = trie, .entries = entries};
    size_t level_end = 1;
    uint32_t depth = 0;
    *trie = (struct vf_byte_trie){0};
    int rc = allocate(&builder, n, err);
    if (rc)
        goto out;
    add_node(&builder, 0, 0, (uint32_t)n);
    for (size_t node = 0; node < trie->n; node++) {
        if (node == level_end) {
            level_end = trie->n;
            depth++;
        }
        end_entry(&builder, node, depth);
        trie->first_child[node] = (uint32_t)trie->n;
        if (builder.runs[node].begin < builder.runs[node].end)
            add_children(&builder, node, depth);
    }
    trie->first_child[trie->n] = (uint32_t)trie->n;
out:
    free(builder.runs);
    free(builder.sorted);
    if (rc)
        vf_byte_trie_release(trie);
    return rc;
}

void vf_byte_trie_release(struct vf_byte_trie *trie)
{
    if (!trie)
        return;
    free(trie->first_child);
    free(trie->bytes);
    free(trie->values);
    *trie = (struct vf_byte_trie){0};
}
