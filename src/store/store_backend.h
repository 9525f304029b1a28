/* What a database has to do for store.h, and what all of them share. Only for src/store. */
#ifndef VF_STORE_STORE_BACKEND_H
#define VF_STORE_STORE_BACKEND_H

#include "store/article_text.h"
#include "store/audit.h"
#include "store/failure_record.h"
#include "store/model_record.h"
#include "store/recovery.h"
#include "store/sql_text.h"
#include "store/store.h"

#define VF_SQLITE_SCHEME "sqlite:"
#define VF_SOURCE_TYPE "NEWS"

struct vf_table_name {
    char *schema; /* NULL: where the database looks by itself */
    char *table;
    char *prefix;       /* the schema as SQL with its dot, or "" */
    char *quoted_table; /* as SQL, without the schema */
    char *quoted;       /* as SQL */
};

struct vf_column_name {
    char *name;
    char *quoted;
};

/* struct vf_store_names with the defaults filled in. */
struct vf_names {
    struct vf_table_name articles, embeddings;
    struct vf_table_name models, failures; /* in the schema of the embeddings */
    struct vf_column_name id, published_at, language, headline, body;
    bool published_at_given;                 /* else "timestamp" may take its place */
    bool language_given;                     /* else there need not be one */
    char *articles_index, *embeddings_index; /* quoted */
};

enum { VF_NAME_WORDS = 15 };

VF_MUST_CHECK int vf_names_init(
    struct vf_names *names, const struct vf_store_names *given, struct vf_err *err);

void vf_names_release(struct vf_names *names);

/* Replaces the column's name by `name`. */
VF_MUST_CHECK int vf_column_name_set(
    struct vf_column_name *column, const char *name, struct vf_err *err);

/* Fills the words that stand for names in a statement. They point into `names`. */
void vf_names_words(const struct vf_names *names, struct vf_sql_word words[VF_NAME_WORDS]);

struct vf_store {
    const struct vf_store_ops *ops;
    struct vf_names names;
    char *description;
};

struct vf_reader {
    struct vf_store *store;
    const struct vf_selection *selection;
    uint64_t cell;      /* of the last article read */
    uint64_t n_claimed; /* articles so far */
    size_t in_flight;   /* articles of these that may not be written yet */
};

/* The functions of store.h that differ. Arguments have been checked. Of rows and
 * articles, the `n` at the positions in `order` are to be written: sorted by id, each id once. */
struct vf_store_ops {
    bool is_sqlite;
    void (*close)(struct vf_store *store);
    /* NULL: there is nothing that could pass. */
    int (*recover)(struct vf_store *store, struct vf_err *err);
    void (*set_timeout)(struct vf_store *store, int64_t ms);
    int (*init)(struct vf_store *store, const struct vf_schema_options *options,
        size_t *ret_changes, struct vf_err *err);
    int (*has_articles)(struct vf_store *store, bool *ret, struct vf_err *err);
    int (*check)(struct vf_store *store, size_t dimensions, bool for_writing,
        struct vf_store_info *ret, struct vf_err *err);
    int (*reader_new)(struct vf_store *store, const struct vf_selection *selection,
        struct vf_reader **ret, struct vf_err *err);
    void (*reader_free)(struct vf_reader *reader);
    /* `page` is empty. */
    int (*reader_next)(struct vf_reader *reader, size_t max_articles, size_t max_bytes,
        struct vf_page *page, bool *ret_end, struct vf_err *err);
    /* Whether the cell is this reader's. */
    int (*reader_claim)(struct vf_reader *reader, int64_t key, bool *ret, struct vf_err *err);
    /* *ret is zeroed. */
    int (*reader_count)(struct vf_reader *reader, struct vf_counts *ret, struct vf_err *err);
    int (*write)(struct vf_store *store, const char *model_id, size_t dimensions,
        const struct vf_row *rows, const size_t *order, size_t n, struct vf_err *err);
    /* *ret is zeroed. */
    int (*find_model)(struct vf_store *store, const char *model_id, struct vf_model_state *ret,
        struct vf_err *err);
    int (*record_model)(struct vf_store *store, const char *model_id,
        const struct vf_model_record *record, struct vf_model_record *ret, struct vf_err *err);
    int (*replace_model)(struct vf_store *store, const char *model_id,
        const struct vf_model_record *record, struct vf_err *err);
    int (*sample)(struct vf_store *store, const char *model_id, size_t n, vf_sample_visitor *visit,
        void *context, struct vf_err *err);
    int (*record_failure)(struct vf_store *store, const char *model_id,
        const struct vf_failure *failure, struct vf_err *err);
    int (*audit)(struct vf_store *store, const char *model_id, vf_audit_visitor *visit,
        void *context, struct vf_err *err);
    int (*orphans)(struct vf_store *store, const char *model_id, vf_orphan_visitor *visit,
        void *context, struct vf_err *err);
    int (*prune)(struct vf_store *store, const char *model_id, uint64_t *ret_n, struct vf_err *err);
    int (*import)(struct vf_store *store, const struct vf_import_article *articles,
        const size_t *order, size_t n, struct vf_err *err);
    int (*scan_vectors)(struct vf_store *store, const struct vf_selection *selection,
        vf_vector_visitor *visit, void *context, struct vf_err *err);
    int (*find_article)(
        struct vf_store *store, const char *id, struct vf_article_summary *ret, struct vf_err *err);
    int (*status)(struct vf_store *store, const char *model_id, vf_status_visitor *visit,
        void *context, struct vf_err *err);
    int (*count_articles)(
        struct vf_store *store, uint64_t *ret, uint64_t *ret_never_selected, struct vf_err *err);
};

VF_MUST_CHECK int vf_postgres_open(
    const char *url, struct vf_names *names, struct vf_store **ret, struct vf_err *err);

/* `path` is what follows VF_SQLITE_SCHEME. Both take over *names on success and zero it. */
VF_MUST_CHECK int vf_sqlite_open(const char *path, struct vf_names *names, unsigned flags,
    struct vf_store **ret, struct vf_err *err);

/* Appends the type of the vector column as SQL, e.g. "vector(384)". */
VF_MUST_CHECK int vf_schema_vector_type(
    const struct vf_schema_options *options, struct vf_buf *type, struct vf_err *err);

/* Appends an article to a page; vf_page_seal() then sets the pointers of all. */
VF_MUST_CHECK int vf_page_add(struct vf_page *page, const char *id, struct vf_value headline,
    struct vf_value body, bool is_new, struct vf_err *err);

void vf_page_seal(struct vf_page *page);

/* Every article that is read passes here, in order and before it is added: a cell begins with one
 * in so many, by a hash of the id, so that readers agree on cells wherever they began. */
void vf_page_pass(struct vf_page *page, const char *id);

/* The columns of text_embedding_models beside model_id, in this order. */
#define VF_MODEL_COLUMNS                                                                           \
    "model, revision, weights_sha256, tokenizer_sha256, pooling, prompt, long_text, normalized,"   \
    " max_seq_length, dimensions"

enum { VF_MODEL_TEXTS = 7, VF_MODEL_NUMBERS = 3 };

/* A record as those columns: texts (NULL is NULL), then numbers. */
void vf_model_record_list(const struct vf_model_record *record, const char *texts[VF_MODEL_TEXTS],
    int64_t numbers[VF_MODEL_NUMBERS]);

/* The other way round, as copies. VF_ERR_DATA when a value is not one that was recorded. */
VF_MUST_CHECK int vf_model_record_fill(struct vf_model_record *ret,
    const char *const texts[VF_MODEL_TEXTS], const int64_t numbers[VF_MODEL_NUMBERS],
    struct vf_err *err);

/* One of a sample: visits the vector unless the article is empty or `hash`, the stored one, says
 * that it has changed since. `text` is scratch. *ret_visited tells. */
VF_MUST_CHECK int vf_sample_visit(const char *id, struct vf_value headline, struct vf_value body,
    struct vf_value hash, const float *vector, size_t dimensions, struct vf_buf *text,
    vf_sample_visitor *visit, void *context, bool *ret_visited, struct vf_err *err);

/* Rows to draw for a sample of `n`, of which some may have lost their article. */
static inline int64_t vf_sample_drawn(size_t n)
{
    enum { SPARE = 64 };
    return n > INT64_MAX - SPARE ? INT64_MAX : (int64_t)n + SPARE;
}

/* Collects (month, language, state) groups, which come in order, and visits each month and language
 * once. */
struct vf_status_fold {
    const char *model_id;
    vf_status_visitor *visit;
    void *context;
    char month[16];
    struct vf_buf language;
    struct vf_status_row row;
};

/* A group as a statement yields it. */
struct vf_status_group {
    const char *month, *language; /* may be NULL */
    int64_t state;
    uint64_t n, truncated; /* articles; those of them that have a vector of a cut text */
};

VF_MUST_CHECK int vf_status_add(
    struct vf_status_fold *fold, const struct vf_status_group *group, struct vf_err *err);

/* Visits the last one, if there was any. */
VF_MUST_CHECK int vf_status_end(struct vf_status_fold *fold, struct vf_err *err);

void vf_status_release(struct vf_status_fold *fold);

/* Copies of a summary's fields; `language` and `headline` may be NULL. */
VF_MUST_CHECK int vf_summary_fill(struct vf_article_summary *ret, const char *id,
    int64_t published_at_us, const char *language, const char *headline, struct vf_err *err);

/* VF_ERR_CONFIG: nothing is pruned against an empty table. */
int vf_fail_no_articles(const struct vf_store *store, struct vf_err *err);

/* What helps when the unique index cannot be made. */
void vf_hint_duplicates(const struct vf_store *store, struct vf_err *err);

/* VF_ERR_NOT_FOUND: no table of what made the vectors. */
int vf_fail_no_models(const struct vf_store *store, struct vf_err *err);

/* VF_ERR_NOT_FOUND: no article with this id. */
int vf_fail_no_article(struct vf_err *err, const char *id);

#endif
