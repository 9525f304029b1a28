/* The ids of small tokenizers of every kind against those of the reference library, which
 * scripts/make-tokenizer-kinds.py wrote down: of every scalar value alone, between letters and
 * doubled, and of 10,000 random texts, which are made here as they are there.
 *
 *     test_tokenizer_kinds        all kinds
 *     test_tokenizer_kinds KIND   one of them
 */
#include "tokenizer/tokenizer.h"

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER VF_TEST_DATA "/tokenizers"

enum { BLOCK = 16384, RANDOM_BLOCK = 500, MAX_FILE_BYTES = 4 << 20, MAX_PIECES = 512 };

static const char *const kinds[] = {"bpe_roberta", "bpe_prefixed", "bpe_qwen2", "bpe_llama3",
    "bpe_cased", "bpe_gemma", "bpe_llama2", "bpe_clip", "bpe_subwords", "unigram_xlm_roberta",
    "unigram_first", "unigram_bytes", "unigram_t5", "wordpiece_steps", "wordpiece_mixed"};

static json_t *pieces[MAX_PIECES];
static size_t n_pieces;

/* What is hashed for a block of texts. */
struct block {
    const struct vf_tokenizer *tokenizer;
    struct vf_ids ids;    /* of one text */
    struct vf_buf hashed; /* ids of all texts and -1 behind each */
    struct vf_buf text;
};

static void read_text(const char *path, struct vf_buf *text)
{
    struct vf_err err = {0};
    vf_check(vf_read_file(path, MAX_FILE_BYTES, text, &err) == 0, "%s", err.msg);
}

static void read_pieces(void)
{
    struct vf_buf text = {0};
    char *rest;
    read_text(FOLDER "/pieces.txt", &text);
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_error_t error;
        json_t *piece = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        vf_check(piece && n_pieces < MAX_PIECES, "%s: %s", line, error.text);
        pieces[n_pieces++] = piece;
    }
    vf_buf_release(&text);
}

static void append(struct vf_buf *buf, const void *bytes, size_t n)
{
    assert_int_equal(vf_buf_append(buf, bytes, n, NULL), 0);
}

static void append_scalar(struct vf_buf *buf, uint32_t c)
{
    uint8_t bytes[4];
    append(buf, bytes, vf_utf8_encode(c, bytes));
}

/* SplitMix64. */
static uint32_t below(uint64_t *state, uint32_t n)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)(((z ^ z >> 31) >> 33) % n);
}

static void make_random_text(uint64_t number, struct vf_buf *text)
{
    uint64_t state = number;
    for (uint32_t n = 1 + below(&state, 20); n > 0; n--) {
        uint32_t choice = below(&state, 8);
        if (choice == 0) {
            uint32_t c = below(&state, 0x30000);
            append_scalar(text, c >= 0xD800 && c < 0xE000 ? c + 0x800 : c);
        } else if (choice == 1 && below(&state, 4) == 0) {
            uint8_t byte = (uint8_t)(0x80 + below(&state, 128));
            append(text, &byte, 1);
        } else if (choice == 1) {
            append_scalar(text, below(&state, 0x300));
        } else {
            const json_t *piece = pieces[below(&state, (uint32_t)n_pieces)];
            append(text, json_string_value(piece), json_string_length(piece));
        }
    }
}

static void make_pattern(const char *pattern, uint32_t c, struct vf_buf *text)
{
    if (strcmp(pattern, "between") == 0) {
        append(text, "a", 1);
        append_scalar(text, c);
        append(text, "b", 1);
        return;
    }
    append_scalar(text, c);
    if (strcmp(pattern, "doubled") == 0)
        append_scalar(text, c);
    else
        assert_string_equal(pattern, "alone");
}

static void add_text(struct block *block)
{
    static const int32_t end = -1;
    struct vf_err err = {0};
    bool truncated;
    const char *text = block->text.data ? block->text.data : "";
    vf_check(vf_tokenizer_encode(block->tokenizer, text, block->text.size, SIZE_MAX, &block->ids,
                 &truncated, &err) == 0,
        "%s", err.msg);
    if (block->ids.n)
        append(&block->hashed, block->ids.ids, block->ids.n * sizeof *block->ids.ids);
    append(&block->hashed, &end, sizeof end);
}

/* The ids between the special tokens at a limit are the first of all. */
static void check_truncated(struct block *block, size_t room)
{
    struct vf_ids some = {0};
    size_t specials = vf_tokenizer_specials(block->tokenizer), n = block->ids.n;
    bool truncated;
    if (n <= specials)
        return;
    assert_int_equal(vf_tokenizer_encode(block->tokenizer, block->text.data, block->text.size,
                         specials + room, &some, &truncated, NULL),
        0);
    size_t kept = n < specials + room ? n : specials + room, same = 0;
    assert_int_equal(some.n, kept);
    assert_int_equal(truncated, n > kept);
    while (same < kept && some.ids[same] == block->ids.ids[same])
        same++;
    size_t after = kept - same; /* the specials behind the text, which some text may equal */
    assert_true(after <= specials);
    if (after > 0)
        assert_memory_equal(some.ids + same, block->ids.ids + n - after, after * sizeof *some.ids);
    vf_ids_release(&some);
}

static void check_block(
    struct block *block, const char *kind, const char *pattern, uint32_t first, const char *hash)
{
    uint8_t digest[VF_SHA256_BYTES];
    char hex[2 * VF_SHA256_BYTES + 1];
    bool is_random = strcmp(pattern, "random") == 0;
    vf_buf_clear(&block->hashed);
    for (uint32_t i = first; i < first + (is_random ? RANDOM_BLOCK : BLOCK); i++) {
        if (is_random)
            make_random_text(i, &block->text);
        else if (i >= 0xD800 && i < 0xE000)
            continue;
        else
            make_pattern(pattern, i, &block->text);
        add_text(block);
        if (is_random)
            check_truncated(block, 1 + i % 20);
        vf_buf_clear(&block->text);
    }
    assert_int_equal(vf_sha256(block->hashed.data, block->hashed.size, digest, NULL), 0);
    vf_sha256_hex(digest, hex);
    vf_check(strncmp(hex, hash, strlen(hash)) == 0, "%s: %s %u", kind, pattern, (unsigned)first);
}

static void ids_are_those_of_the_reference(void **state)
{
    const char *kind = *state;
    char path[512], pattern[16], hash[32];
    struct vf_tokenizer *tokenizer;
    struct vf_err err = {0};
    struct block block = {0};
    unsigned first;
    (void)snprintf(path, sizeof path, "%s/%s", FOLDER, kind);
    vf_check(vf_tokenizer_open(path, false, &tokenizer, &err) == 0, "%s", err.msg);
    block.tokenizer = tokenizer;
    (void)snprintf(path, sizeof path, "%s/%s/golden.txt", FOLDER, kind);
    FILE *golden = fopen(path, "r");
    assert_non_null(golden);
    while (fscanf(golden, "%15s %u %31s", pattern, &first, hash) == 3)
        check_block(&block, kind, pattern, first, hash);
    assert_true(feof(golden));
    assert_int_equal(fclose(golden), 0);
    vf_tokenizer_close(tokenizer);
    vf_ids_release(&block.ids);
    vf_buf_release(&block.hashed);
    vf_buf_release(&block.text);
}

/* Whether `kind` is among the arguments, or there are none. */
static bool is_wanted(const char *kind, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], kind) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[VF_COUNT(kinds)];
    size_t n = 0;
    for (size_t i = 0; i < VF_COUNT(kinds); i++)
        if (is_wanted(kinds[i], argc, argv))
            tests[n++] = (struct CMUnitTest){.name = kinds[i],
                .test_func = ids_are_those_of_the_reference,
                .initial_state = (void *)(uintptr_t)kinds[i]};
    read_pieces();
    int failed = _cmocka_run_group_tests("tokenizer kinds", tests, n, NULL, NULL);
    for (size_t i = 0; i < n_pieces; i++)
        json_decref(pieces[i]);
    return failed;
}
