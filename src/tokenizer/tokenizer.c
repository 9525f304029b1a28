#include "tokenizer/tokenizer.h"

#include "base/file.h"
#include "base/utf8.h"
#include "tokenizer/bert_pretokenizer.h"
#include "tokenizer/bert_vocab.h"
#include "tokenizer/tokenizer_config.h"
#include "tokenizer/tokenizer_impl.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FILE_BYTES ((size_t)64 << 20)

/* Text is searched for added tokens in stretches of about this size, so that what lies behind a
 * full limit is not even looked at. */
enum { STRETCH_BYTES = 4096 };

/* Returned up the stages when the limit is full and there is more; no error. */
enum { STOP = 1 };

/* Where the ids of one text go. */
struct sink {
    const struct vf_tokenizer *tokenizer;
    struct vf_workspace *workspace; /* NULL where the quicker way of BERT needs none */
    struct vf_ids *ids;             /* NULL: they are only counted */
    struct vf_err *err;
    size_t n;
    size_t limit;
};

/* ---- life cycle ---- */

static bool has_only_vocab(const char *directory, const char *path)
{
    char *vocab = vf_path_join(directory, "vocab.txt");
    bool found = vocab && !vf_is_file(path) && vf_is_file(vocab);
    free(vocab);
    return found;
}

static int load(const char *directory, const char *path, bool lowercase,
    struct vf_tokenizer *tokenizer, struct vf_err *err)
{
    struct vf_buf text = {0};
    json_t *config = NULL;
    int rc;
    VF_TRY(vf_tokenizer_config_load(directory, &config, err));
    if (has_only_vocab(directory, path)) {
        rc = vf_bert_vocab_load(directory, path, config, lowercase, tokenizer, err);
        goto out;
    }
    VF_TRY(vf_read_file(path, MAX_FILE_BYTES, &text, err));
    VF_TRY(vf_tokenizer_parse(
        text.data ? text.data : (char[]){""}, text.size, path, config, lowercase, tokenizer, err));
out:
    json_decref(config);
    vf_buf_release(&text);
    return rc;
}

int vf_tokenizer_open(
    const char *directory, bool lowercase, struct vf_tokenizer **ret, struct vf_err *err)
{
    struct vf_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    char *path = vf_path_join(directory, "tokenizer.json");
    int rc = tokenizer && path ? load(directory, path, lowercase, tokenizer, err)
                               : vf_fail_memory(err, "the tokenizer");
    if (rc == 0) {
        *ret = tokenizer;
        tokenizer = NULL;
    }
    free(path);
    vf_tokenizer_close(tokenizer);
    return rc;
}

void vf_tokenizer_close(struct vf_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    vf_normalizer_release(&tokenizer->normalizer);
    vf_pretokenizer_release(&tokenizer->pretokenizer);
    vf_token_model_release(&tokenizer->model);
    vf_vocab_release(&tokenizer->added);
    vf_added_set_release(&tokenizer->raw);
    vf_added_set_release(&tokenizer->normal);
    vf_workspace_pool_free(tokenizer->pool);
    free(tokenizer);
}

/* ---- queries ---- */

size_t vf_tokenizer_specials(const struct vf_tokenizer *tokenizer)
{
    return tokenizer->specials.n;
}

size_t vf_tokenizer_specials_before(const struct vf_tokenizer *tokenizer)
{
    return tokenizer->specials.n_before;
}

size_t vf_tokenizer_vocab_size(const struct vf_tokenizer *tokenizer)
{
    size_t model = tokenizer->model.vocab->n_ids, added = tokenizer->added.n_ids;
    return model > added ? model : added;
}

const char *vf_tokenizer_token(const struct vf_tokenizer *tokenizer, int32_t id)
{
    const char *token = vf_vocab_token(tokenizer->model.vocab, id);
    return token ? token : vf_vocab_token(&tokenizer->added, id);
}

int32_t vf_tokenizer_find(const struct vf_tokenizer *tokenizer, const char *token)
{
    int32_t id = vf_vocab_find(tokenizer->model.vocab, token, strlen(token));
    return id >= 0 ? id : vf_vocab_find(&tokenizer->added, token, strlen(token));
}

/* ---- stages ---- */

/* Stores as many of `n` ids as the limit allows. */
static int put(struct sink *sink, const int32_t *ids, size_t n)
{
    size_t room = sink->limit - sink->n;
    size_t fit = n < room ? n : room;
    if (sink->ids) {
        int rc = vf_ids_append(sink->ids, ids, fit, sink->err);
        if (rc)
            return rc;
    }
    sink->n += fit;
    return fit < n ? STOP : 0;
}

/* ---- words ---- */

static int take_bert_word(void *context, const uint8_t *word, size_t n, size_t n_chars)
{
    struct sink *sink = context;
    int32_t ids[VF_WORD_MAX_CHARS];
    if (sink->n == sink->limit)
        return STOP;
    size_t n_ids = vf_wordpiece_encode(sink->tokenizer->wordpiece, word, n, n_chars, ids);
    return put(sink, ids, n_ids);
}

static int take_word(void *context, const struct vf_piece *word)
{
    struct sink *sink = context;
    struct vf_workspace *workspace = sink->workspace;
    const struct vf_token_model *model = &sink->tokenizer->model;
    workspace->ids.n = 0;
    int rc = model->kind->encode(
        model->self, word->p, word->n, &workspace->model, &workspace->ids, sink->err);
    return rc ? rc : put(sink, workspace->ids.ids, workspace->ids.n);
}

static int split_bert_words(
    struct sink *sink, const struct vf_char_table *table, const struct vf_piece *piece)
{
    size_t max_chars = sink->tokenizer->wordpiece->max_chars;
    return vf_bert_split(table, piece->p, piece->p + piece->n, max_chars, take_bert_word, sink);
}

/* ---- pieces ---- */

/* What becomes of text between added tokens. */
typedef int piece_fn(struct sink *sink, const struct vf_piece *piece);

/* The end of a stretch that begins at `from`: a blank or a line's end, where neither words nor
 * normalisation look across. */
static size_t stretch_end(const struct vf_piece *text, size_t from)
{
    if (text->n - from <= STRETCH_BYTES)
        return text->n;
    size_t end = from + STRETCH_BYTES;
    while (end < text->n && text->p[end] != ' ' && text->p[end] != '\n')
        end++;
    return end;
}

static struct vf_piece part_of(const struct vf_piece *text, size_t begin, size_t end)
{
    return (struct vf_piece){.p = text->p + begin,
        .n = end - begin,
        .n_first = begin < text->n_first ? text->n_first - begin : 0};
}

static int split_added(struct sink *sink, const struct vf_added_set *set,
    const struct vf_piece *text, bool in_stretches, piece_fn *take_piece)
{
    size_t taken = 0, from = 0;
    int rc = 0;
    while ((from < text->n || taken < text->n) && rc == 0) {
        struct vf_added_match match;
        size_t until = in_stretches ? stretch_end(text, from) : text->n;
        bool found = vf_added_set_next(set, text->p, text->n, taken, &from, until, &match);
        size_t piece_end = found ? match.begin : until;
        if (taken < piece_end) {
            const struct vf_piece piece = part_of(text, taken, piece_end);
            rc = take_piece(sink, &piece);
            taken = piece_end;
        }
        if (found && rc == 0) {
            rc = put(sink, &match.id, 1);
            taken = match.end;
        } else if (from < until) {
            from = until;
        }
    }
    return rc;
}

static int take_normal_piece(struct sink *sink, const struct vf_piece *piece)
{
    const struct vf_tokenizer *t = sink->tokenizer;
    if (t->wordpiece)
        return split_bert_words(sink, t->plain, piece);
    return vf_pretokenizer_split(
        &t->pretokenizer, piece, sink->workspace, take_word, sink, sink->err);
}

static int take_piece(struct sink *sink, const struct vf_piece *piece)
{
    const struct vf_tokenizer *t = sink->tokenizer;
    if (!sink->workspace)
        return split_bert_words(sink, t->table, piece);
    struct vf_normal_text normal = {
        .p = piece->p, .n = piece->n, .n_first = piece->n_first, .bufs = sink->workspace->normal};
    int rc = vf_normalizer_apply(&t->normalizer, &normal, sink->err);
    const struct vf_piece text = {.p = normal.p, .n = normal.n, .n_first = normal.n_first};
    return rc ? rc : split_added(sink, &t->normal, &text, false, take_normal_piece);
}

/* ---- texts ---- */

/* Makes `text` valid UTF-8, in the workspace unless it is so already. */
static int make_valid(struct vf_workspace *workspace, struct vf_piece *text, struct vf_err *err)
{
    const uint8_t *p = text->p, *end = p + text->n;
    size_t valid = vf_utf8_valid_prefix(p, text->n);
    int rc;
    if (valid == text->n)
        return 0;
    vf_buf_clear(&workspace->valid);
    VF_TRY(vf_buf_append(&workspace->valid, p, valid, err));
    for (p += valid; p < end;) {
        uint32_t c;
        uint8_t bytes[4];
        p += vf_utf8_decode(p, end, &c);
        VF_TRY(vf_buf_append(&workspace->valid, bytes, vf_utf8_encode(c, bytes), err));
    }
    text->p = (const uint8_t *)workspace->valid.data;
    text->n = workspace->valid.size;
out:
    return rc;
}

static int run_in_workspace(struct sink *sink, struct vf_piece text)
{
    uint32_t unused;
    int rc = make_valid(sink->workspace, &text, sink->err);
    text.n_first = text.n ? vf_utf8_decode(text.p, text.p + text.n, &unused) : 0;
    return rc ? rc : split_added(sink, &sink->tokenizer->raw, &text, false, take_piece);
}

/* Only the quicker way of BERT takes text in stretches: other normalisers look anywhere, and a
 * token may lie across two stretches of normal text. */
static int run(struct sink *sink, const char *bytes, size_t n)
{
    const struct vf_tokenizer *t = sink->tokenizer;
    const struct vf_piece text = {.p = (const uint8_t *)bytes, .n = n};
    if (t->wordpiece && !t->normal.tokens)
        return split_added(sink, &t->raw, &text, true, take_piece);
    int rc = vf_workspace_take(t->pool, &sink->workspace, sink->err);
    if (rc)
        return rc;
    rc = run_in_workspace(sink, text);
    vf_workspace_put(t->pool, sink->workspace);
    return rc;
}

int vf_tokenizer_encode(const struct vf_tokenizer *tokenizer, const char *text, size_t n,
    size_t max_ids, struct vf_ids *out, bool *ret_truncated, struct vf_err *err)
{
    const struct vf_template *specials = &tokenizer->specials;
    struct sink sink = {.tokenizer = tokenizer, .ids = out, .err = err};
    int rc;
    out->n = 0;
    if (max_ids <= specials->n)
        return vf_fail(err, VF_ERR_USAGE,
            "a limit of %zu tokens leaves no room for text beside %zu special tokens", max_ids,
            specials->n);
    sink.limit = max_ids - specials->n;
    VF_TRY(vf_ids_append(out, specials->ids, specials->n_before, err));
    int stopped = run(&sink, text, n);
    VF_TRY(stopped == STOP ? 0 : stopped);
    VF_TRY(vf_ids_append(
        out, specials->ids + specials->n_before, specials->n - specials->n_before, err));
    *ret_truncated = stopped == STOP;
out:
    if (rc)
        out->n = 0;
    return rc;
}

int vf_tokenizer_count(const struct vf_tokenizer *tokenizer, const char *text, size_t n,
    size_t *ret, struct vf_err *err)
{
    struct sink sink = {
        .tokenizer = tokenizer, .err = err, .limit = SIZE_MAX - VF_TEMPLATE_MAX_SPECIALS};
    int rc = run(&sink, text, n);
    if (rc == 0)
        *ret = sink.n + tokenizer->specials.n;
    return rc;
}
