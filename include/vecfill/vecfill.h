/* vecfill: sentence vectors from Hugging Face encoders, on this processor.
 *
 *     struct vf_options options;
 *     struct vf_embedder *embedder = NULL;
 *     struct vf_err err;
 *     vf_options_init(&options);
 *     options.model = "sentence-transformers/all-MiniLM-L6-v2";
 *     if (vf_open(&options, &embedder, &err) == 0) {
 *         float *vectors = malloc(n_texts * vf_info(embedder)->dimensions * sizeof *vectors);
 *         if (vf_embed(embedder, texts, n_texts, vectors, NULL, &err) == 0) …
 *     }
 *     vf_close(embedder);
 *
 * Promises: the same text gives the same bits, whatever is embedded beside it, in which order and
 * on how many threads (for one model, precision and instruction set). There is no padding. The
 * library never prints, never exits and has no global state.
 *
 * Thread rule: one embedder may be used from any number of threads at once; only vf_close() needs
 * all other calls to have returned.
 *
 * Texts are UTF-8 with a length; invalid bytes are read as U+FFFD, as Python's errors="replace"
 * does. They need no terminating NUL and may contain NUL.
 */
#ifndef VECFILL_H
#define VECFILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vecfill/error.h>
#include <vecfill/fetch.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VF_API __attribute__((visibility("default")))

struct vf_embedder;

enum vf_precision {
    VF_PRECISION_FP32, /* within 1e-6 of transformers in float32, every component */
    VF_PRECISION_BF16, /* weights in bfloat16, half the memory; cosine to FP32 at least 0.9999 */
    VF_PRECISION_INT8  /* linear maps in 8-bit integers, a quarter of the memory; cosine to FP32 at
                          least 0.999 for models like all-MiniLM-L6-v2. vf_open() rounds the weights
                          the first time, in seconds, and keeps them in $VECFILL_CACHE_DIR (nothing
                          is kept when that is empty), else below $XDG_CACHE_HOME or ~/.cache */
};

/* What becomes of a text of more than max_seq_length tokens. */
enum vf_long_text {
    VF_LONG_TEXT_TRUNCATE,  /* its end is not read */
    VF_LONG_TEXT_CHUNK_MEAN /* read in windows of max_seq_length tokens, specials included, of which
                               each shares chunk_overlap with the next; its vector is the mean of
                               theirs, weighted by their tokens without specials, and normalised
                               where the model's vectors are */
};

#define VF_CHUNK_OVERLAP_AUTO SIZE_MAX /* an eighth of max_seq_length */

/* What to open. Fill with vf_options_init(), then change what differs. Strings are only read
 * during vf_open(). */
struct vf_options {
    const char *model;           /* a directory or a Hub name; required */
    const char *revision;        /* branch, tag or commit; NULL: "main" */
    const char *cache_dir;       /* Hub cache; NULL: where HF_HUB_CACHE or HF_HOME say */
    size_t max_seq_length;       /* tokens, specials included; 0: from the model's files */
    const char *prompt;          /* put before every text; "": none; NULL: by prompt_name */
    const char *prompt_name;     /* of one of the model's prompts; NULL: what its files have for
                                    `queries`, or for documents, else their default, else none */
    const char *task;            /* whose adapter is used, in models that have several; else NULL */
    bool queries;                /* the texts are questions; documents are what they are put to */
    size_t dimensions;           /* floats of a vector that are kept; 0: by the model's files */
    enum vf_long_text long_text; /* default VF_LONG_TEXT_TRUNCATE */
    size_t chunk_overlap;        /* tokens; default VF_CHUNK_OVERLAP_AUTO */
    unsigned threads;            /* 0: as many as this process may use */
    enum vf_precision precision; /* default VF_PRECISION_FP32 */
    const char *max_isa;         /* cap, e.g. "avx2"; NULL: VECFILL_MAX_ISA, else no cap */
    bool tokenizer_only;         /* leave the weights: vf_encode() and vf_embed() are refused */
    bool offline;                /* never ask the Hub; so does HF_HUB_OFFLINE */
    vf_fetch_callback *fetch_progress; /* follows a download; NULL: nobody does */
    void *fetch_context;               /* for fetch_progress */
};

/* What was opened. All strings belong to the embedder. */
struct vf_model_info {
    const char *name;         /* as it was asked for */
    const char *directory;    /* where its files lie */
    const char *revision;     /* the commit, or NULL for a plain directory */
    const char *architecture; /* e.g. "bert" */
    const char *pooling;      /* e.g. "mean", or "cls+max, dense 256 Tanh" with what follows it */
    const char *prompt;       /* what is put before every text; NULL: nothing */
    const char *prompt_name; /* in the model's files, where it may be empty; NULL: not from there */
    const char *task;        /* whose adapter is used; NULL: the model has none */
    const char *isa; /* kernels in use, e.g. "avx2 (bf16 weights)"; NULL with tokenizer_only */
    const char *limit_source; /* which file or option max_seq_length comes from */
    bool normalized;          /* vectors have norm 1 */
    bool has_modules;         /* the files are of sentence-transformers; without them the vector is
                                 the mean of the tokens, not normalised */
    bool misses_prompt; /* the model has prompts, but none was given and none is for this use */
    enum vf_precision precision;
    unsigned threads;
    size_t dimensions;        /* floats in a vector */
    size_t all_dimensions;    /* before any were cut off */
    size_t max_seq_length;    /* tokens read of a text, or of a window of it, specials included */
    size_t max_positions;     /* the most that the model can take */
    size_t st_max_seq_length; /* where sentence-transformers stops; 0: not given in the files */
    enum vf_long_text long_text;
    size_t chunk_overlap; /* 0 unless with VF_LONG_TEXT_CHUNK_MEAN */
    size_t hidden_size, intermediate_size, layers, heads, vocab_size;
    uint64_t parameters; /* of the encoder; 0 with tokenizer_only */
    size_t worker_bytes; /* memory that each thread computes in; 0 with tokenizer_only */
};

struct vf_text {
    const char *bytes; /* may be NULL when n_bytes is 0 */
    size_t n_bytes;
};

/* Token ids of one text, specials included. A zeroed struct is empty. Grows to what is needed and
 * keeps its memory between calls, so that a loop does not allocate. */
struct vf_tokens {
    int32_t *ids;
    size_t n_ids;
    bool truncated;  /* the text had more tokens than these */
    size_t capacity; /* ids that fit; private */
    char *text;      /* private */
    size_t text_capacity;
};

struct vf_sequence {
    const int32_t *ids; /* specials included, as vf_tokenize() makes them */
    size_t n_ids;       /* 1 to max_seq_length, or more with VF_LONG_TEXT_CHUNK_MEAN */
};

struct vf_text_result {
    size_t n_tokens; /* read, specials included */
    bool truncated;
};

/* The version of the library, e.g. "0.1.0". */
VF_API const char *vf_version(void);

/* Sets every field to its default. */
VF_API void vf_options_init(struct vf_options *options);

/* Loads a model and starts its worker threads. A model of the Hub that the cache does not have is
 * fetched first, once, as vf_fetch() does. On success the caller owns *ret and ends it with
 * vf_close(). VF_ERR_NOT_FOUND: no such model; VF_ERR_DATA: its files are broken or hold something
 * that vecfill does not know; VF_ERR_CONFIG: the options contradict the model, or it needs a prompt
 * or a task and none is given; VF_ERR_USAGE: it has no prompt of that name; VF_ERR_UNAVAILABLE,
 * VF_ERR_PERMISSION, VF_ERR_IO: it could not be fetched. */
VF_API int vf_open(const struct vf_options *options, struct vf_embedder **ret, struct vf_err *err);

/* Ends an embedder and its threads. Accepts NULL. */
VF_API void vf_close(struct vf_embedder *embedder);

/* Where a model lies. */
struct vf_location {
    char *directory;
    char *revision; /* the commit */
};

/* Brings the model of the Hub that `options` names into the cache, whole and checked, as its
 * revision is there now. Offline it is only looked up. What has arrived when this fails or is
 * stopped is kept, and the next call goes on from there. Several processes and threads may fetch at
 * once. VF_ERR_NOT_FOUND: no such model or revision; VF_ERR_PERMISSION: private, gated, or the
 * cache cannot be written; VF_ERR_UNAVAILABLE: the Hub could not be reached; VF_ERR_DATA: a file is
 * not what the Hub announced; VF_ERR_IO: also a full disk; VF_ERR_INTERRUPTED: fetch_progress said
 * so. On success release *ret with vf_location_release(). */
VF_API int vf_fetch(const struct vf_options *options, struct vf_location *ret, struct vf_err *err);

VF_API void vf_location_release(struct vf_location *location);

/* Borrowed; lives as long as the embedder. Never fails. */
VF_API const struct vf_model_info *vf_info(const struct vf_embedder *embedder);

#define VF_SHA256_DIGITS 64

/* What the vectors are made from, by content: lower-case hexadecimal. */
struct vf_identity {
    /* Of the file, or where there are several (shards, Dense modules) of the list of their
     * checksums, a line each. */
    char weights_sha256[VF_SHA256_DIGITS + 1];
    char tokenizer_sha256[VF_SHA256_DIGITS + 1];
};

/* Two embedders of one identity whose vf_info() agrees in pooling, normalisation, prompt,
 * task, dimensions, max_seq_length, long_text and chunk_overlap make the same vectors, within the
 * tolerance of their precisions. Reads the files unless the Hub cache names them by their checksum.
 * With tokenizer_only weights_sha256 is empty where there are no weights. */
VF_API int vf_identify(
    const struct vf_embedder *embedder, struct vf_identity *ret, struct vf_err *err);

/* Tokenizes `text` into `tokens`, which the caller releases with vf_tokens_release(): up to
 * max_seq_length, where it stops reading, or all of it with VF_LONG_TEXT_CHUNK_MEAN. On failure
 * `tokens` is empty. */
VF_API int vf_tokenize(const struct vf_embedder *embedder, struct vf_text text,
    struct vf_tokens *tokens, struct vf_err *err);

/* Counts all tokens of `text`, specials included, without a limit. */
VF_API int vf_count_tokens(
    const struct vf_embedder *embedder, struct vf_text text, size_t *ret, struct vf_err *err);

VF_API void vf_tokens_release(struct vf_tokens *tokens);

/* The token of an id as the vocabulary spells it, NUL-terminated; borrowed, lives as long as the
 * embedder. NULL when there is no such id. */
VF_API const char *vf_token_text(const struct vf_embedder *embedder, int32_t id);

/* Encodes `n` sequences into `vectors` (n rows of `dimensions` floats, in the order given), on the
 * embedder's threads, and waits for the last. Calls from several threads share the workers, so
 * that the end of one call overlaps with the beginning of the next. Memory does not grow with the
 * lengths. Ids outside of the vocabulary or a length that is not allowed are VF_ERR_USAGE, before
 * anything is computed. */
VF_API int vf_encode(struct vf_embedder *embedder, const struct vf_sequence *sequences, size_t n,
    float *vectors, struct vf_err *err);

/* vf_tokenize() and vf_encode() in one. `results` holds n entries or is NULL. */
VF_API int vf_embed(struct vf_embedder *embedder, const struct vf_text *texts, size_t n,
    float *vectors, struct vf_text_result *results, struct vf_err *err);

#ifdef __cplusplus
}
#endif

#endif
