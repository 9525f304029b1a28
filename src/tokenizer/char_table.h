/* Normalisation and character classes of a tokenizer, worked out for every code point in advance,
 * and the reader that turns text into normal characters by it.
 *
 * The table is made of pages of code points, of which equal ones are kept once. A reader allocates
 * nothing and looks ahead only over combining marks. Invalid UTF-8 is read as U+FFFD.
 */
#ifndef VF_TOKENIZER_CHAR_TABLE_H
#define VF_TOKENIZER_CHAR_TABLE_H

#include "base/buf.h"
#include "tokenizer/bert_normalizer.h"

enum vf_char_class {
    VF_CHAR_WORD,        /* part of a word */
    VF_CHAR_SPACE,       /* ends a word */
    VF_CHAR_PUNCTUATION, /* a word of its own */
    VF_CHAR_DROPPED      /* only of an ASCII character that normalisation drops */
};

/* One normal character in UTF-8. */
struct vf_char {
    uint8_t bytes[4];
    uint8_t n;
    uint8_t class; /* enum vf_char_class */
    uint8_t combining_class;
};

struct vf_char_entry;

struct vf_char_table {
    /* ASCII in short: a class, and the one byte that it becomes unless dropped. */
    uint8_t ascii_class[128];
    uint8_t ascii_byte[128];
    uint16_t *page_of;           /* code point / page size to page */
    struct vf_char_entry *pages; /* owned */
    size_t n_pages;
    struct vf_char *chars; /* normal forms of more than the character itself, owned */
    size_t n_chars;
};

/* `classify` gives the class of a normal character from its enum vf_unicode_property flags. On
 * failure the table is empty. Release with vf_char_table_release(). */
VF_MUST_CHECK int vf_char_table_init(struct vf_char_table *table,
    const struct vf_bert_normalizer *normalizer, enum vf_char_class (*classify)(uint8_t properties),
    struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_char_table_release(struct vf_char_table *table);

struct vf_char_reader {
    const struct vf_char_table *table;
    const uint8_t *p; /* what is read next */
    const uint8_t *end;
    const struct vf_char *pending; /* normal characters of the code point before `p` */
    size_t n_pending;
    struct vf_char own[3]; /* where `pending` points when the table has no list for it */
    /* A run of combining marks is read once for each class, in the order of classes. `begin` is
     * NULL outside of such a run. */
    const uint8_t *marks_begin;
    const uint8_t *marks_end;
    unsigned marks_class; /* the one that is being read */
    unsigned marks_next;  /* the least one above it seen so far */
};

/* Begins to read the bytes in [p, end). */
void vf_char_reader_init(struct vf_char_reader *reader, const struct vf_char_table *table,
    const uint8_t *p, const uint8_t *end);

/* True when the reader stands between two code points that do not depend on each other, so that
 * the caller may take ASCII characters from `p` itself. */
static inline bool vf_char_reader_is_free(const struct vf_char_reader *reader)
{
    return reader->n_pending == 0 && !reader->marks_begin;
}

/* Stores the next normal character; false at the end. */
bool vf_char_reader_next(struct vf_char_reader *reader, struct vf_char *ret);

/* Appends the normal form of `n` bytes at `text` to `buf`. */
VF_MUST_CHECK int vf_char_table_normalize(const struct vf_char_table *table, const uint8_t *text,
    size_t n, struct vf_buf *buf, struct vf_err *err);

#endif
