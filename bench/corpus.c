#include "corpus.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void corpus_release(struct corpus *corpus)
{
    for (size_t i = 0; corpus->tokens && i < corpus->n; i++)
        vf_tokens_release(&corpus->tokens[i]);
    free(corpus->tokens);
    free(corpus->sequences);
    *corpus = (struct corpus){0};
}

static int corpus_init(struct corpus *corpus, size_t n, struct vf_err *err)
{
    *corpus = (struct corpus){.tokens = calloc(n, sizeof *corpus->tokens),
        .sequences = calloc(n, sizeof *corpus->sequences),
        .n = n};
    if (!corpus->tokens || !corpus->sequences)
        return vf_fail_memory(err, "the sequences");
    return 0;
}

int corpus_make(struct corpus *corpus, const struct vf_embedder *embedder, size_t length,
    size_t tokens, struct vf_err *err)
{
    uint32_t random = 1;
    int rc = corpus_init(corpus, (tokens + length - 1) / length, err);
    for (size_t i = 0; rc == 0 && i < corpus->n; i++) {
        struct vf_tokens *made = &corpus->tokens[i];
        made->ids = malloc(length * sizeof(int32_t));
        if (!made->ids)
            return vf_fail_memory(err, "the sequences");
        for (size_t j = 0; j < length; j++) {
            random = random * 1664525u + 1013904223u;
            made->ids[j] = (int32_t)((random >> 8) % embedder->info.vocab_size);
        }
        corpus->sequences[i] = (struct vf_sequence){made->ids, length};
        corpus->n_tokens += length;
    }
    return rc;
}

/* What headline and body of an article make, or a string. */
static int tokenize_line(struct corpus *corpus, const struct vf_embedder *embedder, size_t i,
    const char *line, struct vf_err *err)
{
    char *text = NULL;
    size_t size = strlen(line) + 2;
    json_t *value = json_loads(line, JSON_DECODE_ANY, NULL);
    const char *headline = json_string_value(json_object_get(value, "headline"));
    const char *body = json_string_value(json_object_get(value, "body"));
    int rc = 0;
    if (json_is_string(value))
        body = json_string_value(value);
    if (!headline && !body)
        rc = vf_fail(err, VF_ERR_DATA, "line %zu is neither an article nor a string", i + 1);
    else if (!(text = malloc(size)))
        rc = vf_fail_memory(err, "a text");
    if (rc == 0) {
        int n = snprintf(text, size, "%s%s%s", headline ? headline : "",
            headline && body ? " " : "", body ? body : "");
        rc = vf_tokenize(embedder, (struct vf_text){text, (size_t)n}, &corpus->tokens[i], err);
    }
    corpus->sequences[i] = (struct vf_sequence){corpus->tokens[i].ids, corpus->tokens[i].n_ids};
    corpus->n_tokens += corpus->tokens[i].n_ids;
    free(text);
    json_decref(value);
    return rc;
}

int corpus_read(
    struct corpus *corpus, const struct vf_embedder *embedder, const char *path, struct vf_err *err)
{
    char *line = NULL;
    size_t capacity = 0, n = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        return vf_fail(err, VF_ERR_NOT_FOUND, "cannot open %s", path);
    while (getline(&line, &capacity, file) > 0)
        n++;
    rewind(file);
    int rc = n > 0 ? corpus_init(corpus, n, err)
                   : vf_fail(err, VF_ERR_DATA, "%s is empty: give a text in each line", path);
    for (size_t i = 0; rc == 0 && i < n && getline(&line, &capacity, file) > 0; i++)
        rc = tokenize_line(corpus, embedder, i, line, err);
    free(line);
    fclose(file);
    return rc;
}
