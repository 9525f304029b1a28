/* Any bytes as a text for a tokenizer of every kind, which the first byte chooses: ids and their
 * number agree, and a limit gives the first of them. */
#include "base/file.h"
#include "tokenizer/tokenizer_impl.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER VF_SOURCE_ROOT "/tests/parity/tokenizers/"

static const char *const kinds[] = {FOLDER "bpe_roberta", FOLDER "bpe_prefixed", FOLDER "bpe_qwen2",
    FOLDER "bpe_llama3", FOLDER "bpe_cased", FOLDER "bpe_gemma", FOLDER "bpe_llama2",
    FOLDER "bpe_clip", FOLDER "bpe_subwords", FOLDER "unigram_xlm_roberta", FOLDER "unigram_first",
    FOLDER "unigram_bytes", FOLDER "unigram_t5", FOLDER "wordpiece_steps",
    FOLDER "wordpiece_mixed"};
static const char bert[] = VF_SOURCE_ROOT "/tests/support/tokenizer_file.json";

/* The last is BERT's. */
enum { N_KINDS = sizeof kinds / sizeof kinds[0] + 1, MAX_FILE_BYTES = 1 << 20 };

static struct vf_tokenizer *tokenizers[N_KINDS];

static void close_tokenizers(void)
{
    for (size_t i = 0; i < N_KINDS; i++)
        vf_tokenizer_close(tokenizers[i]);
}

static void open_tokenizers(void)
{
    struct vf_buf text = {0};
    for (size_t i = 0; i < N_KINDS - 1; i++)
        if (vf_tokenizer_open(kinds[i], false, &tokenizers[i], NULL))
            abort();
    struct vf_tokenizer *last = tokenizers[N_KINDS - 1] = calloc(1, sizeof *last);
    if (!last || vf_read_file(bert, MAX_FILE_BYTES, &text, NULL) ||
        vf_tokenizer_parse(text.data, text.size, bert, NULL, false, last, NULL))
        abort();
    vf_buf_release(&text);
    if (atexit(close_tokenizers))
        abort();
}

static void check(const struct vf_tokenizer *tokenizer, const char *text, size_t n)
{
    struct vf_ids all = {0}, some = {0};
    size_t count, specials = vf_tokenizer_specials(tokenizer);
    bool truncated;
    if (vf_tokenizer_encode(tokenizer, text, n, SIZE_MAX, &all, &truncated, NULL) || truncated)
        abort();
    if (vf_tokenizer_count(tokenizer, text, n, &count, NULL) || count != all.n)
        abort();
    size_t limit = specials + 1 + n / 8;
    if (vf_tokenizer_encode(tokenizer, text, n, limit, &some, &truncated, NULL))
        abort();
    if (truncated != (all.n > limit) || some.n != (truncated ? limit : all.n))
        abort();
    if (some.n > specials && memcmp(some.ids, all.ids, (some.n - specials) * sizeof *some.ids) != 0)
        abort();
    vf_ids_release(&all);
    vf_ids_release(&some);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!tokenizers[0])
        open_tokenizers();
    if (n > 0)
        check(tokenizers[data[0] % N_KINDS], (const char *)data + 1, n - 1);
    return 0;
}
