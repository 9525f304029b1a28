#include "tokenizer/bert_steps.h"

#include "tokenizer/bert_pretokenizer.h"

#include <stdlib.h>

/* Both kinds are a table and nothing else. */
static int make(const struct vf_bert_normalizer *options, void **ret, struct vf_err *err)
{
    struct vf_char_table *table = malloc(sizeof *table);
    int rc = table ? vf_char_table_init(table, options, vf_bert_classify, err)
                   : vf_fail_memory(err, "the tokenizer");
    if (rc)
        free(table);
    else
        *ret = table;
    return rc;
}

static void release(void *self)
{
    vf_char_table_release(self);
    free(self);
}

const struct vf_char_table *vf_bert_step_table(const void *self)
{
    return self;
}

static int read_normalizer(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    struct vf_bert_normalizer options;
    int rc = vf_bert_normalizer_read(json, where, &options, err);
    return rc ? rc : make(&options, ret, err);
}

static int normalize(const void *self, struct vf_normal_text *text, struct vf_err *err)
{
    struct vf_buf *out = vf_normal_text_begin(text);
    int rc = vf_char_table_normalize(self, text->p, text->n_first, out, err);
    size_t n_first = out->size;
    vf_buf_clear(out);
    if (rc == 0)
        rc = vf_char_table_normalize(self, text->p, text->n, out, err);
    if (rc == 0)
        vf_normal_text_end(text, n_first);
    return rc;
}

static int read_pretokenizer(const json_t *json, const char *where, void **ret, struct vf_err *err)
{
    static const struct vf_bert_normalizer keep = {0};
    int rc = vf_tokenizer_read_nothing(json, where, ret, err);
    return rc ? rc : make(&keep, ret, err);
}

/* Not by vf_bert_split(), whose words have a limit. */
static int split(const void *self, const struct vf_piece *piece, const struct vf_piece_taker *taker)
{
    struct vf_char_reader reader;
    struct vf_char c;
    size_t begin = 0, end = 0;
    int rc = 0;
    vf_char_reader_init(&reader, self, piece->p, piece->p + piece->n);
    for (; rc == 0 && vf_char_reader_next(&reader, &c); end += c.n) {
        if (c.class == VF_CHAR_WORD)
            continue;
        rc = vf_piece_take(taker, piece, begin, end);
        begin = end + c.n;
        if (rc == 0 && c.class == VF_CHAR_PUNCTUATION)
            rc = vf_piece_take(taker, piece, end, begin);
    }
    return rc ? rc : vf_piece_take(taker, piece, begin, end);
}

const struct vf_normalizer_kind vf_bert_normalizer = {
    .type = "BertNormalizer", .read = read_normalizer, .apply = normalize, .release = release};
const struct vf_pretokenizer_kind vf_bert_pretokenizer = {
    .type = "BertPreTokenizer", .read = read_pretokenizer, .split = split, .release = release};
