/* Byte-pair encoding: a word begins as its characters, and the pair of neighbours whose merge has
 * the lowest rank becomes one, the leftmost first, until there is none.
 */
#ifndef VF_TOKENIZER_BPE_H
#define VF_TOKENIZER_BPE_H

#include "tokenizer/merge_table.h"
#include "tokenizer/token_model.h"

#include <stdbool.h>

/* Code points whose ids are found without a look at the vocabulary; a power of two. */
#define VF_BPE_NEAR 512u

/* Without "unk_token", unknown characters that no bytes spell are dropped. */
#define VF_BPE_DROPS_UNKNOWN (-1)

struct vf_bpe {
    struct vf_vocab vocab;       /* owned */
    struct vf_merge_table table; /* owned */
    char *prefix;                /* before every character but the first; NULL: none; owned */
    char *suffix;                /* behind the last character; NULL: none; owned */
    int32_t unk_id;              /* or VF_BPE_DROPS_UNKNOWN */
    bool fuse_unk;               /* neighbouring unknown characters are one */
    bool ignore_merges;          /* a word of the vocabulary is its token */
    bool has_bytes;              /* unknown characters are spelled by `bytes` */
    int32_t bytes[256];          /* the tokens <0x00> to <0xFF>, -1 where there is none */
    int32_t near[VF_BPE_NEAR];   /* ids of characters without prefix and suffix, or -1 */
};

/* As struct vf_model_kind has them. */
VF_MUST_CHECK int vf_bpe_read(const json_t *json, struct vf_model_tables *tables, const char *where,
    void **ret, struct vf_err *err);
void vf_bpe_release(void *self);
VF_MUST_CHECK int vf_bpe_encode(const void *self, const uint8_t *word, size_t n,
    struct vf_buf *memory, struct vf_ids *ids, struct vf_err *err);

#endif
