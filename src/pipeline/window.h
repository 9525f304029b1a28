/* A window: a page of articles on its way through the backfill, with their token ids and vectors.
 *
 * Belongs to one stage at a time; recycled, so that its memory is allocated once and grows only to
 * what the greatest page needed.
 */
#ifndef VF_PIPELINE_WINDOW_H
#define VF_PIPELINE_WINDOW_H

#include "store/store.h"

#include <vecfill/vecfill.h>

/* Most bytes of text that a window reads, unless there is a limit of memory. */
#define VF_WINDOW_BYTES ((size_t)4 << 20)

/* Windows of a run. */
enum { VF_N_WINDOWS = 6 };

struct vf_window_size {
    size_t articles; /* at most */
    size_t bytes;    /* of text, at which a window ends (one longer article is a window alone) */
};

/* Articles of a window for an encoder of `threads`: a few seconds of work, so that the first commit
 * and the reaction to a stop come soon, but enough to keep every thread busy. */
size_t vf_window_articles(unsigned threads);

/* Windows that together take about an eighth of `max_memory`; the usual ones when that is 0. */
struct vf_window_size vf_window_size_for(const struct vf_model_info *info, uint64_t max_memory);

/* A text of the window; articles with equal texts share one. */
struct vf_window_text {
    uint8_t hash[VF_TEXT_HASH_BYTES];
    size_t first_article; /* of those that share it */
    size_t first_id;      /* private: where its ids begin */
    size_t n_ids;         /* specials included; 0 when it cannot be encoded */
    size_t row;           /* of its vector */
    uint64_t tokens_lost; /* tokens that were not read */
    size_t failure;       /* private */
};

struct vf_window {
    struct vf_page page;
    size_t *text_of;               /* [page.n] the text of each article */
    struct vf_window_text *texts;  /* [n_texts] */
    struct vf_sequence *sequences; /* [n_sequences]: of the texts that can be encoded */
    float *vectors;                /* [n_sequences][dimensions]; NULL when dimensions is 0 */
    size_t n_texts, n_sequences;
    bool encoded; /* `vectors` holds what the texts give */

    struct vf_window_size size; /* immutable */
    size_t dimensions;          /* immutable */
    struct vf_buf ids;          /* private: the ids of all texts */
    struct vf_tokens tokens;    /* private: the ids of one text */
    struct vf_buf failures;     /* private: messages, each NUL-terminated */
    uint32_t *buckets;          /* private: hash table over `texts`, entries are index + 1 */
    size_t n_buckets;           /* private: a power of two */
};

/* An empty window. On success the caller owns *ret. */
VF_MUST_CHECK int vf_window_new(
    struct vf_window_size size, size_t dimensions, struct vf_window **ret, struct vf_err *err);

/* Accepts NULL. */
void vf_window_free(struct vf_window *window);

/* Reads the reader's next page, of at most `max_articles` and no more than the window holds. */
VF_MUST_CHECK int vf_window_read(struct vf_window *window, struct vf_reader *reader,
    uint64_t max_articles, bool *ret_end, struct vf_err *err);

/* Finds the distinct texts of the page and tokenizes them. An article with a fault, or a text that
 * the tokenizer cannot take, is no failure: see vf_window_failure(). */
VF_MUST_CHECK int vf_window_tokenize(
    struct vf_window *window, const struct vf_embedder *embedder, struct vf_err *err);

/* Encodes them. */
VF_MUST_CHECK int vf_window_encode(
    struct vf_window *window, struct vf_embedder *embedder, struct vf_err *err);

/* The text of article `i`. */
const struct vf_window_text *vf_window_text(const struct vf_window *window, size_t i);

/* Why a text cannot be encoded, borrowed; NULL when it can. */
const char *vf_window_failure(const struct vf_window *window, const struct vf_window_text *text);

#define VF_FAILURE_CHARS 256

/* "article 7: message", fit to print. */
void vf_failure_line(char ret[VF_FAILURE_CHARS], const char *article_id, const char *message);

/* Ids of all texts together. */
uint64_t vf_window_tokens(const struct vf_window *window);

#endif
