/* A worker's memory for the forward pass, planned for a network and its longest text. */
#ifndef VF_ENCODER_ACTIVATIONS_H
#define VF_ENCODER_ACTIVATIONS_H

#include "encoder/packed_network.h"
#include "encoder/tap.h"

/* Tokens of a group of short sequences, and rows of a span: enough rows to use each weight panel
 * often, and to hold most texts whole, for each span of a text packs all of its keys. */
#define VF_GROUP_TOKENS 512

/* Rows that go through the feed-forward at a time: few enough that their inner states stay in the
 * second-level cache. */
#define VF_BLOCK_ROWS 128

/* Some queries of one text, and the keys and values of all of it. */
struct vf_query_run {
    size_t row;   /* of x, where the first query's state is */
    size_t m;     /* queries */
    size_t first; /* the first query's position in the text */
    size_t key;   /* row of key_value, where the text begins */
    size_t n;     /* tokens of the text */
};

struct vf_activations {
    const struct vf_packed_network *packed; /* the weights that this worker uses */

    /* Of the texts at hand. */
    float *x;                       /* [rows][hidden], the residual stream */
    float *key_value;               /* [rows][2 kv_heads * head_size], of the layer at hand */
    struct vf_query_run *runs;      /* [VF_GROUP_TOKENS], one for each text */
    size_t ld_hidden, ld_key_value; /* distances of rows, in floats */

    /* Of the span of rows at hand. */
    float *embedded; /* [span][embedding_size], where embeddings are projected; else NULL */
    float *normed;   /* [span][hidden], what enters behind an input norm; NULL: there is none */
    float *context;  /* [span][heads * head_size], what attention gives */
    float *query;    /* [span][heads * head_size], until attention is done */
    float *update;   /* [block][hidden], to be added to x; after attention */
    float *inner;    /* [block][intermediate], twice that with a gate; after attention */
    size_t ld_query, ld_inner, ld_embedded;

    /* Of the kernels, and of the head in the end. */
    float *attention_scratch, *bias_scratch, *linear_scratch, *head_scratch;

    struct vf_tap *tap; /* records what linear maps are given; NULL: nothing does */

    struct vf_arena arena;
};

/* Allocates all that for texts of up to packed->max_tokens. On failure `activations` is left as
 * vf_activations_release() leaves it. */
VF_MUST_CHECK int vf_activations_init(
    struct vf_activations *activations, const struct vf_packed_network *packed, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_activations_release(struct vf_activations *activations);

#endif
