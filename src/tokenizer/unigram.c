/* Unigram: of all ways to put a word together from pieces, the one whose scores add up to the most
 * (Viterbi's algorithm; ties go to the piece that begins first). */
#include "base/buf.h"
#include "base/checked.h"
#include "base/utf8.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/token_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an unknown character costs beside the least score. */
#define UNKNOWN_PENALTY 10.0

/* Longer words are cut up by no model; the work on one is its length times the longest piece. */
#define MAX_WORD_BYTES ((size_t)1 << 30)

struct unigram {
    struct vf_vocab vocab;
    struct vf_byte_trie trie;
    double *scores; /* by id, owned */
    double unknown_score;
    int32_t unk_id; /* -1: an unknown character is an error */
    bool byte_fallback;
    int32_t bytes[256]; /* the pieces <0x00> to <0xFF>, -1 where there is none */
};

/* ---- reading ---- */

static void release(void *self)
{
    struct unigram *unigram = self;
    if (!unigram)
        return;
    vf_vocab_release(&unigram->vocab);
    vf_byte_trie_release(&unigram->trie);
    free(unigram->scores);
    free(unigram);
}

/* One piece is [text, score]. */
static int read_piece(struct vf_json_table *table, size_t i, const char *where,
    const char **ret_text, size_t *ret_n, double *ret_score, struct vf_err *err)
{
    bool is_integer;
    if (vf_json_table_mark(table, '[', NULL) ||
        vf_json_table_string(table, ret_text, ret_n, NULL) ||
        vf_json_table_mark(table, ',', NULL) ||
        vf_json_table_number(table, ret_score, &is_integer, NULL) ||
        vf_json_table_mark(table, ']', NULL))
        return vf_fail(err, VF_ERR_DATA, "%s.vocab[%zu]: not a piece and its score", where, i);
    if (!isfinite(*ret_score))
        return vf_fail(err, VF_ERR_DATA, "%s.vocab[%zu]: the score is not finite", where, i);
    return 0;
}

/* The pieces as the vocabulary and the trie take them, and their scores. */
struct pieces {
    struct vf_buf entries, keys, scores;
    double least;
    size_t n;
};

static int add_piece(
    struct pieces *pieces, struct vf_json_table *table, const char *where, struct vf_err *err)
{
    struct vf_vocab_entry entry = {.id = (int32_t)pieces->n};
    double score;
    int rc;
    if (pieces->n == VF_VOCAB_MAX_TOKENS)
        return vf_fail(
            err, VF_ERR_DATA, "%s.vocab: more than %u pieces", where, VF_VOCAB_MAX_TOKENS);
    VF_TRY(read_piece(table, pieces->n, where, &entry.text, &entry.n, &score, err));
    const struct vf_byte_trie_entry key = {
        (const uint8_t *)entry.text, (uint32_t)entry.n, entry.id};
    VF_TRY(vf_buf_append(&pieces->entries, &entry, sizeof entry, err));
    VF_TRY(vf_buf_append(&pieces->keys, &key, sizeof key, err));
    VF_TRY(vf_buf_append(&pieces->scores, &score, sizeof score, err));
    pieces->least = score < pieces->least ? score : pieces->least;
    pieces->n++;
out:
    return rc;
}

static int read_pieces(
    struct unigram *unigram, struct vf_json_table *table, const char *where, struct vf_err *err)
{
    struct pieces pieces = {.least = HUGE_VAL};
    bool more = vf_json_table_is(table, '[');
    int rc = 0;
    table->where = where;
    while (more) {
        VF_TRY(vf_json_table_next(table, '[', &more, err));
        if (more)
            VF_TRY(add_piece(&pieces, table, where, err));
    }
    if (pieces.n == 0) {
        rc = vf_fail(err, VF_ERR_DATA, "%s.vocab: not an array of 1 to %u pieces", where,
            VF_VOCAB_MAX_TOKENS);
        goto out;
    }
    VF_TRY(vf_json_table_end(table, err));
    unigram->unknown_score = pieces.least - UNKNOWN_PENALTY;
    VF_TRY(vf_vocab_init(&unigram->vocab, (const void *)pieces.entries.data, pieces.n, where, err));
    VF_TRY(vf_byte_trie_init(&unigram->trie, (void *)pieces.keys.data, pieces.n, err));
    unigram->scores = (void *)vf_buf_detach(&pieces.scores);
out:
    vf_buf_release(&pieces.entries);
    vf_buf_release(&pieces.keys);
    vf_buf_release(&pieces.scores);
    return rc;
}

static int read_unk(
    struct unigram *unigram, const json_t *json, const char *where, struct vf_err *err)
{
    const json_t *unk = json_object_get(json, "unk_id");
    size_t id;
    unigram->unk_id = -1;
    if (!unk || json_is_null(unk))
        return 0;
    int rc = vf_json_get_size(json, "unk_id", where, 0, unigram->vocab.n_ids - 1, &id, err);
    if (rc == 0)
        unigram->unk_id = (int32_t)id;
    return rc;
}

static int read(const json_t *json, struct vf_model_tables *tables, const char *where, void **ret,
    struct vf_err *err)
{
    static const char *const required[] = {"vocab", NULL};
    static const char *const optional[] = {"type", "unk_id", "byte_fallback", NULL};
    struct unigram *unigram = calloc(1, sizeof *unigram);
    int rc;
    if (!unigram)
        return vf_fail_memory(err, "the tokenizer");
    VF_TRY(vf_tokenizer_check_keys(json, where, required, optional, err));
    VF_TRY(vf_json_get_bool(json, "byte_fallback", where, false, &unigram->byte_fallback, err));
    VF_TRY(read_pieces(unigram, &tables->vocab, where, err));
    VF_TRY(read_unk(unigram, json, where, err));
    vf_token_model_find_bytes(&unigram->vocab, unigram->bytes);
    *ret = unigram;
out:
    if (rc)
        release(unigram);
    return rc;
}

/* ---- encoding ---- */

/* The best way to the place behind a piece; `begin` is that of the piece. */
struct node {
    double score;
    uint32_t begin; /* NOWHERE: no way leads here */
    int32_t id;
};

#define NOWHERE UINT32_MAX

static void offer(struct node *node, double score, size_t begin, int32_t id)
{
    if (node->begin == NOWHERE || score > node->score)
        *node = (struct node){.score = score, .begin = (uint32_t)begin, .id = id};
}

/* Offers all pieces that begin at `at`; true when one of them is the character alone. */
static bool offer_pieces(const struct unigram *unigram, const uint8_t *word, size_t n, size_t at,
    size_t character_n, struct node *nodes)
{
    const struct vf_byte_trie *trie = &unigram->trie;
    uint32_t node = VF_BYTE_TRIE_ROOT;
    double score = nodes[at].score;
    bool has_character = false;
    for (size_t end = at; end < n;) {
        node = vf_byte_trie_child(trie, node, word[end++]);
        if (node == VF_BYTE_TRIE_NONE)
            break;
        int32_t id = trie->values[node];
        if (id < 0)
            continue;
        offer(&nodes[end], score + unigram->scores[id], at, id);
        has_character = has_character || end - at == character_n;
    }
    return has_character;
}

static size_t character_size(uint8_t lead)
{
    return lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

static int find_best(const struct unigram *unigram, const uint8_t *word, size_t n,
    struct node *nodes, struct vf_err *err)
{
    nodes[0] = (struct node){.begin = 0};
    for (size_t i = 1; i <= n; i++)
        nodes[i].begin = NOWHERE;
    for (size_t at = 0, character_n; at < n; at += character_n) {
        character_n = character_size(word[at]);
        if (offer_pieces(unigram, word, n, at, character_n, nodes))
            continue;
        if (unigram->unk_id < 0)
            return vf_fail(err, VF_ERR_DATA,
                "the tokenizer has no token for a character of the text, nor an \"unk_id\"");
        offer(&nodes[at + character_n], nodes[at].score + unigram->unknown_score, at,
            unigram->unk_id);
    }
    return 0;
}

/* Appends, last one first, the ids of the bytes from `begin` to `end`, unknown as a whole. */
static int put_unknown(const struct unigram *unigram, const uint8_t *word, size_t begin, size_t end,
    struct vf_ids *ids, struct vf_err *err)
{
    int32_t id = vf_vocab_find(&unigram->vocab, (const char *)word + begin, end - begin);
    bool spelled = id < 0 && unigram->byte_fallback;
    for (size_t i = begin; i < end && spelled; i++)
        spelled = unigram->bytes[word[i]] >= 0;
    if (!spelled)
        return vf_ids_append(ids, id >= 0 ? &id : &unigram->unk_id, 1, err);
    int rc = 0;
    for (size_t i = end; i > begin && rc == 0; i--)
        rc = vf_ids_append(ids, &unigram->bytes[word[i - 1]], 1, err);
    return rc;
}

/* Appends the ids of the best way, last one first; neighbouring unknown characters are one. */
static int put_backwards(const struct unigram *unigram, const uint8_t *word, size_t n,
    const struct node *nodes, struct vf_ids *ids, struct vf_err *err)
{
    int rc = 0;
    for (size_t end = n; end > 0 && rc == 0;) {
        size_t begin = nodes[end].begin;
        if (nodes[end].id != unigram->unk_id) {
            rc = vf_ids_append(ids, &nodes[end].id, 1, err);
        } else {
            while (begin > 0 && nodes[begin].id == unigram->unk_id)
                begin = nodes[begin].begin;
            rc = put_unknown(unigram, word, begin, end, ids, err);
        }
        end = begin;
    }
    return rc;
}

static void reverse(int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        int32_t id = ids[i];
        ids[i] = ids[n - 1 - i];
        ids[n - 1 - i] = id;
    }
}

static int encode(const void *self, const uint8_t *word, size_t n, struct vf_buf *memory,
    struct vf_ids *ids, struct vf_err *err)
{
    const struct unigram *unigram = self;
    size_t begin = ids->n, bytes;
    int rc;
    if (n > MAX_WORD_BYTES || !vf_size_mul(n + 1, sizeof(struct node), &bytes))
        return vf_fail_memory(err, "a long word");
    vf_buf_clear(memory);
    VF_TRY(vf_buf_reserve(memory, bytes, err));
    struct node *nodes = (void *)memory->data;
    VF_TRY(find_best(unigram, word, n, nodes, err));
    VF_TRY(put_backwards(unigram, word, n, nodes, ids, err));
    reverse(ids->ids + begin, ids->n - begin);
out:
    return rc;
}

static const struct vf_vocab *vocab(const void *self)
{
    return &((const struct unigram *)self)->vocab;
}

const struct vf_model_kind vf_unigram_model = {
    .type = "Unigram", .read = read, .release = release, .vocab = vocab, .encode = encode};
