#include "tokenizer/bert_pretokenizer.h"

enum { UTF8_MAX = 4 };

/* A word in the making. */
struct word {
    vf_word_fn *take;
    void *context;
    size_t max_chars;
    size_t n_chars;
    size_t n;
    uint8_t bytes[VF_WORD_MAX_CHARS * UTF8_MAX];
};

enum vf_char_class vf_bert_classify(uint8_t properties)
{
    return properties & VF_UNICODE_SPACE         ? VF_CHAR_SPACE
           : properties & VF_UNICODE_PUNCTUATION ? VF_CHAR_PUNCTUATION
                                                 : VF_CHAR_WORD;
}

static inline void append(struct word *word, const uint8_t *bytes, size_t n)
{
    if (word->n_chars++ >= word->max_chars)
        return;
    for (size_t i = 0; i < n; i++)
        word->bytes[word->n++] = bytes[i];
}

static inline int hand_over(struct word *word)
{
    if (word->n_chars == 0)
        return 0;
    int rc = word->take(word->context, word->bytes, word->n, word->n_chars);
    word->n_chars = 0;
    word->n = 0;
    return rc;
}

static inline int add(struct word *word, enum vf_char_class class, const uint8_t *bytes, size_t n)
{
    int rc;
    switch (class) {
    case VF_CHAR_WORD:
        append(word, bytes, n);
        return 0;
    case VF_CHAR_SPACE:
        return hand_over(word);
    case VF_CHAR_PUNCTUATION:
        rc = hand_over(word);
        if (rc)
            return rc;
        append(word, bytes, n);
        return hand_over(word);
    case VF_CHAR_DROPPED:
        break;
    }
    return 0;
}

/* Takes the ASCII characters at the reader's place without its help: most text is nothing else. */
static int split_ascii(struct word *word, struct vf_char_reader *reader)
{
    const struct vf_char_table *table = reader->table;
    const uint8_t *p = reader->p, *end = reader->end;
    int rc = 0;
    for (; p < end && *p < 0x80 && rc == 0; p++)
        rc = add(word, table->ascii_class[*p], &table->ascii_byte[*p], 1);
    reader->p = p;
    return rc;
}

int vf_bert_split(const struct vf_char_table *table, const uint8_t *p, const uint8_t *end,
    size_t max_chars, vf_word_fn *take, void *context)
{
    struct word word;
    word.take = take;
    word.context = context;
    word.max_chars = max_chars;
    word.n_chars = word.n = 0;
    struct vf_char_reader reader;
    vf_char_reader_init(&reader, table, p, end);
    for (;;) {
        int rc = vf_char_reader_is_free(&reader) ? split_ascii(&word, &reader) : 0;
        if (rc)
            return rc;
        struct vf_char c;
        if (!vf_char_reader_next(&reader, &c))
            return hand_over(&word);
        rc = add(&word, c.class, c.bytes, c.n);
        if (rc)
            return rc;
    }
}
