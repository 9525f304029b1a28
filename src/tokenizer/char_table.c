#include "tokenizer/char_table.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 256, N_PAGES = VF_UNICODE_CODE_POINTS / PAGE };

enum entry_kind {
    KIND_COPY,  /* the character itself */
    KIND_APART, /* the character itself between blanks */
    KIND_LIST   /* `n` characters from `first` on, maybe none */
};

/* All zero: a character that stays as it is and belongs to a word. */
struct vf_char_entry {
    uint32_t kind : 2;
    uint32_t class : 2;        /* of the character itself, for KIND_COPY and KIND_APART */
    uint32_t passes_marks : 1; /* marks before and after it can change places */
    uint32_t begins_marks : 1; /* a character of the list combines */
    uint32_t n : 4;
    uint32_t first : 22;
};

enum { NO_CLASS = 256 };

/* ---- making the table ---- */

struct builder {
    struct vf_char_table *table;
    const struct vf_bert_normalizer *normalizer;
    enum vf_char_class (*classify)(uint8_t properties);
    uint8_t *properties;
    size_t pages_capacity;
    size_t chars_capacity;
};

/* Makes room for `more` elements after `n` of an array. */
static int grow(void **array, size_t *capacity, size_t n, size_t more, size_t element_bytes)
{
    if (n + more <= *capacity)
        return 0;
    size_t bigger = *capacity * 2 > n + more ? *capacity * 2 : n + more;
    void *moved = realloc(*array, bigger * element_bytes);
    if (!moved)
        return VF_ERR_NO_MEMORY;
    *array = moved;
    *capacity = bigger;
    return 0;
}

static bool is_copy(const struct vf_normal_form *form, uint32_t c)
{
    return form->n == 1 && form->chars[0].c == c && form->chars[0].combining_class == 0;
}

static bool is_apart(const struct vf_normal_form *form, uint32_t c)
{
    return form->n == 3 && form->chars[0].c == ' ' && form->chars[1].c == c &&
           form->chars[2].c == ' ';
}

static int make_list(
    struct builder *builder, const struct vf_normal_form *form, struct vf_char_entry *ret)
{
    struct vf_char_table *table = builder->table;
    void *chars = table->chars;
    if (grow(&chars, &builder->chars_capacity, table->n_chars, form->n, sizeof *table->chars))
        return VF_ERR_NO_MEMORY;
    table->chars = chars;
    *ret = (struct vf_char_entry){.kind = KIND_LIST,
        .passes_marks = !form->ends_marks,
        .n = (uint32_t)form->n,
        .first = (uint32_t)table->n_chars};
    for (size_t i = 0; i < form->n; i++) {
        const struct vf_normal_char *from = &form->chars[i];
        struct vf_char *to = &table->chars[table->n_chars++];
        *to = (struct vf_char){.class = (uint8_t)builder->classify(builder->properties[from->c]),
            .combining_class = from->combining_class};
        to->n = (uint8_t)vf_utf8_encode(from->c, to->bytes);
        if (from->combining_class)
            ret->begins_marks = 1;
    }
    return 0;
}

static int make_entry(struct builder *builder, uint32_t c, struct vf_char_entry *ret)
{
    struct vf_normal_form form;
    vf_bert_normalize(builder->normalizer, builder->properties, c, &form);
    uint32_t class = builder->classify(builder->properties[c]);
    if (is_copy(&form, c))
        *ret = (struct vf_char_entry){.kind = KIND_COPY, .class = class};
    else if (is_apart(&form, c))
        *ret = (struct vf_char_entry){.kind = KIND_APART, .class = class};
    else if (form.n == 0)
        *ret = (struct vf_char_entry){.kind = KIND_LIST, .passes_marks = !form.ends_marks};
    else
        return make_list(builder, &form, ret);
    return 0;
}

/* Adds the page unless it is the same as the one before, and notes it for page number `i`. */
static int add_page(struct builder *builder, size_t i, const struct vf_char_entry *page)
{
    struct vf_char_table *table = builder->table;
    if (table->n_pages > 0) {
        size_t last = table->n_pages - 1;
        if (memcmp(&table->pages[last * PAGE], page, PAGE * sizeof *page) == 0) {
            table->page_of[i] = (uint16_t)last;
            return 0;
        }
    }
    void *pages = table->pages;
    if (grow(&pages, &builder->pages_capacity, table->n_pages, 1, PAGE * sizeof *page))
        return VF_ERR_NO_MEMORY;
    table->pages = pages;
    memcpy(&table->pages[table->n_pages * PAGE], page, PAGE * sizeof *page);
    table->page_of[i] = (uint16_t)table->n_pages++;
    return 0;
}

static int make_pages(struct builder *builder)
{
    const uint8_t plain = VF_UNICODE_WORD;
    struct vf_char_entry page[PAGE] = {0};
    int rc = add_page(builder, 0, page); /* page 0: nothing changes */
    for (uint32_t i = 0; i < N_PAGES && rc == 0; i++) {
        bool changes = false;
        memset(page, 0, sizeof page);
        for (uint32_t j = 0; j < PAGE && rc == 0; j++) {
            uint32_t c = i * PAGE + j;
            if ((builder->properties[c] & ~plain) == 0)
                continue;
            changes = true;
            rc = make_entry(builder, c, &page[j]);
        }
        if (changes && rc == 0)
            rc = add_page(builder, i, page);
    }
    return rc;
}

/* No step of normalisation makes more than one character of an ASCII character. */
static void make_ascii(struct vf_char_table *table)
{
    for (uint8_t c = 0; c < 128; c++) {
        struct vf_char_reader reader;
        struct vf_char normal = {.class = VF_CHAR_DROPPED};
        vf_char_reader_init(&reader, table, &c, &c + 1);
        (void)vf_char_reader_next(&reader, &normal);
        table->ascii_class[c] = normal.class;
        table->ascii_byte[c] = normal.bytes[0];
    }
}

int vf_char_table_init(struct vf_char_table *table, const struct vf_bert_normalizer *normalizer,
    enum vf_char_class (*classify)(uint8_t properties), struct vf_err *err)
{
    int rc = 0;
    *table = (struct vf_char_table){.page_of = calloc(N_PAGES, sizeof *table->page_of)};
    struct builder builder = {.table = table,
        .normalizer = normalizer,
        .classify = classify,
        .properties = malloc(VF_UNICODE_CODE_POINTS)};
    if (!table->page_of || !builder.properties) {
        rc = VF_ERR_NO_MEMORY;
        goto out;
    }
    vf_unicode_properties(builder.properties);
    VF_TRY(make_pages(&builder));
    make_ascii(table);
out:
    free(builder.properties);
    if (rc) {
        vf_char_table_release(table);
        return vf_fail_memory(err, "the tokenizer's table of characters");
    }
    return 0;
}

void vf_char_table_release(struct vf_char_table *table)
{
    if (!table)
        return;
    free(table->page_of);
    free(table->pages);
    free(table->chars);
    *table = (struct vf_char_table){0};
}

/* ---- reading by it ---- */

void vf_char_reader_init(struct vf_char_reader *reader, const struct vf_char_table *table,
    const uint8_t *p, const uint8_t *end)
{
    *reader = (struct vf_char_reader){.table = table, .p = p, .end = end};
}

static struct vf_char_entry look_up(const struct vf_char_table *table, uint32_t c)
{
    return table->pages[(size_t)table->page_of[c / PAGE] * PAGE + c % PAGE];
}

/* Begins a run with the code point in [begin, reader->p), which combines. */
static void begin_marks(struct vf_char_reader *reader, const uint8_t *begin)
{
    const uint8_t *p = reader->p;
    while (p < reader->end) {
        uint32_t c;
        size_t used = vf_utf8_decode(p, reader->end, &c);
        if (!look_up(reader->table, c).passes_marks)
            break;
        p += used;
    }
    reader->marks_begin = begin;
    reader->marks_end = p;
    reader->marks_class = 0;
    reader->marks_next = NO_CLASS;
}

/* Goes back to the begin of the run for the next class, or ends the run behind the last one. */
static void next_marks_class(struct vf_char_reader *reader)
{
    if (reader->marks_next == NO_CLASS) {
        reader->marks_begin = NULL;
        return;
    }
    reader->p = reader->marks_begin;
    reader->marks_class = reader->marks_next;
    reader->marks_next = NO_CLASS;
}

static bool is_due(struct vf_char_reader *reader, unsigned combining_class)
{
    if (!reader->marks_begin || combining_class == reader->marks_class)
        return true;
    if (combining_class > reader->marks_class && combining_class < reader->marks_next)
        reader->marks_next = combining_class;
    return false;
}

/* Reads one code point into `pending`. */
static void read_code_point(struct vf_char_reader *reader)
{
    static const struct vf_char blank = {.bytes = {' '}, .n = 1, .class = VF_CHAR_SPACE};
    const uint8_t *begin = reader->p;
    uint32_t c;
    reader->p += vf_utf8_decode(begin, reader->end, &c);
    struct vf_char_entry entry = look_up(reader->table, c);
    if (entry.kind == KIND_LIST) {
        reader->pending = &reader->table->chars[entry.first];
        reader->n_pending = entry.n;
        if (entry.begins_marks && !reader->marks_begin)
            begin_marks(reader, begin);
        return;
    }
    struct vf_char *own = reader->own;
    own[1] = (struct vf_char){.class = (uint8_t)entry.class};
    own[1].n = (uint8_t)vf_utf8_encode(c, own[1].bytes);
    own[0] = own[2] = blank;
    reader->pending = entry.kind == KIND_APART ? own : own + 1;
    reader->n_pending = entry.kind == KIND_APART ? 3 : 1;
}

bool vf_char_reader_next(struct vf_char_reader *reader, struct vf_char *ret)
{
    for (;;) {
        while (reader->n_pending > 0) {
            const struct vf_char *c = reader->pending++;
            reader->n_pending--;
            if (is_due(reader, c->combining_class)) {
                *ret = *c;
                return true;
            }
        }
        if (reader->marks_begin && reader->p == reader->marks_end) {
            next_marks_class(reader);
            continue;
        }
        if (reader->p == reader->end)
            return false;
        read_code_point(reader);
    }
}

int vf_char_table_normalize(const struct vf_char_table *table, const uint8_t *text, size_t n,
    struct vf_buf *buf, struct vf_err *err)
{
    struct vf_char_reader reader;
    struct vf_char c;
    int rc = 0;
    vf_char_reader_init(&reader, table, text, text + n);
    while (rc == 0 && vf_char_reader_next(&reader, &c))
        rc = vf_buf_append(buf, c.bytes, c.n, err);
    return rc;
}
