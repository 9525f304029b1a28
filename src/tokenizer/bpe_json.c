#include "base/buf.h"
#include "base/utf8.h"
#include "tokenizer/bpe.h"

#include <stdlib.h>
#include <string.h>

/* The two tokens of a merge. */
struct pair {
    const char *left;
    const char *right;
    size_t left_n;
    size_t right_n;
};

static bool split_pair(const char *text, size_t n, struct pair *ret)
{
    const char *blank = memchr(text, ' ', n);
    if (!blank)
        return false;
    size_t left_n = (size_t)(blank - text);
    *ret = (struct pair){text, blank + 1, left_n, n - left_n - 1};
    return !memchr(ret->right, ' ', ret->right_n);
}

/* A merge is "left right", or since 0.20 of the reference ["left", "right"]. *ret_is_header tells
 * that it is the line that some files begin with. */
static int read_pair(struct vf_json_table *table, size_t rank, const char *where, struct pair *ret,
    bool *ret_is_header, struct vf_err *err)
{
    static const char header[] = "#version";
    const char *text;
    size_t n;
    int rc;
    *ret_is_header = false;
    if (vf_json_table_is(table, '"')) {
        VF_TRY(vf_json_table_string(table, &text, &n, err));
        *ret_is_header = strncmp(text, header, strlen(header)) == 0;
        if (*ret_is_header || split_pair(text, n, ret))
            return 0;
    } else if (vf_json_table_is(table, '[')) {
        VF_TRY(vf_json_table_mark(table, '[', err));
        if (vf_json_table_string(table, &ret->left, &ret->left_n, NULL) == 0 &&
            vf_json_table_mark(table, ',', NULL) == 0 &&
            vf_json_table_string(table, &ret->right, &ret->right_n, NULL) == 0 &&
            vf_json_table_mark(table, ']', NULL) == 0)
            return 0;
    }
    rc = vf_fail(err, VF_ERR_DATA, "%s.merges[%zu]: not a pair of tokens", where, rank);
out:
    return rc;
}

/* What the pair makes, into `text`; the prefix of its right half goes. */
static size_t join(const struct pair *pair, size_t prefix_n, char *text)
{
    memcpy(text, pair->left, pair->left_n);
    memcpy(text + pair->left_n, pair->right + prefix_n, pair->right_n - prefix_n);
    return pair->left_n + pair->right_n - prefix_n;
}

/* A merge by ids. */
struct merge {
    int32_t left, right, id;
};

static int find_merge(const struct vf_bpe *bpe, const struct pair *pair, size_t rank,
    const char *where, struct merge *ret, struct vf_err *err)
{
    char text[2 * VF_VOCAB_MAX_TOKEN_BYTES];
    size_t prefix_n = bpe->prefix ? strlen(bpe->prefix) : 0;
    if (pair->right_n < prefix_n)
        return vf_fail(err, VF_ERR_DATA, "%s.merges[%zu]: not a pair of tokens", where, rank);
    int32_t left = vf_vocab_find(&bpe->vocab, pair->left, pair->left_n);
    int32_t right = vf_vocab_find(&bpe->vocab, pair->right, pair->right_n);
    int32_t id =
        left < 0 || right < 0 ? -1 : vf_vocab_find(&bpe->vocab, text, join(pair, prefix_n, text));
    if (id < 0)
        return vf_fail(err, VF_ERR_DATA,
            "%s.merges[%zu]: \"%.*s\", \"%s\" or both together are not in the vocabulary", where,
            rank, (int)pair->left_n, pair->left, pair->right);
    *ret = (struct merge){.left = left, .right = right, .id = id};
    return 0;
}

/* Appends the merges of the table to `list`. */
static int list_merges(const struct vf_bpe *bpe, struct vf_json_table *table, const char *where,
    struct vf_buf *list, struct vf_err *err)
{
    bool more, is_header;
    int rc;
    for (size_t rank = 0;;) {
        struct pair pair = {0};
        struct merge merge;
        VF_TRY(vf_json_table_next(table, '[', &more, err));
        if (!more)
            return vf_json_table_end(table, err);
        VF_TRY(read_pair(table, rank, where, &pair, &is_header, err));
        if (is_header)
            continue;
        VF_TRY(find_merge(bpe, &pair, rank++, where, &merge, err));
        VF_TRY(vf_buf_append(list, &merge, sizeof merge, err));
    }
out:
    return rc;
}

static int read_merges(
    struct vf_bpe *bpe, struct vf_json_table *table, const char *where, struct vf_err *err)
{
    struct vf_buf list = {.limit = VF_MERGES_MAX * sizeof(struct merge)};
    int rc;
    table->where = where;
    if (!vf_json_table_is(table, '[')) {
        rc = vf_fail(err, VF_ERR_DATA, "%s.merges: not an array of pairs", where);
        goto out;
    }
    VF_TRY(list_merges(bpe, table, where, &list, err));
    const struct merge *merges = (const void *)list.data;
    size_t n = list.size / sizeof *merges;
    VF_TRY(vf_merge_table_init(&bpe->table, n, err));
    for (size_t i = 0; i < n; i++)
        vf_merge_table_put(&bpe->table, merges[i].left, merges[i].right,
            (struct vf_merge){.rank = (uint32_t)i, .id = merges[i].id});
out:
    vf_buf_release(&list);
    return rc;
}

/* An affix that is null or empty is none. */
static int read_affix(
    const json_t *json, const char *key, const char *where, char **ret, struct vf_err *err)
{
    const char *text;
    int rc = vf_json_get_string(json, key, where, "", &text, err);
    if (rc || !*text)
        return rc;
    if (strlen(text) > VF_VOCAB_MAX_TOKEN_BYTES)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is too long", where, key);
    *ret = strdup(text);
    return *ret ? 0 : vf_fail_memory(err, "the vocabulary");
}

static void find_near(struct vf_bpe *bpe)
{
    for (uint32_t c = 0; c < VF_BPE_NEAR; c++) {
        uint8_t text[4];
        size_t n = vf_utf8_encode(c, text);
        bpe->near[c] = vf_vocab_find(&bpe->vocab, (const char *)text, n);
    }
}

static int read_options(
    struct vf_bpe *bpe, const json_t *json, const char *where, struct vf_err *err)
{
    double dropout;
    int rc;
    VF_TRY(vf_json_get_number(json, "dropout", where, 0, &dropout, err));
    if (dropout != 0) {
        rc =
            vf_fail(err, VF_ERR_DATA, "%s: \"dropout\" is not null, which makes ids random", where);
        goto out;
    }
    VF_TRY(vf_json_get_bool(json, "fuse_unk", where, false, &bpe->fuse_unk, err));
    VF_TRY(vf_json_get_bool(json, "byte_fallback", where, false, &bpe->has_bytes, err));
    VF_TRY(vf_json_get_bool(json, "ignore_merges", where, false, &bpe->ignore_merges, err));
    VF_TRY(read_affix(json, "continuing_subword_prefix", where, &bpe->prefix, err));
    VF_TRY(read_affix(json, "end_of_word_suffix", where, &bpe->suffix, err));
out:
    return rc;
}

static int read_unk(struct vf_bpe *bpe, const json_t *json, const char *where, struct vf_err *err)
{
    const json_t *unk = json_object_get(json, "unk_token");
    const char *token;
    bpe->unk_id = VF_BPE_DROPS_UNKNOWN;
    if (!unk || json_is_null(unk))
        return 0;
    int rc = vf_json_get_string(json, "unk_token", where, "", &token, err);
    if (rc)
        return rc;
    bpe->unk_id = vf_vocab_find(&bpe->vocab, token, strlen(token));
    if (bpe->unk_id < 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"unk_token\" is \"%s\", which the vocabulary lacks",
            where, token);
    return 0;
}

int vf_bpe_read(const json_t *json, struct vf_model_tables *tables, const char *where, void **ret,
    struct vf_err *err)
{
    static const char *const required[] = {"vocab", "merges", NULL};
    static const char *const optional[] = {"type", "dropout", "unk_token",
        "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback",
        "ignore_merges", NULL};
    struct vf_bpe *bpe = calloc(1, sizeof *bpe);
    int rc;
    if (!bpe)
        return vf_fail_memory(err, "the tokenizer");
    VF_TRY(vf_tokenizer_check_keys(json, where, required, optional, err));
    VF_TRY(read_options(bpe, json, where, err));
    VF_TRY(vf_token_model_read_vocab(&tables->vocab, where, &bpe->vocab, err));
    VF_TRY(read_unk(bpe, json, where, err));
    VF_TRY(read_merges(bpe, &tables->merges, where, err));
    vf_token_model_find_bytes(&bpe->vocab, bpe->bytes);
    find_near(bpe);
    *ret = bpe;
out:
    if (rc)
        vf_bpe_release(bpe);
    return rc;
}

void vf_bpe_release(void *self)
{
    struct vf_bpe *bpe = self;
    if (!bpe)
        return;
    vf_vocab_release(&bpe->vocab);
    vf_merge_table_release(&bpe->table);
    free(bpe->prefix);
    free(bpe->suffix);
    free(bpe);
}
