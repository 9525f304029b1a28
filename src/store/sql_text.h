/* SQL text: identifiers in quotes, and statements with names in braces.
 *
 *     vf_sql_expand(&sql, "SELECT {id} FROM {articles}", words, n_words, err)
 *
 * A word's text goes in as it is and is not searched for braces again, so that a table may be
 * called "{id}".
 */
#ifndef VF_STORE_SQL_TEXT_H
#define VF_STORE_SQL_TEXT_H

#include "base/buf.h"

struct vf_sql_word {
    const char *name; /* without the braces */
    const char *text;
};

/* Appends `identifier` in double quotes. */
VF_MUST_CHECK int vf_sql_quote(struct vf_buf *sql, const char *identifier, struct vf_err *err);

/* Splits "table", "schema.table" or either part in double quotes. *ret_schema is NULL without a
 * schema; the caller frees both. VF_ERR_USAGE when `name` is none of these. */
VF_MUST_CHECK int vf_sql_split_table(
    const char *name, char **ret_schema, char **ret_table, struct vf_err *err);

/* Appends `text` with every {name} replaced. An unknown name is VF_ERR_INTERNAL. */
VF_MUST_CHECK int vf_sql_expand(struct vf_buf *sql, const char *text,
    const struct vf_sql_word *words, size_t n_words, struct vf_err *err);

#endif
