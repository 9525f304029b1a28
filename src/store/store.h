/* Articles out of a database and vectors into it: PostgreSQL through libpq, or SQLite.
 *
 * Knows nothing of models: vectors are rows of floats. What a text is and when it has changed is
 * defined here, once, for both databases:
 *
 *   text    headline, one space, body; the one that exists when the other is NULL
 *   empty   a text without anything but white space, or neither headline nor body
 *   hash    SHA-256 of the text's bytes, kept in text_hash where the column exists
 *   todo    not empty, and by selection.refresh: without a vector under the model_id, or with a
 *           hash that differs (CHANGED); without a vector (MISSING); always (ALL). A row whose
 *           vector is NULL has no vector; one whose text_hash is NULL is not known to have
 *           changed, hence unchanged
 *   failed  what would be todo, but is in text_embedding_failures with this text
 *
 * Transactions: none stays open between two calls. Reading goes in pages by key (published_at,
 * article id), writing in one transaction a call.
 *
 * Thread rule: a store and its readers belong to one thread at a time. A run that reads and writes
 * at once opens two stores.
 *
 * Errors: VF_ERR_UNAVAILABLE server out of reach, VF_ERR_LOGIN refused, VF_ERR_NOT_FOUND no such
 * database, table or column, VF_ERR_PERMISSION a right is missing, VF_ERR_CONFIG a table that does
 * not fit, VF_ERR_IO disk trouble, VF_ERR_DATA a value that cannot be stored. No password in any.
 */
#ifndef VF_STORE_STORE_H
#define VF_STORE_STORE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VF_TEXT_HASH_BYTES 32

struct vf_store;

/* Names of tables and columns; NULL is the default in brackets. A table may be "schema.table" (a
 * name that holds a dot itself is written in double quotes, as in SQL). They are quoted as
 * identifiers in every statement. */
struct vf_store_names {
    const char *articles_table;      /* [news_articles] */
    const char *embeddings_table;    /* [text_embeddings] */
    const char *article_id_column;   /* [article_id] */
    const char *published_at_column; /* [published_at, else timestamp when that is what exists] */
    const char *language_column;     /* [language, unless there is none] */
    const char *headline_column;     /* [headline] */
    const char *body_column;         /* [body] */
};

/* ---- life cycle ---- */

enum vf_store_flags {
    VF_STORE_CREATE = 1u << 0 /* SQLite: make the file when there is none */
};

/* Connects. `url` is "sqlite:PATH", or "postgresql://…", "postgres://…" or any other libpq
 * connection string ("" takes everything from libpq's own variables). `names` may be NULL and is
 * only read during the call. On success the caller owns *ret. */
VF_MUST_CHECK int vf_store_open(const char *url, const struct vf_store_names *names, unsigned flags,
    struct vf_store **ret, struct vf_err *err);

/* Accepts NULL. */
void vf_store_close(struct vf_store *store);

/* What is connected, for people: "PostgreSQL 15.3, database news on localhost". Borrowed. */
const char *vf_store_describe(const struct vf_store *store);

/* ---- schema ---- */

struct vf_schema_options {
    const char *vector_type; /* "bytea", "vector", "halfvec" or "real[]"; NULL: bytea (BLOB) */
    size_t dimensions;       /* for vector and halfvec; 0 leaves them open */
};

/* The SQL that vf_store_init() would run on an empty database, idempotent, allocated; the caller
 * frees it. Needs no connection: `url` only tells which database. */
VF_MUST_CHECK int vf_store_schema(const char *url, const struct vf_store_names *names,
    const struct vf_schema_options *options, char **ret, struct vf_err *err);

/* Creates the tables and indexes that are missing (vecfill's own, text_embedding_models and
 * text_embedding_failures, go into the schema of the embeddings table) and adds vecfill's own
 * columns (text_hash, token_count, truncated, updated_at, all nullable) to an existing embeddings
 * table. Idempotent. *ret_changes (may be NULL) is the number of objects created or altered. */
VF_MUST_CHECK int vf_store_init(struct vf_store *store, const struct vf_schema_options *options,
    size_t *ret_changes, struct vf_err *err);

/* Whether the articles table exists. */
VF_MUST_CHECK int vf_store_has_articles(struct vf_store *store, bool *ret, struct vf_err *err);

/* What a run can rely on, found by vf_store_check(). */
struct vf_store_info {
    const char *vector_type; /* "bytea", "vector", "halfvec", "real[]", "BLOB"; static string */
    bool has_text_hash;      /* without: refresh CHANGED means MISSING */
    bool has_token_count, has_truncated, has_updated_at;
    bool has_failures; /* text_embedding_failures is there and may be written */
};

/* Checks, before anything is read, that the articles and embeddings tables and their columns
 * exist, that vectors of `dimensions` floats fit (0: not checked), that (source_type, source_id,
 * model_id) is unique, and that the role may read and, with `for_writing`, write. */
VF_MUST_CHECK int vf_store_check(struct vf_store *store, size_t dimensions, bool for_writing,
    struct vf_store_info *ret, struct vf_err *err);

/* ---- reading articles ---- */

enum vf_refresh { VF_REFRESH_CHANGED, VF_REFRESH_MISSING, VF_REFRESH_ALL };

#define VF_INSTANT_MIN INT64_MIN /* no bound on an instant */
#define VF_INSTANT_MAX INT64_MAX

/* Which articles. Instants are microseconds since 1970-01-01 UTC; a column without time zone is
 * read as UTC; NULL is in no range, a time that cannot be read (SQLite) in any. No id: in none. */
struct vf_selection {
    const char *model_id;
    const char *language; /* compared without case; NULL: every language */
    int64_t from_us;      /* inclusive, or VF_INSTANT_MIN */
    int64_t until_us;     /* exclusive, or VF_INSTANT_MAX */
    enum vf_refresh refresh;
    bool newest_first, retry_failed; /* retry_failed: what is failed is todo */
    uint32_t shard, n_shards; /* number `shard`, from 0, of so many by a hash of the id; 0: all */
};

/* Every selected article is in exactly one of these. */
struct vf_counts {
    uint64_t missing;   /* todo: no vector yet */
    uint64_t changed;   /* todo: a vector, but of another text (with ALL: any vector) */
    uint64_t unchanged; /* not todo, with a vector */
    uint64_t empty;     /* nothing to read */
    uint64_t failed;    /* passed over: failed in an earlier run */
};

struct vf_article {
    const char *id, *text; /* the id as text; UTF-8 unless the database holds invalid bytes */
    size_t n_text;         /* bytes */
    const char *fault;     /* NULL; else it cannot be embedded, and `text` tells why: "no_time" */
    bool is_new;           /* it had no row under the model_id, as far as is known */
    uint64_t cell;         /* private, as is `claimed`: see store/claims.h */
    bool claimed;
};

/* A page of articles. A zeroed struct is empty; the memory is kept for the next page. */
struct vf_page {
    struct vf_article *articles; /* those to do, in order */
    size_t n;
    uint64_t unchanged, empty, failed; /* articles that were passed over on this page */
    struct vf_buf bytes;               /* private: what the pointers point into */
    size_t capacity;                   /* private */
    uint64_t cell;                     /* private */
};

struct vf_reader;

/* Begins to read. `selection` and the store must outlive the reader, which the caller owns. Article
 * ids are taken to be unique. An article that is edited or deleted meanwhile is read as it is when
 * its page comes, or was 0.1 s before; a new one may not be. */
VF_MUST_CHECK int vf_reader_new(struct vf_store *store, const struct vf_selection *selection,
    struct vf_reader **ret, struct vf_err *err);

void vf_reader_free(struct vf_reader *reader); /* accepts NULL */

/* Reads on from where the last page ended, until `max_articles` are to do, `max_bytes` of text are
 * reached (a page holds at least one article, however long) or the end is there. *ret_end tells
 * that nothing follows; n == 0 does not. On failure the reader stays before the page. */
VF_MUST_CHECK int vf_reader_next(struct vf_reader *reader, size_t max_articles, size_t max_bytes,
    struct vf_page *page, bool *ret_end, struct vf_err *err);

/* Counts what follows the pages read so far (all, before the first). */
VF_MUST_CHECK int vf_reader_count(
    struct vf_reader *reader, struct vf_counts *ret, struct vf_err *err);

void vf_page_release(struct vf_page *page);

/* ---- writing vectors ---- */

struct vf_row {
    const char *source_id;
    const float *vector;      /* `dimensions` floats, finite, not all zero (checked again) */
    const uint8_t *text_hash; /* VF_TEXT_HASH_BYTES bytes */
    uint32_t token_count;
    bool truncated;
    bool is_new; /* a row that is there is not expected; saves the server a look */
};

/* Inserts or updates `n` rows under (NEWS, source_id, model_id) in one transaction; all or none.
 * Columns that the table lacks are left out. A source_id that comes twice counts with its last
 * row. What text_embedding_failures holds of them is cleared. Call vf_store_check() with
 * for_writing first. */
VF_MUST_CHECK int vf_store_write(struct vf_store *store, const char *model_id, size_t dimensions,
    const struct vf_row *rows, size_t n, struct vf_err *err);

/* ---- importing articles ---- */

struct vf_import_article {
    const char *id;
    int64_t published_at_us;                /* microseconds since 1970-01-01 UTC */
    const char *language, *headline, *body; /* each NULL or UTF-8, NUL-terminated */
};

/* Inserts or updates `n` articles on their id in one transaction; all or none. */
VF_MUST_CHECK int vf_store_import(
    struct vf_store *store, const struct vf_import_article *articles, size_t n, struct vf_err *err);

/* ---- looking at what is there ---- */

/* Called for each stored vector; the pointers are valid during the call. A return other than 0
 * ends the scan, which returns it. The callback must not use the store. */
typedef int vf_vector_visitor(void *context, const char *source_id, const float *vector,
    size_t dimensions, struct vf_err *err);

/* Visits the vectors of selection->model_id whose article is selected (refresh and order do not
 * matter), in no order, as float32 whatever the column's type. Memory does not grow with their
 * number. VF_ERR_DATA when a stored value is no row of floats. */
VF_MUST_CHECK int vf_store_scan_vectors(struct vf_store *store,
    const struct vf_selection *selection, vf_vector_visitor *visit, void *context,
    struct vf_err *err);

struct vf_article_summary {
    char *id, *published_at, *language, *headline; /* owned; language and headline may be NULL */
};

/* Fetches the article with this id. VF_ERR_NOT_FOUND when there is none. Release *ret with
 * vf_article_summary_release(). published_at is ISO 8601 in UTC ("2025-01-31T08:15:00Z"). */
VF_MUST_CHECK int vf_store_find_article(
    struct vf_store *store, const char *id, struct vf_article_summary *ret, struct vf_err *err);

void vf_article_summary_release(struct vf_article_summary *summary);

/* One language in one month of one model_id. The strings are valid during the visit. */
struct vf_status_row {
    const char *model_id, *month; /* "2025-01", UTC; NULL: of times that cannot be read */
    const char *language;         /* in lower case; NULL: of articles without one */
    uint64_t articles;
    struct vf_counts state; /* what a run with refresh CHANGED would find */
    uint64_t truncated;     /* vectors of cut texts, where the column exists */
};

typedef int vf_status_visitor(void *context, const struct vf_status_row *row, struct vf_err *err);

/* Visits every model_id of the table (only `model_id`, found or not, unless NULL) by month and
 * language. The visitor may call vf_store_find_model(). */
VF_MUST_CHECK int vf_store_status(struct vf_store *store, const char *model_id,
    vf_status_visitor *visit, void *context, struct vf_err *err);

/* Articles in all, and those of them whose id or time is NULL. */
VF_MUST_CHECK int vf_store_count_articles(
    struct vf_store *store, uint64_t *ret, uint64_t *ret_never_selected, struct vf_err *err);

#endif
