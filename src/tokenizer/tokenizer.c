#include "tokenizer/tokenizer.h"

#include "base/file.h"
#include "tokenizer/bert_pretokenizer.h"
#include "tokenizer/tokenizer_impl.h"

#include <stdlib.h>
#include <string.h>

/* Text is searched for added tokens in stretches of about this size, so that what lies behind a
 * full limit is not even looked at. */
enum { STRETCH_BYTES = 4096 };

/* Returned up the stages when the limit is full and there is more; no error. */
enum { STOP = 1 };

/* Where the ids of one text go. */
struct sink {
    const struct vf_tokenizer *tokenizer;
    struct vf_ids *ids; /* NULL: they are only counted */
    struct vf_err *err;
    size_t n;
    size_t limit;
};

/* ---- life cycle ---- */

int vf_tokenizer_open(const char *directory, struct vf_tokenizer **ret, struct vf_err *err)
{
    struct vf_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    char *path = vf_path_join(directory, "tokenizer.json");
    int rc = !tokenizer || !path ? vf_fail_memory(err, "the tokenizer")
                                 : vf_tokenizer_read(path, tokenizer, err);
    free(path);
    if (rc)
        vf_tokenizer_close(tokenizer);
    else
        *ret = tokenizer;
    return rc;
}

void vf_tokenizer_close(struct vf_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    vf_wordpiece_release(&tokenizer->model);
    vf_vocab_release(&tokenizer->added);
    vf_added_set_release(&tokenizer->raw);
    vf_added_set_release(&tokenizer->normal);
    vf_char_table_release(&tokenizer->table);
    vf_char_table_release(&tokenizer->plain);
    free(tokenizer);
}

/* ---- queries ---- */

size_t vf_tokenizer_specials(const struct vf_tokenizer *tokenizer)
{
    return tokenizer->specials.n;
}

size_t vf_tokenizer_vocab_size(const struct vf_tokenizer *tokenizer)
{
    size_t model = tokenizer->model.vocab.n_ids, added = tokenizer->added.n_ids;
    return model > added ? model : added;
}

const char *vf_tokenizer_token(const struct vf_tokenizer *tokenizer, int32_t id)
{
    const char *token = vf_vocab_token(&tokenizer->model.vocab, id);
    return token ? token : vf_vocab_token(&tokenizer->added, id);
}

int32_t vf_tokenizer_find(const struct vf_tokenizer *tokenizer, const char *token)
{
    int32_t id = vf_vocab_find(&tokenizer->model.vocab, token, strlen(token));
    return id >= 0 ? id : vf_vocab_find(&tokenizer->added, token, strlen(token));
}

/* ---- ids ---- */

void vf_ids_release(struct vf_ids *ids)
{
    if (!ids)
        return;
    free(ids->ids);
    *ids = (struct vf_ids){0};
}

static int reserve(struct vf_ids *ids, size_t more, struct vf_err *err)
{
    if (more <= ids->capacity - ids->n)
        return 0;
    if (more > SIZE_MAX / sizeof *ids->ids / 4 - ids->n)
        return vf_fail_memory(err, "token ids");
    size_t capacity = ids->capacity * 2 > ids->n + more ? ids->capacity * 2 : ids->n + more;
    int32_t *moved = realloc(ids->ids, capacity * sizeof *moved);
    if (!moved)
        return vf_fail_memory(err, "token ids");
    ids->ids = moved;
    ids->capacity = capacity;
    return 0;
}

static int append(struct vf_ids *ids, const int32_t *more, size_t n, struct vf_err *err)
{
    if (n == 0)
        return 0;
    int rc = reserve(ids, n, err);
    if (rc)
        return rc;
    memcpy(ids->ids + ids->n, more, n * sizeof *more);
    ids->n += n;
    return 0;
}

/* Stores as many of `n` ids as the limit allows. */
static int put(struct sink *sink, const int32_t *ids, size_t n)
{
    size_t room = sink->limit - sink->n;
    size_t fit = n < room ? n : room;
    if (sink->ids) {
        int rc = append(sink->ids, ids, fit, sink->err);
        if (rc)
            return rc;
    }
    sink->n += fit;
    return fit < n ? STOP : 0;
}

static int take_word(void *context, const uint8_t *word, size_t n, size_t n_chars)
{
    struct sink *sink = context;
    int32_t ids[VF_WORD_MAX_CHARS];
    if (sink->n == sink->limit)
        return STOP;
    size_t n_ids = vf_wordpiece_encode(&sink->tokenizer->model, word, n, n_chars, ids);
    return put(sink, ids, n_ids);
}

/* ---- stages ---- */

/* What becomes of text between added tokens. */
typedef int piece_fn(struct sink *sink, const uint8_t *text, size_t n);

/* The end of a stretch that begins at `from`: a blank or a line's end, where neither words nor
 * normalisation look across. */
static size_t stretch_end(const uint8_t *text, size_t n, size_t from)
{
    if (n - from <= STRETCH_BYTES)
        return n;
    size_t end = from + STRETCH_BYTES;
    while (end < n && text[end] != ' ' && text[end] != '\n')
        end++;
    return end;
}

static int split_added(struct sink *sink, const struct vf_added_set *set, const uint8_t *text,
    size_t n, bool in_stretches, piece_fn *take_piece)
{
    size_t taken = 0, from = 0;
    int rc = 0;
    while ((from < n || taken < n) && rc == 0) {
        struct vf_added_match match;
        size_t until = in_stretches ? stretch_end(text, n, from) : n;
        bool found = vf_added_set_next(set, text, n, taken, &from, until, &match);
        size_t piece_end = found ? match.begin : until;
        if (taken < piece_end) {
            rc = take_piece(sink, text + taken, piece_end - taken);
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

static int split_words(
    struct sink *sink, const struct vf_char_table *table, const uint8_t *text, size_t n)
{
    size_t max_chars = sink->tokenizer->model.max_chars;
    return vf_bert_split(table, text, text + n, max_chars, take_word, sink);
}

static int take_normal_piece(struct sink *sink, const uint8_t *text, size_t n)
{
    return split_words(sink, &sink->tokenizer->plain, text, n);
}

static int take_piece(struct sink *sink, const uint8_t *text, size_t n)
{
    const struct vf_tokenizer *t = sink->tokenizer;
    if (!t->normal.tokens)
        return split_words(sink, &t->table, text, n);
    struct vf_buf normal = {0};
    int rc = vf_char_table_normalize(&t->table, text, n, &normal, sink->err);
    if (rc == 0)
        rc = split_added(
            sink, &t->normal, (const uint8_t *)normal.data, normal.size, false, take_normal_piece);
    vf_buf_release(&normal);
    return rc;
}

/* A token may lie across two stretches of normal text, so that text is taken whole. */
static int run(struct sink *sink, const char *text, size_t n)
{
    const struct vf_tokenizer *t = sink->tokenizer;
    return split_added(sink, &t->raw, (const uint8_t *)text, n, !t->normal.tokens, take_piece);
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
    VF_TRY(append(out, specials->ids, specials->n_before, err));
    int stopped = run(&sink, text, n);
    VF_TRY(stopped == STOP ? 0 : stopped);
    VF_TRY(append(out, specials->ids + specials->n_before, specials->n - specials->n_before, err));
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
