/* The two large tables of tokenizer.json, the vocabulary and the merges, read from its text one
 * value after the other, for a tree of a million values takes longer to build than the tokenizer.
 *
 * The rest of the file is for the parser of JSON, which reads the same text with null in the place
 * of the tables. Strict: what RFC 8259 does not allow is VF_ERR_DATA, with `where` before it. The
 * text is changed by being read: strings are decoded where they lie.
 */
#ifndef VF_TOKENIZER_JSON_TABLE_H
#define VF_TOKENIZER_JSON_TABLE_H

#include "base/json.h"

#include <locale.h>
#include <stdint.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

/* The text of one value, and how far it is read. A zeroed struct is a table that is not there. */
struct vf_json_table {
    char *p, *end;
    const char *where; /* names it in messages */
    locale_t numbers;  /* that of C, borrowed; only needed for reals */
    bool is_begun;     /* behind the opening bracket, with or without an element behind that */
    bool has_element;
};

/* The tables of the model. */
struct vf_model_tables {
    struct vf_json_table vocab, merges;
    locale_t numbers; /* owned; that of C, for the program may have another point in its numbers */
};

/* Finds "vocab" and "merges" of "model" in the `n` bytes of `text`, which must outlive the tables,
 * and parses the rest. *ret_root is the caller's, and so is *ret, to be released. `path` names the
 * file in messages. */
VF_MUST_CHECK int vf_json_cut(char *text, size_t n, const char *path, struct vf_model_tables *ret,
    json_t **ret_root, struct vf_err *err);

/* Accepts a zeroed struct. */
void vf_model_tables_release(struct vf_model_tables *tables);

/* True when the next value begins with `c`: '{', '[' or '"'. */
bool vf_json_table_is(struct vf_json_table *table, char c);

/* Goes to the next element of an array or member of an object that `open` begins; *ret is false
 * behind the last one, once its bracket is read. */
VF_MUST_CHECK int vf_json_table_next(
    struct vf_json_table *table, char open, bool *ret, struct vf_err *err);

/* Reads a string. *ret is NUL-terminated, in the table's text, and `*ret_n` bytes long. */
VF_MUST_CHECK int vf_json_table_string(
    struct vf_json_table *table, const char **ret, size_t *ret_n, struct vf_err *err);

/* Reads a colon, or a comma between the two values of a pair. */
VF_MUST_CHECK int vf_json_table_mark(struct vf_json_table *table, char mark, struct vf_err *err);

/* Reads a number. *ret_is_integer tells whether it has neither fraction nor exponent. */
VF_MUST_CHECK int vf_json_table_number(
    struct vf_json_table *table, double *ret, bool *ret_is_integer, struct vf_err *err);

/* Nothing may be left. */
VF_MUST_CHECK int vf_json_table_end(struct vf_json_table *table, struct vf_err *err);

#endif
