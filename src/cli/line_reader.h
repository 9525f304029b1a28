/* The lines of a file or of standard input, as valid UTF-8: invalid bytes become U+FFFD as
 * Python's errors="replace" has it, and a byte order mark at the beginning is passed over. Memory
 * is that of the longest line. */
#ifndef VF_CLI_LINE_READER_H
#define VF_CLI_LINE_READER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define VF_MAX_LINE_BYTES ((size_t)256 << 20)

struct vf_line_reader {
    const char *name; /* for messages: the path, or "standard input" */
    size_t line;      /* number of the line returned last, from 1 */
    int fd;           /* private, as is what follows */
    bool at_end;
    struct vf_buf bytes; /* what was read */
    size_t begin;        /* of what was not returned yet */
    struct vf_buf clean; /* a line whose bytes had to be replaced */
};

/* Opens `path`, which must outlive the reader; "-" is standard input. VF_ERR_NOT_FOUND,
 * VF_ERR_PERMISSION or VF_ERR_IO name it. */
VF_MUST_CHECK int vf_line_reader_open(
    const char *path, struct vf_line_reader *ret, struct vf_err *err);

/* Reads the next line into *ret_line (*ret_n bytes without the newline, then NUL), which stays
 * valid until the next call, and may be changed. *ret_end tells that there was none. VF_ERR_DATA:
 * longer than VF_MAX_LINE_BYTES; VF_ERR_INTERRUPTED: a signal asked to stop. */
VF_MUST_CHECK int vf_line_reader_next(struct vf_line_reader *reader, char **ret_line, size_t *ret_n,
    bool *ret_end, struct vf_err *err);

/* The first byte of the file that is neither a byte order mark nor white space, 0 at the end; for
 * use before the first vf_line_reader_next(). Looks no further than 64 KiB. */
VF_MUST_CHECK int vf_line_reader_peek(struct vf_line_reader *reader, int *ret, struct vf_err *err);

/* Accepts a zeroed struct. */
void vf_line_reader_close(struct vf_line_reader *reader);

#endif
