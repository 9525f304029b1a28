#include "support/architecture_model.h"

#include "base/buf.h"
#include "base/file.h"
#include "harness.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER VF_TEST_DATA "/architectures"

enum { PATH_BYTES = 512, MAX_FILE_BYTES = 4 << 20, MAX_TEXTS = 16 };

/* ---- files ---- */

/* The file `folder/name`, NUL-terminated; what is not there is NULL unless it is `required`. The
 * caller frees it. */
static char *read_text(const char *folder, const char *name, bool required)
{
    char path[PATH_BYTES];
    struct vf_buf text = {0};
    struct vf_err err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int rc = vf_read_file(path, MAX_FILE_BYTES, &text, &err);
    vf_check(rc == 0 || (!required && rc == VF_ERR_NOT_FOUND), "%s", err.msg);
    return text.data;
}

static void copy_file(
    const struct scratch *scratch, const char *folder, const char *name, bool required)
{
    char *text = read_text(folder, name, required);
    if (text)
        scratch_write(scratch, name, text, strlen(text));
    free(text);
}

static void copy_small_files(const struct scratch *scratch, const char *folder)
{
    static const char *const names[] = {"modules.json", "1_Pooling/config.json",
        "2_Dense/config.json", "3_Dense/config.json", "tokenizer_config.json",
        "config_sentence_transformers.json", "sentence_bert_config.json"};
    copy_file(scratch, folder, "config.json", true);
    for (size_t i = 0; i < VF_COUNT(names); i++)
        copy_file(scratch, folder, names[i], false);
}

static void append(struct vf_buf *buf, const void *bytes, size_t n)
{
    assert_int_equal(vf_buf_append(buf, bytes, n, NULL), 0);
}

__attribute__((format(printf, 2, 3))) static void append_format(
    struct vf_buf *buf, const char *format, ...)
{
    char text[PATH_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    vf_check(n >= 0 && (size_t)n < sizeof text, "%s", format);
    append(buf, text, (size_t)n);
}

/* ---- weights ---- */

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t fnv1a(const char *name)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001B3u;
    return hash;
}

/* A file of weights on its way: the entries of the header, and the values. */
struct weights_file {
    char name[PATH_BYTES];
    struct vf_buf header, values;
};

/* line: NAME OFFSET SCALE DIMENSION… */
static void add_tensor(struct weights_file *file, char *line)
{
    char *rest, *name = strtok_r(line, " ", &rest);
    char *offset_text = strtok_r(NULL, " ", &rest), *scale_text = strtok_r(NULL, " ", &rest);
    vf_check(name && offset_text && scale_text, "%s", line);
    double offset = strtod(offset_text, NULL), scale = strtod(scale_text, NULL);
    size_t n = 1, n_dimensions = 0, begin = file->values.size;
    append_format(&file->header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[",
        file->header.size ? "," : "", name);
    for (char *text; (text = strtok_r(NULL, " ", &rest));) {
        size_t dimension = strtoul(text, NULL, 10);
        append_format(&file->header, "%s%zu", n_dimensions++ ? "," : "", dimension);
        n *= dimension;
    }
    uint64_t random = fnv1a(name);
    for (size_t i = 0; i < n; i++) {
        double u = (double)(next_random(&random) >> 40) / (1 << 23) - 1;
        float value = (float)(offset + scale * u);
        append(&file->values, &value, sizeof value);
    }
    append_format(&file->header, "],\"data_offsets\":[%zu,%zu]}", begin, file->values.size);
}

static void finish_file(struct weights_file *file, const struct scratch *scratch)
{
    struct vf_buf whole = {0};
    uint64_t header_bytes = file->header.size + 2; /* little-endian machines only */
    append(&whole, &header_bytes, sizeof header_bytes);
    append(&whole, "{", 1);
    append(&whole, file->header.data, file->header.size);
    append(&whole, "}", 1);
    append(&whole, file->values.data, file->values.size);
    scratch_write(scratch, file->name, whole.data, whole.size);
    vf_buf_release(&whole);
    vf_buf_release(&file->header);
    vf_buf_release(&file->values);
    *file = (struct weights_file){0};
}

static void write_weights(const struct scratch *scratch, const char *folder)
{
    struct weights_file file = {0};
    char *rest, *text = read_text(folder, "weights.txt", true);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "file ", 5) != 0) {
            add_tensor(&file, line);
            continue;
        }
        if (file.name[0])
            finish_file(&file, scratch);
        snprintf(file.name, sizeof file.name, "%s", line + 5);
    }
    finish_file(&file, scratch);
    free(text);
}

/* ---- what is expected ---- */

static size_t read_texts(char *texts[MAX_TEXTS])
{
    size_t n = 0;
    char *rest, *all = read_text(FOLDER, "texts.txt", true);
    for (char *line = strtok_r(all, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *text = json_loads(line, JSON_DECODE_ANY, NULL);
        vf_check(json_is_string(text) && n < MAX_TEXTS, "%s", line);
        texts[n++] = strdup(json_string_value(text));
        json_decref(text);
    }
    free(all);
    return n;
}

static size_t next_number(char **rest)
{
    char *text = strtok_r(NULL, " ", rest);
    vf_check(text, "a line of expected.txt is too short");
    return strtoul(text, NULL, 10);
}

static int32_t *make_ids(size_t n, size_t lowest, size_t highest)
{
    uint64_t random = n;
    int32_t *ids = calloc(n, sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(lowest + (next_random(&random) >> 33) % (highest - lowest));
    return ids;
}

static float *read_vector(char **rest, size_t *ret_n)
{
    struct vf_buf values = {0};
    for (char *text; (text = strtok_r(NULL, " ", rest));) {
        float value = strtof(text, NULL);
        append(&values, &value, sizeof value);
    }
    *ret_n = values.size / sizeof(float);
    return (float *)(void *)values.data;
}

/* line: "ids LENGTH LOWEST HIGHEST VALUE…" or "text NUMBER TOKENS VALUE…" */
static void read_expected(struct expected_vector *expected, char *line, char *const *texts,
    size_t n_texts, size_t *ret_dimensions)
{
    char *rest;
    const char *kind = strtok_r(line, " ", &rest);
    if (strcmp(kind, "ids") == 0) {
        expected->n = next_number(&rest);
        size_t lowest = next_number(&rest), highest = next_number(&rest);
        expected->ids = make_ids(expected->n, lowest, highest);
    } else {
        assert_string_equal(kind, "text");
        size_t number = next_number(&rest);
        vf_check(number < n_texts, "text %zu", number);
        expected->text = strdup(texts[number]);
        expected->n = next_number(&rest);
    }
    expected->vector = read_vector(&rest, ret_dimensions);
}

void architecture_model_init(struct architecture_model *model, const char *name)
{
    char folder[PATH_BYTES], *rest, *texts[MAX_TEXTS];
    size_t n_texts = read_texts(texts);
    *model = (struct architecture_model){0};
    scratch_init(&model->scratch);
    snprintf(folder, sizeof folder, FOLDER "/%s", name);
    copy_small_files(&model->scratch, folder);
    write_weights(&model->scratch, folder);
    char *all = read_text(folder, "expected.txt", true);
    char *line = strtok_r(all, "\n", &rest);
    vf_check(line && strncmp(line, "tokenizer ", 10) == 0, "%s", name);
    snprintf(folder, sizeof folder, VF_TEST_DATA "/tokenizers/%s", line + 10);
    copy_file(&model->scratch, folder, "tokenizer.json", true);
    while ((line = strtok_r(NULL, "\n", &rest))) {
        model->expected = realloc(model->expected, (model->n + 1) * sizeof *model->expected);
        assert_non_null(model->expected);
        struct expected_vector *expected = &model->expected[model->n++];
        *expected = (struct expected_vector){0};
        read_expected(expected, line, texts, n_texts, &model->dimensions);
    }
    free(all);
    while (n_texts > 0)
        free(texts[--n_texts]);
}

void architecture_model_release(struct architecture_model *model)
{
    for (size_t i = 0; i < model->n; i++) {
        free(model->expected[i].text);
        free(model->expected[i].ids);
        free(model->expected[i].vector);
    }
    free(model->expected);
    scratch_release(&model->scratch);
}
