#include "cli/line_reader.h"

#include "base/utf8.h"
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

enum { CHUNK_BYTES = 1 << 16 };

static int fail_read(const char *name, int error, struct vf_err *err)
{
    enum vf_code code = error == ENOENT || error == ENOTDIR ? VF_ERR_NOT_FOUND
                        : error == EACCES || error == EPERM ? VF_ERR_PERMISSION
                                                            : VF_ERR_IO;
    return vf_fail(err, code, "cannot read %s: %s", name, strerror(error));
}

int vf_line_reader_open(const char *path, struct vf_line_reader *ret, struct vf_err *err)
{
    bool is_standard = strcmp(path, "-") == 0;
    struct vf_line_reader reader = {.name = is_standard ? "standard input" : path};
    reader.fd = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (reader.fd < 0)
        return fail_read(path, errno, err);
    reader.bytes.limit = VF_MAX_LINE_BYTES + CHUNK_BYTES;
    *ret = reader;
    return 0;
}

void vf_line_reader_close(struct vf_line_reader *reader)
{
    if (reader->name && reader->fd != STDIN_FILENO)
        close(reader->fd);
    vf_buf_release(&reader->bytes);
    vf_buf_release(&reader->clean);
    *reader = (struct vf_line_reader){0};
}

/* Reads one more chunk behind what is there, after moving that to the front. */
static int fill(struct vf_line_reader *reader, struct vf_err *err)
{
    struct vf_buf *bytes = &reader->bytes;
    if (reader->begin > 0) {
        memmove(bytes->data, bytes->data + reader->begin, bytes->size - reader->begin);
        bytes->size -= reader->begin;
        reader->begin = 0;
    }
    if (bytes->size > VF_MAX_LINE_BYTES)
        return vf_fail(err, VF_ERR_DATA, "%s:%zu: a line of more than %zu bytes", reader->name,
            reader->line + 1, VF_MAX_LINE_BYTES);
    int rc = vf_buf_reserve(bytes, CHUNK_BYTES, err);
    if (rc)
        return rc;
    ssize_t n;
    do {
        rc = vf_signals_check(err);
        n = rc ? 0 : read(reader->fd, bytes->data + bytes->size, CHUNK_BYTES);
    } while (n < 0 && errno == EINTR);
    if (rc)
        return rc;
    if (n < 0)
        return fail_read(reader->name, errno, err);
    reader->at_end = n == 0;
    bytes->size += (size_t)n;
    bytes->data[bytes->size] = '\0';
    return 0;
}

int vf_line_reader_peek(struct vf_line_reader *reader, int *ret, struct vf_err *err)
{
    *ret = 0;
    while (!reader->at_end && reader->bytes.size < CHUNK_BYTES) {
        int rc = fill(reader, err);
        if (rc)
            return rc;
        const char *p = reader->bytes.data;
        if (reader->bytes.size >= 3 && strncmp(p, BYTE_ORDER_MARK, 3) == 0)
            p += 3;
        p += strspn(p, " \t\r\n");
        *ret = (unsigned char)*p;
        if (*ret)
            break;
    }
    return 0;
}

/* Copies `n` bytes at `p` into reader->clean with U+FFFD for what is invalid. */
static int replace_invalid(
    struct vf_line_reader *reader, const char *line, size_t n, struct vf_err *err)
{
    const uint8_t *p = (const uint8_t *)line, *end = p + n;
    vf_buf_clear(&reader->clean);
    while (p < end) {
        size_t valid = vf_utf8_valid_prefix(p, (size_t)(end - p));
        int rc = vf_buf_append(&reader->clean, p, valid, err);
        p += valid;
        if (rc == 0 && p < end) {
            uint32_t c;
            uint8_t utf8[4];
            p += vf_utf8_decode(p, end, &c);
            rc = vf_buf_append(&reader->clean, utf8, vf_utf8_encode(c, utf8), err);
        }
        if (rc)
            return rc;
    }
    return 0;
}

int vf_line_reader_next(struct vf_line_reader *reader, char **ret_line, size_t *ret_n,
    bool *ret_end, struct vf_err *err)
{
    char *newline = NULL;
    size_t searched = 0;
    for (;;) {
        size_t left = reader->bytes.size - reader->begin;
        if (left > searched)
            newline = memchr(reader->bytes.data + reader->begin + searched, '\n', left - searched);
        if (newline || reader->at_end)
            break;
        searched = left;
        int rc = fill(reader, err);
        if (rc)
            return rc;
    }
    *ret_end = !newline && reader->begin == reader->bytes.size;
    if (*ret_end)
        return 0;
    char *line = reader->bytes.data + reader->begin;
    char *end = newline ? newline : reader->bytes.data + reader->bytes.size;
    *end = '\0';
    reader->begin = (size_t)(end - reader->bytes.data) + (newline ? 1 : 0);
    reader->line++;
    if (reader->line == 1 && strncmp(line, BYTE_ORDER_MARK, 3) == 0)
        line += 3;
    size_t n = (size_t)(end - line);
    if (vf_utf8_valid_prefix((const uint8_t *)line, n) < n) {
        int rc = replace_invalid(reader, line, n, err);
        if (rc)
            return rc;
        line = reader->clean.data;
        n = reader->clean.size;
    }
    *ret_line = line;
    *ret_n = n;
    return 0;
}
