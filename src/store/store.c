/* What store.h promises for every database: arguments checked, rows in order, pages; the rest is
 * dispatched to postgres.c or sqlite.c. */
#include "store/store_backend.h"

#include "base/checked.h"
#include "store/schema/schema.h"
#include "store/timestamps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_sqlite(const char *url)
{
    return strncmp(url, VF_SQLITE_SCHEME, strlen(VF_SQLITE_SCHEME)) == 0;
}

/* ---- life cycle ---- */

int vf_store_open(const char *url, const struct vf_store_names *names, unsigned flags,
    struct vf_store **ret, struct vf_err *err)
{
    struct vf_names resolved;
    int rc;
    VF_TRY(vf_names_init(&resolved, names, err));
    if (is_sqlite(url))
        rc = vf_sqlite_open(url + strlen(VF_SQLITE_SCHEME), &resolved, flags, ret, err);
    else
        rc = vf_postgres_open(url, &resolved, ret, err);
    vf_names_release(&resolved);
out:
    return rc;
}

void vf_store_close(struct vf_store *store)
{
    if (!store)
        return;
    vf_names_release(&store->names);
    free(store->description);
    store->ops->close(store);
}

bool vf_store_may_recover(const struct vf_store *store)
{
    return store->ops->recover != NULL;
}

int vf_store_recover(struct vf_store *store, struct vf_err *err)
{
    return store->ops->recover ? store->ops->recover(store, err) : 0;
}

void vf_store_set_timeout(struct vf_store *store, int64_t ms)
{
    store->ops->set_timeout(store, ms);
}

const char *vf_store_describe(const struct vf_store *store)
{
    return store->description;
}

/* ---- schema ---- */

static bool is_pgvector_type(const char *type)
{
    return strcmp(type, "vector") == 0 || strcmp(type, "halfvec") == 0;
}

static int check_schema_options(
    const struct vf_schema_options *options, bool sqlite, struct vf_err *err)
{
    const char *type = options->vector_type;
    if (!type || strcmp(type, "bytea") == 0)
        return 0;
    if (sqlite) {
        vf_fail(err, VF_ERR_CONFIG, "SQLite keeps vectors as BLOB, not as %s", type);
        vf_hint(err, "leave the type out");
        return VF_ERR_CONFIG;
    }
    if (is_pgvector_type(type) || strcmp(type, "real[]") == 0)
        return 0;
    vf_fail(err, VF_ERR_USAGE, "'%s' is not a type for vectors", type);
    vf_hint(err, "choose bytea, vector, halfvec or real[]");
    return VF_ERR_USAGE;
}

static int print_schema(const struct vf_schema_statement *statements, size_t n,
    const struct vf_schema_options *options, const struct vf_names *names, struct vf_buf *sql,
    struct vf_err *err)
{
    struct vf_sql_word words[VF_NAME_WORDS + 1];
    struct vf_buf type = {0};
    int rc;
    VF_TRY(vf_schema_vector_type(options, &type, err));
    vf_names_words(names, words);
    words[VF_NAME_WORDS] = (struct vf_sql_word){"vector_type", type.data};
    for (size_t i = 0; i < n; i++) {
        const struct vf_schema_statement *statement = &statements[i];
        if (!statement->printed ||
            (statement->object == VF_SCHEMA_EXTENSION &&
                !(options->vector_type && is_pgvector_type(options->vector_type))))
            continue;
        VF_TRY(vf_sql_expand(sql, statement->sql, words, VF_NAME_WORDS + 1, err));
        VF_TRY(vf_buf_append_string(sql, ";\n", err));
    }
out:
    vf_buf_release(&type);
    return rc;
}

int vf_schema_vector_type(
    const struct vf_schema_options *options, struct vf_buf *type, struct vf_err *err)
{
    const char *name = options->vector_type ? options->vector_type : "bytea";
    if (is_pgvector_type(name) && options->dimensions > 0)
        return vf_buf_printf(type, err, "%s(%zu)", name, options->dimensions);
    return vf_buf_append_string(type, name, err);
}

int vf_store_schema(const char *url, const struct vf_store_names *names,
    const struct vf_schema_options *options, char **ret, struct vf_err *err)
{
    static const struct vf_schema_options defaults;
    struct vf_names resolved = {0};
    struct vf_buf sql = {0};
    bool sqlite = is_sqlite(url);
    int rc;
    if (!options)
        options = &defaults;
    VF_TRY(check_schema_options(options, sqlite, err));
    VF_TRY(vf_names_init(&resolved, names, err));
    VF_TRY(print_schema(sqlite ? vf_sqlite_schema : vf_postgres_schema,
        sqlite ? vf_n_sqlite_schema : vf_n_postgres_schema, options, &resolved, &sql, err));
    char *text = vf_buf_detach(&sql);
    if (!text)
        rc = vf_fail_memory(err, "the schema");
    else
        *ret = text;
out:
    vf_names_release(&resolved);
    vf_buf_release(&sql);
    return rc;
}

int vf_store_init(struct vf_store *store, const struct vf_schema_options *options,
    size_t *ret_changes, struct vf_err *err)
{
    static const struct vf_schema_options defaults;
    size_t changes = 0;
    int rc;
    if (!options)
        options = &defaults;
    VF_TRY(check_schema_options(options, store->ops->is_sqlite, err));
    VF_TRY(store->ops->init(store, options, &changes, err));
    if (ret_changes)
        *ret_changes = changes;
out:
    return rc;
}

int vf_store_has_articles(struct vf_store *store, bool *ret, struct vf_err *err)
{
    return store->ops->has_articles(store, ret, err);
}

int vf_store_check(struct vf_store *store, size_t dimensions, bool for_writing,
    struct vf_store_info *ret, struct vf_err *err)
{
    return store->ops->check(store, dimensions, for_writing, ret, err);
}

/* ---- reading ---- */

int vf_reader_new(struct vf_store *store, const struct vf_selection *selection,
    struct vf_reader **ret, struct vf_err *err)
{
    return store->ops->reader_new(store, selection, ret, err);
}

void vf_reader_free(struct vf_reader *reader)
{
    if (reader)
        reader->store->ops->reader_free(reader);
}

static void page_clear(struct vf_page *page)
{
    vf_buf_clear(&page->bytes);
    page->n = 0;
    page->unchanged = page->empty = page->failed = 0;
}

int vf_reader_next(struct vf_reader *reader, size_t max_articles, size_t max_bytes,
    struct vf_page *page, bool *ret_end, struct vf_err *err)
{
    if (max_articles == 0 || max_bytes == 0)
        return vf_fail(err, VF_ERR_USAGE, "a page needs room for an article");
    bool end = false;
    page_clear(page);
    page->cell = reader->cell;
    int rc = reader->store->ops->reader_next(reader, max_articles, max_bytes, page, &end, err);
    if (rc) {
        page_clear(page);
        return rc;
    }
    vf_page_seal(page);
    reader->cell = page->cell;
    *ret_end = end;
    return 0;
}

int vf_reader_count(struct vf_reader *reader, struct vf_counts *ret, struct vf_err *err)
{
    struct vf_counts counts = {0};
    int rc = reader->store->ops->reader_count(reader, &counts, err);
    if (rc == 0)
        *ret = counts;
    return rc;
}

/* ---- pages ---- */

/* Each article lies in page->bytes as its id, NUL, its text, NUL. */
int vf_page_add(struct vf_page *page, const char *id, struct vf_value headline,
    struct vf_value body, bool is_new, struct vf_err *err)
{
    enum { FIRST_ARTICLES = 64 };
    size_t before = page->bytes.size;
    int rc;
    if (page->n == page->capacity) {
        size_t capacity = page->capacity ? page->capacity + page->capacity / 2 : FIRST_ARTICLES;
        size_t bytes;
        struct vf_article *articles = NULL;
        if (vf_size_mul(capacity, sizeof *articles, &bytes))
            articles = realloc(page->articles, bytes);
        if (!articles)
            return vf_fail_memory(err, "a page of articles");
        page->articles = articles;
        page->capacity = capacity;
    }
    VF_TRY(vf_buf_append(&page->bytes, id, strlen(id) + 1, err));
    size_t text = page->bytes.size;
    VF_TRY(vf_text_append(&page->bytes, headline, body, err));
    page->articles[page->n].n_text = page->bytes.size - text;
    page->articles[page->n].cell = page->cell;
    page->articles[page->n].is_new = is_new;
    page->articles[page->n].fault = NULL;
    VF_TRY(vf_buf_append(&page->bytes, "", 1, err));
    page->n++;
out:
    if (rc)
        page->bytes.size = before;
    return rc;
}

void vf_page_seal(struct vf_page *page)
{
    const char *p = page->bytes.data;
    for (size_t i = 0; i < page->n; i++) {
        struct vf_article *article = &page->articles[i];
        article->id = p;
        article->text = p + strlen(p) + 1;
        p = article->text + article->n_text + 1;
    }
}

void vf_page_release(struct vf_page *page)
{
    if (!page)
        return;
    free(page->articles);
    vf_buf_release(&page->bytes);
    *page = (struct vf_page){0};
}

/* ---- writing ---- */

static int check_row(const struct vf_row *row, size_t dimensions, struct vf_err *err)
{
    bool any = false;
    for (size_t i = 0; i < dimensions; i++) {
        if (!isfinite(row->vector[i]))
            return vf_fail(err, VF_ERR_DATA, "the vector of article %s is not finite at %zu",
                row->source_id, i);
        any |= row->vector[i] != 0;
    }
    if (!any)
        return vf_fail(err, VF_ERR_DATA, "the vector of article %s has no norm", row->source_id);
    return 0;
}

struct keyed {
    const char *key;
    size_t position;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->position > y->position) - (x->position < y->position);
}

/* Puts the positions in order of their keys, so that all writers lock rows in one order, and of
 * equal keys only the last. Returns how many positions `order`, which has room for n, then has. */
static size_t order_by_key(struct keyed *keyed, size_t n, size_t *order)
{
    size_t kept = 0;
    qsort(keyed, n, sizeof *keyed, compare_keyed);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || strcmp(keyed[i].key, keyed[i + 1].key) != 0)
            order[kept++] = keyed[i].position;
    return kept;
}

int vf_store_write(struct vf_store *store, const char *model_id, size_t dimensions,
    const struct vf_row *rows, size_t n, struct vf_err *err)
{
    struct keyed *keyed = calloc(n + 1, sizeof *keyed);
    size_t *order = calloc(n + 1, sizeof *order);
    int rc = 0;
    if (!keyed || !order) {
        rc = vf_fail_memory(err, "a batch of rows");
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        VF_TRY(check_row(&rows[i], dimensions, err));
        keyed[i] = (struct keyed){rows[i].source_id, i};
    }
    n = order_by_key(keyed, n, order);
    if (n > 0)
        rc = store->ops->write(store, model_id, dimensions, rows, order, n, err);
out:
    free(keyed);
    free(order);
    return rc;
}

int vf_store_import(
    struct vf_store *store, const struct vf_import_article *articles, size_t n, struct vf_err *err)
{
    struct keyed *keyed = calloc(n + 1, sizeof *keyed);
    size_t *order = calloc(n + 1, sizeof *order);
    int rc = 0;
    if (!keyed || !order) {
        rc = vf_fail_memory(err, "a batch of articles");
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        keyed[i] = (struct keyed){articles[i].id, i};
    n = order_by_key(keyed, n, order);
    if (n > 0)
        rc = store->ops->import(store, articles, order, n, err);
out:
    free(keyed);
    free(order);
    return rc;
}

int vf_store_record_failure(struct vf_store *store, const char *model_id,
    const struct vf_failure *failure, struct vf_err *err)
{
    return store->ops->record_failure(store, model_id, failure, err);
}

/* ---- looking at what is there ---- */

int vf_store_scan_vectors(struct vf_store *store, const struct vf_selection *selection,
    vf_vector_visitor *visit, void *context, struct vf_err *err)
{
    return store->ops->scan_vectors(store, selection, visit, context, err);
}

int vf_summary_fill(struct vf_article_summary *ret, const char *id, int64_t published_at_us,
    const char *language, const char *headline, struct vf_err *err)
{
    char published_at[VF_TIMESTAMP_CHARS];
    vf_timestamp_format(published_at_us, published_at);
    struct vf_article_summary made = {
        .id = strdup(id),
        .published_at = strdup(published_at),
        .language = language ? strdup(language) : NULL,
        .headline = headline ? strdup(headline) : NULL,
    };
    if (!made.id || !made.published_at || (language && !made.language) ||
        (headline && !made.headline)) {
        vf_article_summary_release(&made);
        return vf_fail_memory(err, "an article");
    }
    *ret = made;
    return 0;
}

int vf_fail_no_article(struct vf_err *err, const char *id)
{
    return vf_fail(err, VF_ERR_NOT_FOUND, "there is no article %s", id);
}

void vf_hint_duplicates(const struct vf_store *store, struct vf_err *err)
{
    vf_hint(err,
        "delete rows that are there twice: SELECT source_type, source_id, model_id FROM %s"
        " GROUP BY 1, 2, 3 HAVING count(*) > 1",
        store->names.embeddings.quoted);
}

int vf_fail_no_models(const struct vf_store *store, struct vf_err *err)
{
    vf_fail(err, VF_ERR_NOT_FOUND, "there is no table %s", store->names.models.quoted);
    vf_hint(err, "'vecfill init' makes it");
    return VF_ERR_NOT_FOUND;
}

int vf_fail_no_articles(const struct vf_store *store, struct vf_err *err)
{
    vf_fail(err, VF_ERR_CONFIG, "table %s is empty, so that every vector would go",
        store->names.articles.quoted);
    vf_hint(err, "name the table of articles with --articles-table");
    return VF_ERR_CONFIG;
}

int vf_store_audit(struct vf_store *store, const char *model_id, vf_audit_visitor *visit,
    void *context, struct vf_err *err)
{
    return store->ops->audit(store, model_id, visit, context, err);
}

int vf_store_orphans(struct vf_store *store, const char *model_id, vf_orphan_visitor *visit,
    void *context, struct vf_err *err)
{
    return store->ops->orphans(store, model_id, visit, context, err);
}

int vf_store_prune(
    struct vf_store *store, const char *model_id, uint64_t *ret_n, struct vf_err *err)
{
    return store->ops->prune(store, model_id, ret_n, err);
}

int vf_store_find_article(
    struct vf_store *store, const char *id, struct vf_article_summary *ret, struct vf_err *err)
{
    return store->ops->find_article(store, id, ret, err);
}

void vf_article_summary_release(struct vf_article_summary *summary)
{
    if (!summary)
        return;
    free(summary->id);
    free(summary->published_at);
    free(summary->language);
    free(summary->headline);
    *summary = (struct vf_article_summary){0};
}

int vf_status_end(struct vf_status_fold *fold, struct vf_err *err)
{
    int rc = 0;
    if (fold->row.articles > 0)
        rc = fold->visit(fold->context, &fold->row, err);
    fold->row = (struct vf_status_row){.model_id = fold->model_id};
    return rc;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_row(const struct vf_status_row *row, const struct vf_status_group *group)
{
    return row->articles > 0 && is_same(row->month, group->month) &&
           is_same(row->language, group->language);
}

static int begin_status_row(
    struct vf_status_fold *fold, const struct vf_status_group *group, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_status_end(fold, err));
    if (group->month) {
        snprintf(fold->month, sizeof fold->month, "%s", group->month);
        fold->row.month = fold->month;
    }
    if (group->language) {
        vf_buf_clear(&fold->language);
        VF_TRY(vf_buf_append_string(&fold->language, group->language, err));
        fold->row.language = fold->language.data;
    }
out:
    return rc;
}

int vf_status_add(
    struct vf_status_fold *fold, const struct vf_status_group *group, struct vf_err *err)
{
    int rc = 0;
    if (!is_same_row(&fold->row, group))
        VF_TRY(begin_status_row(fold, group, err));
    VF_TRY(vf_counts_add(&fold->row.state, group->state, group->n, err));
    fold->row.articles += group->n;
    fold->row.truncated += group->truncated;
out:
    return rc;
}

void vf_status_release(struct vf_status_fold *fold)
{
    vf_buf_release(&fold->language);
}

int vf_store_status(struct vf_store *store, const char *model_id, vf_status_visitor *visit,
    void *context, struct vf_err *err)
{
    return store->ops->status(store, model_id, visit, context, err);
}

int vf_store_count_articles(
    struct vf_store *store, uint64_t *ret, uint64_t *ret_never_selected, struct vf_err *err)
{
    return store->ops->count_articles(store, ret, ret_never_selected, err);
}
