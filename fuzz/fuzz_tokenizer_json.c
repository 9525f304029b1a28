/* Any bytes as tokenizer.json: they are refused, or they make a tokenizer that encodes. */
#include "tokenizer/tokenizer_impl.h"

#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {"", "Hello, World's 1234 tests!\r\n  a\tb",
    "\xC3\xA9 e\xCC\x81 \xE4\xB8\xAD\xE5\x9B\xBD \xEA\xB0\x80 \xF0\x9F\x99\x82 \xC2\xBD",
    "\xFF\xC3 [SEP]<s> \xE2\x96\x81x"};

static void encode_texts(const struct vf_tokenizer *tokenizer)
{
    struct vf_ids ids = {0};
    bool truncated;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t limit = 1; limit < 1000; limit *= 8)
            if (vf_tokenizer_encode(
                    tokenizer, texts[i], strlen(texts[i]), limit, &ids, &truncated, NULL) == 0)
                for (size_t j = 0; j < ids.n; j++)
                    if (!vf_tokenizer_token(tokenizer, ids.ids[j]))
                        abort();
    vf_ids_release(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vf_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    char *text = malloc(n + 1); /* which reading changes */
    if (text)
        memcpy(text, data, n);
    if (tokenizer && text &&
        vf_tokenizer_parse(text, n, "input", NULL, false, tokenizer, NULL) == 0)
        encode_texts(tokenizer);
    vf_tokenizer_close(tokenizer);
    free(text);
    return 0;
}
