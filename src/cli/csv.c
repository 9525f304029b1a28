#include "cli/csv.h"

#include <string.h>

void vf_csv_prefix(const struct vf_csv *csv, struct vf_err *err)
{
    vf_err_prefix(err, "%s:%zu", csv->lines.name, csv->line);
}

void vf_csv_release(struct vf_csv *csv)
{
    vf_line_reader_close(&csv->lines);
    vf_buf_release(&csv->record);
    *csv = (struct vf_csv){0};
}

/* Whether a quoted field goes on after the record's bytes from `from` on: every quote opens,
 * closes or is one of two that stand for one. */
static bool toggle_quoted(const struct vf_buf *record, size_t from, bool is_quoted)
{
    for (size_t i = from; i < record->size; i++)
        is_quoted ^= record->data[i] == '"';
    return is_quoted;
}

/* Collects the lines of one record. */
static int read_record(struct vf_csv *csv, bool *ret_end, struct vf_err *err)
{
    bool is_quoted = false;
    vf_buf_clear(&csv->record);
    csv->record.limit = VF_MAX_LINE_BYTES;
    for (bool first = true; first || is_quoted; first = false) {
        char *line = NULL;
        size_t n = 0, from = csv->record.size;
        int rc = vf_line_reader_next(&csv->lines, &line, &n, ret_end, err);
        if (rc)
            return rc;
        if (*ret_end)
            return first ? 0 : vf_fail(err, VF_ERR_DATA, "a quoted field without an end");
        if (first)
            csv->line = csv->lines.line;
        if (memchr(line, '\0', n))
            return vf_fail(err, VF_ERR_DATA, "a NUL byte, which no database text can hold");
        if (!first)
            rc = vf_buf_append(&csv->record, "\n", 1, err);
        if (rc == 0)
            rc = vf_buf_append(&csv->record, line, n, err);
        if (rc)
            return rc;
        is_quoted = toggle_quoted(&csv->record, from, is_quoted);
    }
    return 0;
}

/* Unquotes the field that begins at `*p` in place and steps to what ends it. */
static bool take_quoted(char **p)
{
    char *in = *p + 1, *out = *p + 1;
    while (*in != '\0' && (*in != '"' || in[1] == '"')) {
        in += *in == '"';
        *out++ = *in++;
    }
    if (*in != '"')
        return false;
    *p = in + 1;
    bool is_end = **p == '\0' || **p == ',';
    *out = '\0';
    return is_end;
}

static int split(struct vf_csv *csv, struct vf_err *err)
{
    struct vf_buf *record = &csv->record;
    if (record->size > 0 && record->data[record->size - 1] == '\r')
        record->data[--record->size] = '\0';
    char *p = record->data;
    csv->n_fields = 0;
    for (;;) {
        if (csv->n_fields == VF_CSV_MAX_FIELDS)
            return vf_fail(err, VF_ERR_DATA, "more than %d fields", VF_CSV_MAX_FIELDS);
        bool is_quoted = *p == '"';
        char *field = is_quoted ? p + 1 : p;
        if (is_quoted && !take_quoted(&p))
            return vf_fail(err, VF_ERR_DATA, "something after the closing quote of field %zu",
                csv->n_fields + 1);
        if (!is_quoted) {
            p += strcspn(p, ",\"");
            if (*p == '"')
                return vf_fail(err, VF_ERR_DATA,
                    "a quote inside field %zu, which does not begin with one", csv->n_fields + 1);
        }
        csv->fields[csv->n_fields++] = is_quoted || p > field ? field : NULL;
        if (*p == '\0')
            return 0;
        *p++ = '\0';
    }
}

int vf_csv_next(struct vf_csv *csv, bool *ret_end, struct vf_err *err)
{
    int rc;
    do {
        rc = read_record(csv, ret_end, err);
        if (rc == 0 && *ret_end)
            return 0;
        if (rc == 0)
            rc = split(csv, err);
    } while (rc == 0 && csv->n_fields == 1 && !csv->fields[0]);
    if (rc == VF_ERR_DATA)
        vf_csv_prefix(csv, err);
    return rc;
}
