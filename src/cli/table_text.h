/* Text in columns of a terminal, where a character of Chinese takes two. */
#ifndef VF_CLI_TABLE_TEXT_H
#define VF_CLI_TABLE_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Columns that `text` (UTF-8) takes. */
size_t vf_text_columns(const char *text);

/* Prints `text` on one line, control characters as spaces, cut with "…" where it takes more than
 * `columns`. */
void vf_print_cut(FILE *out, const char *text, size_t columns);

/* The width of standard output where it is a terminal, else SIZE_MAX. */
size_t vf_output_columns(void);

#endif
