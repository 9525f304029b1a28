#include "embed/chunk_mean.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static const char *text_bytes(struct vf_text text)
{
    return text.bytes ? text.bytes : "";
}

static size_t longest_sequence(const struct vf_embedder *embedder)
{
    const struct vf_model_info *info = &embedder->info;
    return info->long_text == VF_LONG_TEXT_CHUNK_MEAN ? SIZE_MAX : info->max_seq_length;
}

static struct vf_ids borrow_ids(const struct vf_tokens *tokens)
{
    return (struct vf_ids){.ids = tokens->ids, .n = tokens->n_ids, .capacity = tokens->capacity};
}

/* The prompt and the text, one behind the other in `memory`; the text alone without a prompt. */
static int prepend_prompt(const struct vf_embedder *embedder, struct vf_text *text,
    struct vf_buf *memory, struct vf_err *err)
{
    const char *prompt = embedder->info.prompt;
    int rc;
    if (!prompt)
        return 0;
    vf_buf_clear(memory);
    VF_TRY(vf_buf_append_string(memory, prompt, err));
    VF_TRY(vf_buf_append(memory, text_bytes(*text), text->n_bytes, err));
    *text = (struct vf_text){.bytes = memory->data, .n_bytes = memory->size};
out:
    return rc;
}

int vf_tokenize(const struct vf_embedder *embedder, struct vf_text text, struct vf_tokens *tokens,
    struct vf_err *err)
{
    struct vf_ids ids = borrow_ids(tokens);
    struct vf_buf memory = {.data = tokens->text, .capacity = tokens->text_capacity};
    bool truncated = false;
    int rc = prepend_prompt(embedder, &text, &memory, err);
    if (rc == 0)
        rc = vf_tokenizer_encode(embedder->tokenizer, text_bytes(text), text.n_bytes,
            longest_sequence(embedder), &ids, &truncated, err);
    *tokens = (struct vf_tokens){.ids = ids.ids,
        .n_ids = rc ? 0 : ids.n,
        .truncated = truncated,
        .capacity = ids.capacity,
        .text = memory.data,
        .text_capacity = memory.capacity};
    return rc;
}

int vf_count_tokens(
    const struct vf_embedder *embedder, struct vf_text text, size_t *ret, struct vf_err *err)
{
    struct vf_buf memory = {0};
    int rc = prepend_prompt(embedder, &text, &memory, err);
    if (rc == 0)
        rc = vf_tokenizer_count(embedder->tokenizer, text_bytes(text), text.n_bytes, ret, err);
    vf_buf_release(&memory);
    return rc;
}

void vf_tokens_release(struct vf_tokens *tokens)
{
    if (!tokens)
        return;
    struct vf_ids ids = borrow_ids(tokens);
    vf_ids_release(&ids);
    free(tokens->text);
    *tokens = (struct vf_tokens){0};
}

const char *vf_token_text(const struct vf_embedder *embedder, int32_t id)
{
    return vf_tokenizer_token(embedder->tokenizer, id);
}

static int check_encodable(const struct vf_embedder *embedder, struct vf_err *err)
{
    if (!embedder->encoder)
        return vf_fail(err, VF_ERR_USAGE, "%s was opened without its weights", embedder->info.name);
    return 0;
}

static int check_sequence(const struct vf_embedder *embedder, const struct vf_sequence *sequence,
    size_t index, struct vf_err *err)
{
    size_t max = longest_sequence(embedder);
    if (sequence->n_ids < 1 || sequence->n_ids > max)
        return vf_fail(err, VF_ERR_USAGE, "sequence %zu has %zu ids, not 1 to %zu", index,
            sequence->n_ids, max);
    for (size_t i = 0; i < sequence->n_ids; i++) {
        if (sequence->ids[i] < 0 || (size_t)sequence->ids[i] >= embedder->info.vocab_size)
            return vf_fail(err, VF_ERR_USAGE, "sequence %zu has id %d outside of the vocabulary",
                index, (int)sequence->ids[i]);
    }
    return 0;
}

int vf_encode(struct vf_embedder *embedder, const struct vf_sequence *sequences, size_t n,
    float *vectors, struct vf_err *err)
{
    size_t dimensions = embedder->info.dimensions;
    bool any_long = false;
    int rc = check_encodable(embedder, err);
    if (rc || n == 0)
        return rc;
    struct vf_sequence_ref *refs = calloc(n, sizeof *refs);
    if (!refs)
        return vf_fail_memory(err, "a list of sequences");
    for (size_t i = 0; i < n; i++) {
        VF_TRY(check_sequence(embedder, &sequences[i], i, err));
        refs[i] = (struct vf_sequence_ref){.ids = sequences[i].ids,
            .n = sequences[i].n_ids,
            .skip = vf_embedder_skip(embedder),
            .vector = vectors + i * dimensions};
        any_long |= sequences[i].n_ids > embedder->info.max_seq_length;
    }
    rc = any_long ? vf_chunk_mean_encode(embedder, sequences, n, vectors, err)
                  : vf_encoder_run(embedder->encoder, refs, n, err);
out:
    free(refs);
    return rc;
}

int vf_embed(struct vf_embedder *embedder, const struct vf_text *texts, size_t n, float *vectors,
    struct vf_text_result *results, struct vf_err *err)
{
    int rc = check_encodable(embedder, err);
    if (rc || n == 0)
        return rc;
    struct vf_buf all_ids = {0};
    struct vf_tokens tokens = {0};
    struct vf_sequence *sequences = calloc(n, sizeof *sequences);
    struct vf_text_result *found = calloc(n, sizeof *found);
    if (!sequences || !found) {
        rc = vf_fail_memory(err, "a list of texts");
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        VF_TRY(vf_tokenize(embedder, texts[i], &tokens, err));
        VF_TRY(vf_buf_append(&all_ids, tokens.ids, tokens.n_ids * sizeof *tokens.ids, err));
        found[i] = (struct vf_text_result){.n_tokens = tokens.n_ids, .truncated = tokens.truncated};
    }
    const int32_t *ids = (const int32_t *)all_ids.data;
    for (size_t i = 0; i < n; i++) {
        sequences[i] = (struct vf_sequence){.ids = ids, .n_ids = found[i].n_tokens};
        ids += found[i].n_tokens;
    }
    VF_TRY(vf_encode(embedder, sequences, n, vectors, err));
    if (results)
        memcpy(results, found, n * sizeof *found);
out:
    vf_buf_release(&all_ids);
    vf_tokens_release(&tokens);
    free(sequences);
    free(found);
    return rc;
}
