/* What made the vectors of each model_id, beside store.h: its rules on threads, transactions and
 * errors hold here, too. */
#ifndef VF_STORE_MODEL_RECORD_H
#define VF_STORE_MODEL_RECORD_H

#include "store/store.h"

/* The encoder behind a model_id, as text_embedding_models keeps it. */
struct vf_model_record {
    char *model;                             /* as it was asked for */
    char *revision;                          /* the commit; NULL for a plain directory */
    char *weights_sha256, *tokenizer_sha256; /* hexadecimal */
    char *pooling;
    char *prompt;    /* what stands before each text; NULL: nothing */
    char *long_text; /* how texts over max_seq_length are treated, e.g. "truncate" */
    bool normalized;
    uint32_t max_seq_length, dimensions;
};

/* Frees the strings and zeroes. Accepts NULL. */
void vf_model_record_release(struct vf_model_record *record);

struct vf_model_state {
    bool has_table;                /* text_embedding_models is there and this role may read it */
    bool has_record;               /* of this model_id */
    bool has_vectors;              /* of this model_id, of any article */
    struct vf_model_record record; /* with has_record */
};

/* What is known of a model_id; VF_ERR_CONFIG when it does not fit into its column. Release
 * ret->record with vf_model_record_release(). */
VF_MUST_CHECK int vf_store_find_model(
    struct vf_store *store, const char *model_id, struct vf_model_state *ret, struct vf_err *err);

/* Records `record` for a model_id that has none and sets *ret (to be released) to what stands then:
 * of several processes at once the first one wins. VF_ERR_NOT_FOUND without the table,
 * VF_ERR_PERMISSION when the role may not. */
VF_MUST_CHECK int vf_store_record_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_model_record *ret, struct vf_err *err);

/* Puts `record` in the place of the one of another encoder, if any. In the same transaction all
 * vectors of the model_id become ones of a changed text (where text_hash exists), so that refresh
 * CHANGED renews them, however many runs that takes. */
VF_MUST_CHECK int vf_store_replace_model(struct vf_store *store, const char *model_id,
    const struct vf_model_record *record, struct vf_err *err);

/* Called for each vector of a sample with the article's text; the pointers are valid during the
 * call. A return other than 0 ends the sampling, which returns it. */
typedef int vf_sample_visitor(void *context, const struct vf_article *article, const float *vector,
    size_t dimensions, struct vf_err *err);

/* Visits up to `n` vectors of the model_id, drawn at random, of articles that are there, not empty,
 * and not known to have changed since. */
VF_MUST_CHECK int vf_store_sample(struct vf_store *store, const char *model_id, size_t n,
    vf_sample_visitor *visit, void *context, struct vf_err *err);

#endif
