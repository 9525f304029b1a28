#include "tokenizer/vocab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct vf_vocab_token {
    uint32_t offset; /* in `text` */
    uint16_t n;      /* 0 where no token has the id */
};

struct vf_vocab_slot {
    uint32_t tag; /* bits of the hash that the place does not tell */
    int32_t id;   /* -1 in a free slot */
};

/* FNV-1a: it grows by one byte at a time, so the hashes of all beginnings cost no more than that of
 * the whole (Fowler, Noll, Vo). */
#define FNV_BASIS 0xCBF29CE484222325u
#define FNV_PRIME 0x100000001B3u

static inline uint64_t hash_byte(uint64_t hash, uint8_t byte)
{
    return (hash ^ byte) * FNV_PRIME;
}

static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = hash_byte(hash, (uint8_t)bytes[i]);
    return hash;
}

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static inline bool is_token(const struct vf_vocab *vocab, int32_t id,
    const struct vf_vocab_prefix *prefix, const void *text, size_t n)
{
    struct vf_vocab_token token = vocab->tokens[id];
    const char *bytes = vocab->text + token.offset;
    return token.n == prefix->n + n && memcmp(bytes, prefix->text, prefix->n) == 0 &&
           memcmp(bytes + prefix->n, text, n) == 0;
}

/* The id of prefix and text, which together have the hash, or -1. */
static inline int32_t find(const struct vf_vocab *vocab, const struct vf_vocab_prefix *prefix,
    const void *text, size_t n, uint64_t hash)
{
    for (uint64_t i = (hash ^ hash >> 29) & vocab->slot_mask;; i = (i + 1) & vocab->slot_mask) {
        struct vf_vocab_slot slot = vocab->slots[i];
        if (slot.id < 0)
            return -1;
        if (slot.tag == tag_of(hash) && is_token(vocab, slot.id, prefix, text, n))
            return slot.id;
    }
}

static const struct vf_vocab_prefix no_prefix = {.text = "", .n = 0, .hash = FNV_BASIS};

int32_t vf_vocab_find(const struct vf_vocab *vocab, const char *text, size_t n)
{
    if (vocab->n_tokens == 0)
        return -1;
    return find(vocab, &no_prefix, text, n, hash_bytes(FNV_BASIS, text, n));
}

const char *vf_vocab_token(const struct vf_vocab *vocab, int32_t id)
{
    if (id < 0 || (size_t)id >= vocab->n_ids || vocab->tokens[id].n == 0)
        return NULL;
    return vocab->text + vocab->tokens[id].offset;
}

struct vf_vocab_prefix vf_vocab_make_prefix(const char *text, size_t n)
{
    return (struct vf_vocab_prefix){.text = text, .n = n, .hash = hash_bytes(FNV_BASIS, text, n)};
}

int32_t vf_vocab_longest(const struct vf_vocab *vocab, const struct vf_vocab_prefix *prefix,
    const uint8_t *text, size_t n, size_t *ret_n)
{
    uint64_t hashes[VF_VOCAB_MAX_TOKEN_BYTES + 1];
    if (vocab->longest <= prefix->n)
        return -1;
    if (n > vocab->longest - prefix->n)
        n = vocab->longest - prefix->n;
    hashes[0] = prefix->hash;
    for (size_t i = 0; i < n; i++)
        hashes[i + 1] = hash_byte(hashes[i], text[i]);
    for (size_t i = n; i > 0; i--) {
        int32_t id = find(vocab, prefix, text, i, hashes[i]);
        if (id >= 0) {
            *ret_n = i;
            return id;
        }
    }
    return -1;
}

/* ---- making ---- */

static int measure(struct vf_vocab *vocab, const struct vf_vocab_entry *entries, size_t n,
    const char *where, size_t *ret_bytes, struct vf_err *err)
{
    size_t bytes = 0;
    if (n > VF_VOCAB_MAX_TOKENS)
        return vf_fail(err, VF_ERR_DATA, "%s: %zu tokens, more than the %u that are allowed", where,
            n, VF_VOCAB_MAX_TOKENS);
    for (size_t i = 0; i < n; i++) {
        const struct vf_vocab_entry *entry = &entries[i];
        if (entry->n == 0)
            return vf_fail(err, VF_ERR_DATA, "%s: the token of id %d is empty", where, entry->id);
        if (entry->n > VF_VOCAB_MAX_TOKEN_BYTES)
            return vf_fail(err, VF_ERR_DATA,
                "%s: the token of id %d has %zu bytes, more than the %u that are allowed", where,
                entry->id, entry->n, VF_VOCAB_MAX_TOKEN_BYTES);
        if (entry->id < 0 || (uint32_t)entry->id > VF_VOCAB_MAX_ID)
            return vf_fail(err, VF_ERR_DATA, "%s: the id of \"%s\" is %d, outside of 0 to %u",
                where, entry->text, entry->id, VF_VOCAB_MAX_ID);
        bytes += entry->n + 1;
        if (entry->n > vocab->longest)
            vocab->longest = entry->n;
        if ((size_t)entry->id >= vocab->n_ids)
            vocab->n_ids = (size_t)entry->id + 1;
    }
    *ret_bytes = bytes;
    return 0;
}

static int allocate(struct vf_vocab *vocab, size_t n, size_t bytes, struct vf_err *err)
{
    size_t n_slots = 2;
    while (n_slots < 2 * n)
        n_slots *= 2;
    vocab->slot_mask = n_slots - 1;
    vocab->text = malloc(bytes);
    vocab->tokens = calloc(vocab->n_ids, sizeof *vocab->tokens);
    vocab->slots = malloc(n_slots * sizeof *vocab->slots);
    if (!vocab->text || !vocab->tokens || !vocab->slots)
        return vf_fail_memory(err, "the vocabulary");
    for (size_t i = 0; i < n_slots; i++)
        vocab->slots[i] = (struct vf_vocab_slot){.id = -1};
    return 0;
}

static int add(struct vf_vocab *vocab, const struct vf_vocab_entry *entry, size_t offset,
    const char *where, struct vf_err *err)
{
    struct vf_vocab_token *token = &vocab->tokens[entry->id];
    uint64_t hash = hash_bytes(FNV_BASIS, entry->text, entry->n);
    if (token->n != 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" and \"%s\" have the same id %d", where,
            vf_vocab_token(vocab, entry->id), entry->text, entry->id);
    if (find(vocab, &no_prefix, entry->text, entry->n, hash) >= 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" occurs twice", where, entry->text);
    memcpy(vocab->text + offset, entry->text, entry->n);
    vocab->text[offset + entry->n] = '\0';
    *token = (struct vf_vocab_token){.offset = (uint32_t)offset, .n = (uint16_t)entry->n};
    uint64_t i = (hash ^ hash >> 29) & vocab->slot_mask;
    while (vocab->slots[i].id >= 0)
        i = (i + 1) & vocab->slot_mask;
    vocab->slots[i] = (struct vf_vocab_slot){.tag = tag_of(hash), .id = entry->id};
    vocab->n_tokens++;
    return 0;
}

int vf_vocab_init(struct vf_vocab *vocab, const struct vf_vocab_entry *entries, size_t n,
    const char *where, struct vf_err *err)
{
    size_t bytes = 0, offset = 0;
    int rc = 0;
    *vocab = (struct vf_vocab){0};
    if (n == 0)
        return 0;
    VF_TRY(measure(vocab, entries, n, where, &bytes, err));
    VF_TRY(allocate(vocab, n, bytes, err));
    for (size_t i = 0; i < n; i++) {
        VF_TRY(add(vocab, &entries[i], offset, where, err));
        offset += entries[i].n + 1;
    }
out:
    if (rc)
        vf_vocab_release(vocab);
    return rc;
}

void vf_vocab_release(struct vf_vocab *vocab)
{
    if (!vocab)
        return;
    free(vocab->text);
    free(vocab->tokens);
    free(vocab->slots);
    *vocab = (struct vf_vocab){0};
}
