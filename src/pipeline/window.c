#include "pipeline/window.h"

#include "base/checked.h"
#include "base/sha256.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARTICLES_PER_THREAD = 64, MIN_ARTICLES = 128, MAX_ARTICLES = 1024 };

_Static_assert(VF_TEXT_HASH_BYTES == VF_SHA256_BYTES, "texts are compared by their SHA-256");

size_t vf_window_articles(unsigned threads)
{
    if (threads < MIN_ARTICLES / ARTICLES_PER_THREAD)
        return MIN_ARTICLES;
    if (threads > MAX_ARTICLES / ARTICLES_PER_THREAD)
        return MAX_ARTICLES;
    return (size_t)threads * ARTICLES_PER_THREAD;
}

int vf_window_new(
    struct vf_window_size size, size_t dimensions, struct vf_window **ret, struct vf_err *err)
{
    size_t n_floats, n_buckets = 2, max_articles = size.articles;
    if (!vf_size_mul(max_articles, dimensions, &n_floats))
        return vf_fail_memory(err, "a window of articles");
    while (n_buckets < 2 * max_articles)
        n_buckets *= 2;
    struct vf_window *w = calloc(1, sizeof *w);
    if (!w)
        return vf_fail_memory(err, "a window of articles");
    w->size = size;
    w->dimensions = dimensions;
    w->n_buckets = n_buckets;
    w->text_of = calloc(max_articles, sizeof *w->text_of);
    w->texts = calloc(max_articles, sizeof *w->texts);
    w->sequences = calloc(max_articles, sizeof *w->sequences);
    w->buckets = calloc(n_buckets, sizeof *w->buckets);
    if (n_floats)
        w->vectors = calloc(n_floats, sizeof *w->vectors);
    if (!w->text_of || !w->texts || !w->sequences || !w->buckets || (n_floats && !w->vectors)) {
        vf_window_free(w);
        return vf_fail_memory(err, "a window of articles");
    }
    *ret = w;
    return 0;
}

void vf_window_free(struct vf_window *window)
{
    if (!window)
        return;
    vf_page_release(&window->page);
    vf_buf_release(&window->ids);
    vf_buf_release(&window->failures);
    vf_tokens_release(&window->tokens);
    free(window->text_of);
    free(window->texts);
    free(window->sequences);
    free(window->buckets);
    free(window->vectors);
    free(window);
}

int vf_window_read(struct vf_window *window, struct vf_reader *reader, uint64_t max_articles,
    bool *ret_end, struct vf_err *err)
{
    size_t n = max_articles < window->size.articles ? (size_t)max_articles : window->size.articles;
    window->n_texts = window->n_sequences = 0;
    window->encoded = false;
    int rc = vf_reader_next(reader, n, window->size.bytes, &window->page, ret_end, err);
    assert(rc || window->page.n <= n);
    return rc;
}

/* The bucket where a text with this hash is, or where it belongs. */
static uint32_t *find_bucket(struct vf_window *w, const uint8_t hash[VF_TEXT_HASH_BYTES])
{
    uint64_t key;
    memcpy(&key, hash, sizeof key);
    size_t i = (size_t)key & (w->n_buckets - 1);
    while (w->buckets[i] && memcmp(w->texts[w->buckets[i] - 1].hash, hash, VF_TEXT_HASH_BYTES) != 0)
        i = (i + 1) & (w->n_buckets - 1);
    return &w->buckets[i];
}

static int tokenize_text(struct vf_window *w, const struct vf_embedder *embedder,
    const struct vf_article *article, struct vf_window_text *text, struct vf_err *err)
{
    struct vf_text source = {.bytes = article->text, .n_bytes = article->n_text};
    int rc = vf_tokenize(embedder, source, &w->tokens, err);
    if (rc)
        return rc;
    text->n_ids = w->tokens.n_ids;
    text->tokens_lost = 0;
    if (w->tokens.truncated) {
        size_t n_all;
        rc = vf_count_tokens(embedder, source, &n_all, err);
        if (rc)
            return rc;
        text->tokens_lost = n_all - text->n_ids;
    }
    text->first_id = w->ids.size / sizeof *w->tokens.ids;
    return vf_buf_append(&w->ids, w->tokens.ids, text->n_ids * sizeof *w->tokens.ids, err);
}

/* What is wrong with a text alone must not end a run. */
static int note_failure(struct vf_window *w, struct vf_window_text *text,
    const struct vf_err *failure, struct vf_err *err)
{
    if (failure->code != VF_ERR_DATA) {
        if (err)
            *err = *failure;
        return failure->code;
    }
    text->n_ids = 0;
    text->tokens_lost = 0;
    text->failure = w->failures.size;
    return vf_buf_append(&w->failures, failure->msg, strlen(failure->msg) + 1, err);
}

/* A text with a fault stands for itself alone. */
static int tokenize_article(
    struct vf_window *w, const struct vf_embedder *embedder, size_t i, struct vf_err *err)
{
    const struct vf_article *article = &w->page.articles[i];
    struct vf_window_text *text = &w->texts[w->n_texts];
    uint32_t own = 0;
    int rc = vf_sha256(article->text, article->n_text, text->hash, err);
    if (rc)
        return rc;
    uint32_t *bucket = article->fault ? &own : find_bucket(w, text->hash);
    if (*bucket == 0) {
        struct vf_err failure = {0};
        if (article->fault)
            vf_fail(&failure, VF_ERR_DATA, "%s", article->text);
        if (article->fault || tokenize_text(w, embedder, article, text, &failure))
            rc = note_failure(w, text, &failure, err);
        if (rc)
            return rc;
        text->first_article = i;
        *bucket = (uint32_t)++w->n_texts;
    }
    w->text_of[i] = *bucket - 1;
    return 0;
}

int vf_window_tokenize(
    struct vf_window *window, const struct vf_embedder *embedder, struct vf_err *err)
{
    window->n_texts = window->n_sequences = 0;
    vf_buf_clear(&window->ids);
    vf_buf_clear(&window->failures);
    memset(window->buckets, 0, window->n_buckets * sizeof *window->buckets);
    for (size_t i = 0; i < window->page.n; i++) {
        int rc = tokenize_article(window, embedder, i, err);
        if (rc) {
            vf_err_prefix(err, "article %s", window->page.articles[i].id);
            return rc;
        }
    }
    const int32_t *ids = (const int32_t *)window->ids.data;
    for (size_t t = 0; t < window->n_texts; t++) {
        struct vf_window_text *text = &window->texts[t];
        if (text->n_ids == 0)
            continue;
        text->row = window->n_sequences++;
        window->sequences[text->row] =
            (struct vf_sequence){.ids = ids + text->first_id, .n_ids = text->n_ids};
    }
    return 0;
}

int vf_window_encode(struct vf_window *window, struct vf_embedder *embedder, struct vf_err *err)
{
    int rc = vf_encode(embedder, window->sequences, window->n_sequences, window->vectors, err);
    window->encoded = rc == 0;
    return rc;
}

const struct vf_window_text *vf_window_text(const struct vf_window *window, size_t i)
{
    return &window->texts[window->text_of[i]];
}

const char *vf_window_failure(const struct vf_window *window, const struct vf_window_text *text)
{
    return text->n_ids ? NULL : window->failures.data + text->failure;
}

void vf_failure_line(char ret[VF_FAILURE_CHARS], const char *article_id, const char *message)
{
    struct vf_err line; /* for its way with control characters */
    vf_fail(&line, VF_ERR_DATA, "article %s: %s", article_id, message);
    snprintf(ret, VF_FAILURE_CHARS, "%.*s", VF_FAILURE_CHARS - 1, line.msg);
}

uint64_t vf_window_tokens(const struct vf_window *window)
{
    uint64_t n = 0;
    for (size_t t = 0; t < window->n_texts; t++)
        n += window->texts[t].n_ids;
    return n;
}
