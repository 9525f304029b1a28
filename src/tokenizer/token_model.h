/* The model of tokenizer.json: what makes ids of words.
 *
 * A kind is a table of functions in a file of its own; token_model.c lists them. A model is
 * immutable once read.
 */
#ifndef VF_TOKENIZER_TOKEN_MODEL_H
#define VF_TOKENIZER_TOKEN_MODEL_H

#include "tokenizer/json_keys.h"
#include "tokenizer/json_table.h"
#include "tokenizer/vocab.h"
#include "tokenizer/workspace.h"

struct vf_model_kind {
    const char *type; /* in tokenizer.json */
    /* Reads the object `json` and the tables, which are null in it. On success the caller owns
     * *ret, which `release` frees. */
    int (*read)(const json_t *json, struct vf_model_tables *tables, const char *where, void **ret,
        struct vf_err *err);
    void (*release)(void *self); /* accepts NULL */
    const struct vf_vocab *(*vocab)(const void *self);
    /* Appends the ids of a word of `n` > 0 bytes of valid UTF-8 to `ids`, maybe none. `memory` is
     * for its own use, with any content. */
    int (*encode)(const void *self, const uint8_t *word, size_t n, struct vf_buf *memory,
        struct vf_ids *ids, struct vf_err *err);
};

struct vf_token_model {
    const struct vf_model_kind *kind; /* NULL in a zeroed struct */
    void *self;
    const struct vf_vocab *vocab;
};

/* On failure *ret is zeroed. Release with vf_token_model_release(). */
VF_MUST_CHECK int vf_token_model_read(const json_t *json, struct vf_model_tables *tables,
    const char *where, struct vf_token_model *ret, struct vf_err *err);

/* Accepts NULL and a zeroed struct. */
void vf_token_model_release(struct vf_token_model *model);

/* Reads "vocab" as an object of tokens to ids; `where` is that of the model. */
VF_MUST_CHECK int vf_token_model_read_vocab(
    struct vf_json_table *table, const char *where, struct vf_vocab *ret, struct vf_err *err);

/* The ids of the tokens <0x00> to <0xFF>, -1 where there is none. */
void vf_token_model_find_bytes(const struct vf_vocab *vocab, int32_t ret[256]);

extern const struct vf_model_kind vf_unigram_model;
extern const struct vf_model_kind vf_wordpiece_model;
extern const struct vf_model_kind vf_bpe_model;

#endif
