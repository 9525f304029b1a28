/* The ids of the real model's tokenizer against those of the reference library, which
 * scripts/make-tokenizer-golden.py wrote down. Skipped where the model is not on this machine:
 * VECFILL_TEST_MODEL names its directory, else it is looked for in the Hub's cache. */
#include "tokenizer/tokenizer.h"

#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "harness.h"
#include "hub/hub.h"
#include "unit/scratch.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL "sentence-transformers/all-MiniLM-L6-v2"
#define NO_LIMIT SIZE_MAX
#define FNV_BASIS UINT64_C(0xCBF29CE484222325)
#define FNV_PRIME UINT64_C(0x100000001B3)

enum { BLOCK = 4096, MAX_FILE_BYTES = 64 << 20 };

static char *model_directory(void)
{
    const char *named = getenv("VECFILL_TEST_MODEL");
    if (named)
        return strdup(named);
    struct vf_hub_location location;
    struct vf_err err;
    if (vf_hub_resolve(MODEL, NULL, NULL, &location, &err)) {
        print_message("%s is not here: %s\n", MODEL, err.msg);
        return NULL;
    }
    char *directory = strdup(location.directory);
    vf_hub_location_release(&location);
    return directory;
}

static struct vf_tokenizer *open_tokenizer(const char *directory)
{
    struct vf_tokenizer *tokenizer;
    struct vf_err err = {0};
    vf_check(vf_tokenizer_open(directory, false, &tokenizer, &err) == 0, "%s", err.msg);
    return tokenizer;
}

static void read_text(const char *path, struct vf_buf *text)
{
    struct vf_err err = {0};
    vf_check(vf_read_file(path, MAX_FILE_BYTES, text, &err) == 0, "%s", err.msg);
}

/* The next line without its end, which becomes a NUL; NULL behind the last one. */
static char *next_line(char **rest)
{
    char *line = *rest;
    if (!*line)
        return NULL;
    char *end = strchr(line, '\n');
    assert_non_null(end);
    *end = '\0';
    *rest = end + 1;
    return line;
}

static uint64_t hash_int32(uint64_t hash, int32_t value)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        hash = (hash ^ ((uint32_t)value >> shift & 0xFF)) * FNV_PRIME;
    return hash;
}

/* Adds the ids of a text and -1 to the hash. */
static uint64_t hash_text(uint64_t hash, const struct vf_tokenizer *tokenizer, const char *text,
    size_t n, struct vf_ids *ids)
{
    bool truncated;
    assert_int_equal(vf_tokenizer_encode(tokenizer, text, n, NO_LIMIT, ids, &truncated, NULL), 0);
    assert_false(truncated);
    for (size_t i = 0; i < ids->n; i++)
        hash = hash_int32(hash, ids->ids[i]);
    return hash_int32(hash, -1);
}

/* Puts code point `c` into `text` by the pattern; returns the length. */
static size_t fill_pattern(const char *pattern, uint32_t c, uint8_t text[16])
{
    size_t n = 0;
    if (strcmp(pattern, "between") == 0) {
        text[n++] = 'a';
        n += vf_utf8_encode(c, text + n);
        text[n++] = 'b';
        return n;
    }
    bool doubled = strcmp(pattern, "doubled") == 0;
    vf_check(doubled || strcmp(pattern, "alone") == 0, "%s", pattern);
    n += vf_utf8_encode(c, text);
    if (doubled)
        n += vf_utf8_encode(c, text + n);
    return n;
}

static void every_scalar_value_gives_the_reference_ids(void **state)
{
    const char *directory = *state;
    if (!directory)
        skip();
    struct vf_tokenizer *tokenizer = open_tokenizer(directory);
    struct vf_buf golden = {0};
    struct vf_ids ids = {0};
    read_text(VF_TEST_DATA "/tokenizer_scalars.txt", &golden);
    char *rest = golden.data, *line;
    size_t n_blocks = 0;
    for (; (line = next_line(&rest)); n_blocks++) {
        char pattern[16];
        uint32_t first;
        uint64_t expected, hash = FNV_BASIS;
        assert_int_equal(sscanf(line, "%15s %" SCNx32 " %" SCNx64, pattern, &first, &expected), 3);
        for (uint32_t c = first; c < first + BLOCK; c++) {
            uint8_t text[16];
            if (c >= 0xD800 && c < 0xE000)
                continue;
            size_t n = fill_pattern(pattern, c, text);
            hash = hash_text(hash, tokenizer, (const char *)text, n, &ids);
        }
        vf_check(hash == expected, "%s, from U+%04X on", pattern, first);
    }
    assert_int_equal(n_blocks, 3 * 0x110000 / BLOCK);
    vf_ids_release(&ids);
    vf_buf_release(&golden);
    vf_tokenizer_close(tokenizer);
}

/* Writes the model's tokenizer.json with the top-level keys of `edits` put in place of its own. A
 * null vocabulary stands for the model's. */
static void write_changed(
    const struct scratch *scratch, const char *directory, const char *edits_text)
{
    struct vf_err err = {0};
    json_t *document, *edits;
    char *path = vf_path_join(directory, "tokenizer.json");
    vf_check(vf_json_load(path, MAX_FILE_BYTES, &document, &err) == 0, "%s", err.msg);
    vf_check(
        vf_json_parse(edits_text, strlen(edits_text), "edits", &edits, &err) == 0, "%s", err.msg);
    json_t *vocab = json_incref(json_object_get(json_object_get(document, "model"), "vocab"));
    assert_int_equal(json_object_update(document, edits), 0);
    assert_int_equal(json_object_set_new(json_object_get(document, "model"), "vocab", vocab), 0);
    char *text = json_dumps(document, 0);
    assert_non_null(text);
    scratch_write(scratch, "tokenizer.json", text, strlen(text));
    free(text);
    free(path);
    json_decref(edits);
    json_decref(document);
}

static void decode_hex(const char *hex, struct vf_buf *ret)
{
    for (; hex[0] && hex[1]; hex += 2) {
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        assert_int_equal(vf_buf_append(ret, &(char){(char)byte}, 1, NULL), 0);
    }
}

/* The text of a line: a JSON string, or x: and bytes in hexadecimal. */
static void decode_text(const char *line, struct vf_buf *ret)
{
    vf_buf_clear(ret);
    if (strncmp(line, "x:", 2) == 0) {
        decode_hex(line + 2, ret);
        return;
    }
    json_error_t error;
    json_t *value = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    vf_check(value, "%s: %s", error.text, line);
    assert_int_equal(
        vf_buf_append(ret, json_string_value(value), json_string_length(value), NULL), 0);
    json_decref(value);
}

static void check_ids(const struct vf_ids *ids, const char *expected, const char *text)
{
    struct vf_buf printed = {0};
    for (size_t i = 0; i < ids->n; i++)
        assert_int_equal(vf_buf_printf(&printed, NULL, "%s%" PRId32, i ? " " : "", ids->ids[i]), 0);
    const char *got = printed.data ? printed.data : "";
    vf_check(strcmp(got, expected) == 0, "%s\n got %s\nnot %s", text, got, expected);
    vf_buf_release(&printed);
}

static void strings_give_the_reference_ids(void **state)
{
    const char *directory = *state;
    if (!directory)
        skip();
    struct scratch scratch;
    struct vf_tokenizer *tokenizer = NULL;
    struct vf_buf golden = {0}, text = {0};
    struct vf_ids ids = {0};
    scratch_init(&scratch);
    read_text(VF_TEST_DATA "/tokenizer_strings.txt", &golden);
    char *rest = golden.data, *edits;
    while ((edits = next_line(&rest))) {
        char *quoted = next_line(&rest), *expected = next_line(&rest);
        bool truncated;
        size_t n_ids;
        assert_non_null(expected);
        if (strcmp(edits, "-") != 0) {
            vf_tokenizer_close(tokenizer);
            write_changed(&scratch, directory, edits);
            tokenizer = open_tokenizer(scratch.path);
        }
        decode_text(quoted, &text);
        const char *bytes = text.data ? text.data : "";
        assert_int_equal(
            vf_tokenizer_encode(tokenizer, bytes, text.size, NO_LIMIT, &ids, &truncated, NULL), 0);
        check_ids(&ids, expected, quoted);
        assert_int_equal(vf_tokenizer_count(tokenizer, bytes, text.size, &n_ids, NULL), 0);
        vf_check(n_ids == ids.n, "%s: %zu counted", quoted, n_ids);
    }
    vf_ids_release(&ids);
    vf_buf_release(&text);
    vf_buf_release(&golden);
    vf_tokenizer_close(tokenizer);
    scratch_release(&scratch);
}

/* Headline, a blank and body. */
static void article_text(const char *line, struct vf_buf *text)
{
    struct vf_err err = {0};
    const char *headline, *body;
    json_t *row;
    vf_check(vf_json_parse(line, strlen(line), "article", &row, &err) == 0, "%s", err.msg);
    assert_int_equal(vf_json_get_string(row, "headline", "article", "", &headline, &err), 0);
    assert_int_equal(vf_json_get_string(row, "body", "article", "", &body, &err), 0);
    vf_buf_clear(text);
    assert_int_equal(vf_buf_printf(text, &err, "%s %s", headline, body), 0);
    json_decref(row);
}

/* The sample articles are no part of the project: VECFILL_TEST_DATA names their folder, else they
 * are looked for beside the checkout. */
static FILE *open_articles(void)
{
    const char *folder = getenv("VECFILL_TEST_DATA"), *root = getenv("VECFILL_TEST_ROOT");
    char path[512], command[640];
    (void)snprintf(path, sizeof path, "%s%s/reuters-600.jsonl.gz",
        folder ? folder : (root ? root : "."), folder ? "" : "/../shared/data");
    if (!vf_is_file(path) || strchr(path, '\''))
        return NULL;
    (void)snprintf(command, sizeof command, "gzip -dc '%s'", path);
    return popen(command, "r");
}

static void articles_give_the_reference_ids(void **state)
{
    const char *directory = *state;
    FILE *articles = directory ? open_articles() : NULL;
    if (!articles)
        skip();
    struct vf_tokenizer *tokenizer = open_tokenizer(directory);
    struct vf_buf golden = {0}, text = {0};
    struct vf_ids ids = {0};
    char *article = NULL, *expected;
    size_t capacity = 0, n_articles = 0;
    read_text(VF_TEST_DATA "/tokenizer_articles.txt", &golden);
    for (char *rest = golden.data; (expected = next_line(&rest)); n_articles++) {
        char hash[17];
        assert_true(getline(&article, &capacity, articles) > 0);
        article_text(article, &text);
        (void)snprintf(hash, sizeof hash, "%016" PRIx64,
            hash_text(FNV_BASIS, tokenizer, text.data, text.size, &ids));
        vf_check(strcmp(hash, expected) == 0, "article %zu", n_articles);
    }
    assert_int_equal(getline(&article, &capacity, articles), -1);
    assert_int_equal(pclose(articles), 0);
    free(article);
    vf_ids_release(&ids);
    vf_buf_release(&text);
    vf_buf_release(&golden);
    vf_tokenizer_close(tokenizer);
}

int main(void)
{
    char *directory = model_directory();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_scalar_value_gives_the_reference_ids, directory),
        cmocka_unit_test_prestate(strings_give_the_reference_ids, directory),
        cmocka_unit_test_prestate(articles_give_the_reference_ids, directory),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(directory);
    return failed;
}
