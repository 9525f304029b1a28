#include "cli/article_reader.h"

#include "cli/csv.h"
#include "cli/iso8601.h"
#include "cli/json_lines.h"

#include <stdlib.h>
#include <string.h>

enum column { COLUMN_ID, COLUMN_TIME, COLUMN_LANGUAGE, COLUMN_HEADLINE, COLUMN_BODY, N_COLUMNS };

static const char *const column_names[N_COLUMNS] = {
    "article_id", "published_at", "language", "headline", "body"};

struct vf_article_reader {
    bool is_csv;
    struct vf_csv csv;            /* with is_csv */
    size_t positions[N_COLUMNS];  /* of the columns in a record; SIZE_MAX: missing */
    size_t n_fields;              /* of the header */
    struct vf_line_reader *lines; /* csv.lines: both formats read through it */
};

/* ---- one article ---- */

void vf_import_article_release(struct vf_import_article *article)
{
    /* The struct of the store only borrows; here the strings are ours. */
    const char *strings[] = {article->id, article->language, article->headline, article->body};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        free((void *)(uintptr_t)strings[i]);
    *article = (struct vf_import_article){0};
}

static int copy(const char *s, const char **ret, struct vf_err *err)
{
    *ret = s ? strdup(s) : NULL;
    return s && !*ret ? vf_fail_memory(err, "an article") : 0;
}

/* Checks the values of the columns and copies them. */
static int make_article(
    const char *const values[N_COLUMNS], struct vf_import_article *ret, struct vf_err *err)
{
    struct vf_import_article article = {0};
    int rc = 0;
    for (size_t i = COLUMN_ID; i <= COLUMN_TIME; i++)
        if (!values[i] || !values[i][0])
            return vf_fail(err, VF_ERR_DATA, "no \"%s\"", column_names[i]);
    if (!vf_instant_parse(values[COLUMN_TIME], &article.published_at_us)) {
        vf_fail(err, VF_ERR_DATA, "\"published_at\" is '%s', which is no instant of ISO 8601",
            values[COLUMN_TIME]);
        vf_hint(err, "write it as 2025-01-31T08:15:00Z, 2025-01-31 08:15:00+01:00 or 2025-01-31");
        return VF_ERR_DATA;
    }
    VF_TRY(copy(values[COLUMN_ID], &article.id, err));
    VF_TRY(copy(values[COLUMN_LANGUAGE], &article.language, err));
    VF_TRY(copy(values[COLUMN_HEADLINE], &article.headline, err));
    VF_TRY(copy(values[COLUMN_BODY], &article.body, err));
    *ret = article;
    return 0;
out:
    vf_import_article_release(&article);
    return rc;
}

/* ---- JSON Lines ---- */

/* article_id may be a number, too, which is written to `digits`. */
static int take_id(
    const json_t *object, char *digits, size_t size, const char **ret, struct vf_err *err)
{
    const json_t *value = json_object_get(object, column_names[COLUMN_ID]);
    if (!json_is_integer(value))
        return vf_json_line_string(object, column_names[COLUMN_ID], ret, NULL, err);
    snprintf(digits, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    *ret = digits;
    return 0;
}

static int take_object(const json_t *object, struct vf_import_article *ret, struct vf_err *err)
{
    const char *values[N_COLUMNS] = {0};
    char digits[32];
    if (!json_is_object(object))
        return vf_fail(err, VF_ERR_DATA,
            "%s where an object with article_id and published_at is "
            "expected",
            vf_json_type_name(object));
    int rc = take_id(object, digits, sizeof digits, &values[COLUMN_ID], err);
    for (size_t i = COLUMN_TIME; rc == 0 && i < N_COLUMNS; i++)
        rc = vf_json_line_string(object, column_names[i], &values[i], NULL, err);
    return rc ? rc : make_article(values, ret, err);
}

static int next_json(struct vf_article_reader *reader, struct vf_import_article *ret, bool *ret_end,
    struct vf_err *err)
{
    char *line = NULL;
    size_t n = 0;
    do {
        int rc = vf_line_reader_next(reader->lines, &line, &n, ret_end, err);
        if (rc || *ret_end)
            return rc;
    } while (strspn(line, " \t\r") == n);
    json_t *object = NULL;
    int rc = vf_json_line_parse(line, n, &object, err);
    if (rc == 0)
        rc = take_object(object, ret, err);
    if (rc)
        vf_err_prefix(err, "%s:%zu", reader->lines->name, reader->lines->line);
    json_decref(object);
    return rc;
}

/* ---- CSV ---- */

static int find_columns(struct vf_article_reader *reader, struct vf_err *err)
{
    const struct vf_csv *csv = &reader->csv;
    for (size_t column = 0; column < N_COLUMNS; column++) {
        reader->positions[column] = SIZE_MAX;
        for (size_t i = 0; i < csv->n_fields; i++) {
            if (!csv->fields[i] || strcmp(csv->fields[i], column_names[column]) != 0)
                continue;
            if (reader->positions[column] != SIZE_MAX)
                return vf_fail(err, VF_ERR_DATA, "two columns \"%s\"", column_names[column]);
            reader->positions[column] = i;
        }
        if (reader->positions[column] == SIZE_MAX && column <= COLUMN_TIME) {
            vf_fail(err, VF_ERR_DATA, "no column \"%s\" in the first line", column_names[column]);
            vf_hint(err, "the first line names the columns: article_id, published_at, language, "
                         "headline, body");
            return VF_ERR_DATA;
        }
    }
    reader->n_fields = csv->n_fields;
    return 0;
}

static int read_header(struct vf_article_reader *reader, struct vf_err *err)
{
    bool at_end = false;
    int rc = vf_csv_next(&reader->csv, &at_end, err);
    if (rc || at_end)
        return rc;
    rc = find_columns(reader, err);
    if (rc)
        vf_csv_prefix(&reader->csv, err);
    return rc;
}

static int next_record(struct vf_article_reader *reader, struct vf_import_article *ret,
    bool *ret_end, struct vf_err *err)
{
    const char *values[N_COLUMNS] = {0};
    int rc = vf_csv_next(&reader->csv, ret_end, err);
    if (rc || *ret_end)
        return rc;
    if (reader->csv.n_fields != reader->n_fields) {
        rc = vf_fail(err, VF_ERR_DATA, "%zu fields where the first line has %zu",
            reader->csv.n_fields, reader->n_fields);
    } else {
        for (size_t i = 0; i < N_COLUMNS; i++)
            if (reader->positions[i] != SIZE_MAX)
                values[i] = reader->csv.fields[reader->positions[i]];
        rc = make_article(values, ret, err);
    }
    if (rc)
        vf_csv_prefix(&reader->csv, err);
    return rc;
}

/* ---- both ---- */

static bool ends_with(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n >= m && strcmp(path + n - m, suffix) == 0;
}

static int decide_format(struct vf_article_reader *reader, const char *path, struct vf_err *err)
{
    int first = 0;
    reader->is_csv = ends_with(path, ".csv");
    if (reader->is_csv || ends_with(path, ".json") || ends_with(path, ".jsonl") ||
        ends_with(path, ".ndjson"))
        return 0;
    int rc = vf_line_reader_peek(reader->lines, &first, err);
    reader->is_csv = first != '{';
    return rc;
}

int vf_article_reader_open(const char *path, struct vf_article_reader **ret, struct vf_err *err)
{
    struct vf_article_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return vf_fail_memory(err, "a reader");
    reader->lines = &reader->csv.lines;
    int rc = vf_line_reader_open(path, reader->lines, err);
    if (rc == 0)
        rc = decide_format(reader, path, err);
    if (rc == 0 && reader->is_csv)
        rc = read_header(reader, err);
    if (rc)
        vf_article_reader_close(reader);
    else
        *ret = reader;
    return rc;
}

void vf_article_reader_close(struct vf_article_reader *reader)
{
    if (reader)
        vf_csv_release(&reader->csv);
    free(reader);
}

int vf_article_reader_next(struct vf_article_reader *reader, struct vf_import_article *ret,
    bool *ret_end, struct vf_err *err)
{
    return reader->is_csv ? next_record(reader, ret, ret_end, err)
                          : next_json(reader, ret, ret_end, err);
}
