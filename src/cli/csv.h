/* CSV as RFC 4180 has it: fields between commas, in double quotes where they hold a comma, a quote
 * (doubled) or a line break; records end with a line break, with or without a carriage return. */
#ifndef VF_CLI_CSV_H
#define VF_CLI_CSV_H

#include "cli/line_reader.h"

#define VF_CSV_MAX_FIELDS 256

struct vf_csv {
    struct vf_line_reader lines;
    size_t line;                     /* where the record returned last begins */
    char *fields[VF_CSV_MAX_FIELDS]; /* NULL: empty and without quotes */
    size_t n_fields;
    struct vf_buf record; /* private: what the fields point into */
};

/* Reads the next record that is not blank; its fields stay valid until the next call. *ret_end
 * tells that there was none. VF_ERR_DATA names file and line. */
VF_MUST_CHECK int vf_csv_next(struct vf_csv *csv, bool *ret_end, struct vf_err *err);

/* Puts "FILE:LINE: " of the record returned last before the message. */
void vf_csv_prefix(const struct vf_csv *csv, struct vf_err *err);

/* Closes its line reader too. Accepts a zeroed struct. */
void vf_csv_release(struct vf_csv *csv);

#endif
