/* A trie of byte strings, for all of them that a text begins with. Immutable once made.
 *
 * Its nodes are numbered level by level, so that the children of a node are neighbours, in the
 * order of their bytes: those of `node` are first_child[node] up to first_child[node + 1].
 */
#ifndef VF_TOKENIZER_BYTE_TRIE_H
#define VF_TOKENIZER_BYTE_TRIE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct vf_byte_trie {
    uint32_t *first_child; /* one more than there are nodes, owned */
    uint8_t *bytes;        /* that lead to a node, owned */
    int32_t *values;       /* of a node, -1 where no string ends; owned */
    size_t n;
};

struct vf_byte_trie_entry {
    const uint8_t *bytes;
    uint32_t n; /* at least 1 */
    int32_t value;
};

/* Makes a trie of different strings; the entries are left in another order. On failure the trie is
 * empty. Release with vf_byte_trie_release(). */
VF_MUST_CHECK int vf_byte_trie_init(
    struct vf_byte_trie *trie, struct vf_byte_trie_entry *entries, size_t n, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_byte_trie_release(struct vf_byte_trie *trie);

#define VF_BYTE_TRIE_ROOT 0u
#define VF_BYTE_TRIE_NONE UINT32_MAX

/* The child of `node` that `byte` leads to, or VF_BYTE_TRIE_NONE. */
static inline uint32_t vf_byte_trie_child(
    const struct vf_byte_trie *trie, uint32_t node, uint8_t byte)
{
    uint32_t first = trie->first_child[node], n = trie->first_child[node + 1] - first;
    if (n <= 4) {
        for (uint32_t i = 0; i < n; i++)
            if (trie->bytes[first + i] == byte)
                return first + i;
        return VF_BYTE_TRIE_NONE;
    }
    const uint8_t *found = memchr(trie->bytes + first, byte, n);
    return found ? (uint32_t)(found - trie->bytes) : VF_BYTE_TRIE_NONE;
}

#endif
