#include "tokenizer/bpe.h"

#include "base/checked.h"
#include "base/utf8.h"

#include <string.h>

/* Words of at most this many symbols are searched for the best pair from end to end each time,
 * which is quickest for them; longer ones, whose cost must not grow with the square, by a heap. */
enum { SHORT_WORD = 48 };

#define NO_SYMBOL UINT32_MAX

/* ---- characters to symbols ---- */

/* A word in the making: its symbols are the ids behind `begin`. */
struct spelling {
    const struct vf_bpe *bpe;
    struct vf_ids *ids;
    bool holds_unk; /* an unknown character was seen whose id is still to be put */
};

static void put(struct spelling *spelling, int32_t id)
{
    spelling->ids->ids[spelling->ids->n++] = id;
}

/* Spells the bytes by their own tokens, when all of them have one. */
static bool put_bytes(struct spelling *spelling, const uint8_t *bytes, size_t n)
{
    const int32_t *tokens = spelling->bpe->bytes;
    if (!spelling->bpe->has_bytes)
        return false;
    for (size_t i = 0; i < n; i++)
        if (tokens[bytes[i]] < 0)
            return false;
    for (size_t i = 0; i < n; i++)
        put(spelling, tokens[bytes[i]]);
    return true;
}

/* The reference holds an unknown character back until it sees whether the next one is unknown too,
 * and lets characters that are spelled by bytes overtake it. */
static void put_symbol(struct spelling *spelling, int32_t id, const uint8_t *bytes, size_t n)
{
    const struct vf_bpe *bpe = spelling->bpe;
    if (id >= 0) {
        if (spelling->holds_unk)
            put(spelling, bpe->unk_id);
        spelling->holds_unk = false;
        put(spelling, id);
    } else if (!put_bytes(spelling, bytes, n) && bpe->unk_id != VF_BPE_DROPS_UNKNOWN) {
        if (spelling->holds_unk && !bpe->fuse_unk)
            put(spelling, bpe->unk_id);
        spelling->holds_unk = true;
    }
}

/* A character with prefix and suffix, as the vocabulary has it. */
static void put_with_affixes(
    struct spelling *spelling, const uint8_t *p, size_t n, bool is_first, bool is_last)
{
    const struct vf_bpe *bpe = spelling->bpe;
    char text[2 * VF_VOCAB_MAX_TOKEN_BYTES + 4];
    size_t size = 0;
    if (bpe->prefix && !is_first) {
        size = strlen(bpe->prefix);
        memcpy(text, bpe->prefix, size);
    }
    memcpy(text + size, p, n);
    size += n;
    if (bpe->suffix && is_last) {
        memcpy(text + size, bpe->suffix, strlen(bpe->suffix));
        size += strlen(bpe->suffix);
    }
    put_symbol(spelling, vf_vocab_find(&bpe->vocab, text, size), (const uint8_t *)text, size);
}

static int reserve(const struct vf_bpe *bpe, size_t n, struct vf_ids *ids, struct vf_err *err)
{
    size_t each = 1 + (bpe->prefix ? strlen(bpe->prefix) : 0), need;
    if (n >= NO_SYMBOL / 2 || !vf_size_mul(n, each, &need))
        return vf_fail_memory(err, "a long word");
    return vf_ids_reserve(ids, need + 1 + (bpe->suffix ? strlen(bpe->suffix) : 0), err);
}

static int spell(
    const struct vf_bpe *bpe, const uint8_t *word, size_t n, struct vf_ids *ids, struct vf_err *err)
{
    struct spelling spelling = {.bpe = bpe, .ids = ids};
    bool has_affixes = bpe->prefix || bpe->suffix;
    int rc = reserve(bpe, n, ids, err);
    if (rc)
        return rc;
    for (size_t at = 0, next; at < n; at = next) {
        uint32_t c = word[at];
        next = at + (c < 0x80 ? 1 : vf_utf8_decode(word + at, word + n, &c));
        if (has_affixes)
            put_with_affixes(&spelling, word + at, next - at, at == 0, next == n);
        else if (c < VF_BPE_NEAR && bpe->near[c] >= 0 && !spelling.holds_unk)
            put(&spelling, bpe->near[c]);
        else
            put_symbol(&spelling, vf_vocab_find(&bpe->vocab, (const char *)word + at, next - at),
                word + at, next - at);
    }
    if (spelling.holds_unk)
        put(&spelling, bpe->unk_id);
    return 0;
}

/* ---- merging ---- */

static struct vf_merge merge_at(const struct vf_bpe *bpe, const int32_t *ids, size_t i, size_t n)
{
    const struct vf_merge none = {.rank = VF_MERGE_NONE};
    return i + 1 < n ? vf_merge_table_find(&bpe->table, ids[i], ids[i + 1]) : none;
}

/* Merges `n` symbols, at most SHORT_WORD, in place, and returns how many are left. */
static size_t merge_short(const struct vf_bpe *bpe, int32_t *ids, size_t n)
{
    struct vf_merge merges[SHORT_WORD];
    for (size_t i = 0; i < n; i++)
        merges[i] = merge_at(bpe, ids, i, n);
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++)
            if (merges[i].rank < merges[best].rank)
                best = i;
        if (n == 0 || merges[best].rank == VF_MERGE_NONE)
            return n;
        ids[best] = merges[best].id;
        n--;
        for (size_t i = best + 1; i < n; i++) {
            ids[i] = ids[i + 1];
            merges[i] = merges[i + 1];
        }
        merges[best] = merge_at(bpe, ids, best, n);
        if (best > 0)
            merges[best - 1] = merge_at(bpe, ids, best - 1, n);
    }
}

/* A merge that waits its turn, at the place of its left symbol. */
struct candidate {
    uint32_t rank;
    uint32_t place;
    int32_t id;
};

struct neighbours {
    uint32_t before;
    uint32_t after;
};

struct long_word {
    const struct vf_bpe *bpe;
    int32_t *ids; /* -1 where a symbol went into the one before it */
    struct neighbours *neighbours;
    struct candidate *heap; /* lowest rank first, then leftmost */
    size_t heap_n;
};

static bool goes_before(const struct candidate *a, const struct candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->place < b->place;
}

static void push(struct long_word *word, struct candidate candidate)
{
    size_t i = word->heap_n++;
    while (i > 0 && goes_before(&candidate, &word->heap[(i - 1) / 2])) {
        word->heap[i] = word->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    word->heap[i] = candidate;
}

static struct candidate pop(struct long_word *word)
{
    struct candidate top = word->heap[0], last = word->heap[--word->heap_n];
    size_t i = 0, n = word->heap_n;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && goes_before(&word->heap[child + 1], &word->heap[child]))
            child++;
        if (!goes_before(&word->heap[child], &last))
            break;
        word->heap[i] = word->heap[child];
    }
    word->heap[i] = last;
    return top;
}

/* Queues the merge of the symbol at `place` with the one after it, if there is one. */
static void queue(struct long_word *word, uint32_t place)
{
    if (place == NO_SYMBOL || word->neighbours[place].after == NO_SYMBOL)
        return;
    struct vf_merge merge = vf_merge_table_find(
        &word->bpe->table, word->ids[place], word->ids[word->neighbours[place].after]);
    if (merge.rank != VF_MERGE_NONE)
        push(word, (struct candidate){.rank = merge.rank, .place = place, .id = merge.id});
}

/* False when the symbols have changed since the candidate was queued. */
static bool still_holds(const struct long_word *word, const struct candidate *candidate)
{
    uint32_t place = candidate->place, after = word->neighbours[place].after;
    if (word->ids[place] < 0 || after == NO_SYMBOL)
        return false;
    struct vf_merge merge =
        vf_merge_table_find(&word->bpe->table, word->ids[place], word->ids[after]);
    return merge.rank != VF_MERGE_NONE && merge.id == candidate->id;
}

static void merge(struct long_word *word, const struct candidate *candidate)
{
    uint32_t place = candidate->place, gone = word->neighbours[place].after;
    uint32_t after = word->neighbours[gone].after;
    word->ids[place] = candidate->id;
    word->ids[gone] = -1;
    word->neighbours[place].after = after;
    if (after != NO_SYMBOL)
        word->neighbours[after].before = place;
    queue(word, word->neighbours[place].before);
    queue(word, place);
}

/* The heap never holds more than 2 n: each merge takes one out and puts two in at most. */
static int merge_long(const struct vf_bpe *bpe, int32_t *ids, size_t n, struct vf_buf *memory,
    size_t *ret_n, struct vf_err *err)
{
    struct long_word word = {.bpe = bpe, .ids = ids};
    size_t bytes, left = 0;
    if (!vf_size_mul(n, sizeof *word.neighbours + 2 * sizeof *word.heap, &bytes))
        return vf_fail_memory(err, "a long word");
    vf_buf_clear(memory);
    int rc = vf_buf_reserve(memory, bytes, err);
    if (rc)
        return rc;
    word.neighbours = (void *)memory->data;
    word.heap = (void *)(memory->data + n * sizeof *word.neighbours);
    for (uint32_t i = 0; i < n; i++)
        word.neighbours[i] =
            (struct neighbours){.before = i - 1, .after = i + 1 < n ? i + 1 : NO_SYMBOL};
    for (uint32_t i = 0; i < n; i++)
        queue(&word, i);
    while (word.heap_n > 0) {
        struct candidate top = pop(&word);
        if (still_holds(&word, &top))
            merge(&word, &top);
    }
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= 0)
            ids[left++] = ids[i];
    *ret_n = left;
    return 0;
}

int vf_bpe_encode(const void *self, const uint8_t *word, size_t n, struct vf_buf *memory,
    struct vf_ids *ids, struct vf_err *err)
{
    const struct vf_bpe *bpe = self;
    size_t begin = ids->n;
    if (bpe->ignore_merges) {
        int32_t id = vf_vocab_find(&bpe->vocab, (const char *)word, n);
        if (id >= 0)
            return vf_ids_append(ids, &id, 1, err);
    }
    int rc = spell(bpe, word, n, ids, err);
    if (rc)
        return rc;
    size_t n_symbols = ids->n - begin;
    if (n_symbols <= SHORT_WORD)
        n_symbols = merge_short(bpe, ids->ids + begin, n_symbols);
    else
        rc = merge_long(bpe, ids->ids + begin, n_symbols, memory, &n_symbols, err);
    ids->n = begin + n_symbols;
    return rc;
}

static const struct vf_vocab *vocab(const void *self)
{
    return &((const struct vf_bpe *)self)->vocab;
}

const struct vf_model_kind vf_bpe_model = {.type = "BPE",
    .read = vf_bpe_read,
    .release = vf_bpe_release,
    .vocab = vocab,
    .encode = vf_bpe_encode};
