/* The names of tables and columns, defaults filled in and quoted. */
#include "store/store_backend.h"

#include <stdlib.h>
#include <string.h>

static int quote(const char *identifier, char **ret, struct vf_err *err)
{
    struct vf_buf sql = {0};
    int rc = vf_sql_quote(&sql, identifier, err);
    if (rc == 0 && !(*ret = vf_buf_detach(&sql)))
        rc = vf_fail_memory(err, "a name");
    vf_buf_release(&sql);
    return rc;
}

/* *ret = a + b + c, allocated. */
static int concat(const char *a, const char *b, const char *c, char **ret, struct vf_err *err)
{
    struct vf_buf buf = {0};
    int rc = vf_buf_printf(&buf, err, "%s%s%s", a, b, c);
    if (rc == 0 && !(*ret = vf_buf_detach(&buf)))
        rc = vf_fail_memory(err, "a name");
    vf_buf_release(&buf);
    return rc;
}

static int table_init(struct vf_table_name *table, const char *name, struct vf_err *err)
{
    char *schema = NULL;
    int rc;
    VF_TRY(vf_sql_split_table(name, &table->schema, &table->table, err));
    if (table->schema)
        VF_TRY(quote(table->schema, &schema, err));
    VF_TRY(concat(schema ? schema : "", schema ? "." : "", "", &table->prefix, err));
    VF_TRY(quote(table->table, &table->quoted_table, err));
    VF_TRY(concat(table->prefix, table->quoted_table, "", &table->quoted, err));
out:
    free(schema);
    return rc;
}

/* A table of vecfill's own, beside the embeddings. */
static int own_table_init(struct vf_table_name *table, const struct vf_table_name *embeddings,
    const char *name, struct vf_err *err)
{
    int rc;
    if (embeddings->schema && !(table->schema = strdup(embeddings->schema)))
        return vf_fail_memory(err, "a table's name");
    if (!(table->table = strdup(name)))
        return vf_fail_memory(err, "a table's name");
    VF_TRY(concat(embeddings->prefix, "", "", &table->prefix, err));
    VF_TRY(quote(name, &table->quoted_table, err));
    VF_TRY(concat(table->prefix, table->quoted_table, "", &table->quoted, err));
out:
    return rc;
}

static void table_release(struct vf_table_name *table)
{
    free(table->schema);
    free(table->table);
    free(table->prefix);
    free(table->quoted_table);
    free(table->quoted);
}

static void column_release(struct vf_column_name *column)
{
    free(column->name);
    free(column->quoted);
}

int vf_column_name_set(struct vf_column_name *column, const char *name, struct vf_err *err)
{
    struct vf_column_name made = {strdup(name), NULL};
    int rc = made.name ? quote(name, &made.quoted, err) : vf_fail_memory(err, "a name");
    if (rc) {
        column_release(&made);
        return rc;
    }
    column_release(column);
    *column = made;
    return 0;
}

/* The quoted name "idx_TABLE_SUFFIX". */
static int index_name(
    const struct vf_table_name *table, const char *suffix, char **ret, struct vf_err *err)
{
    char *name = NULL;
    int rc;
    VF_TRY(concat("idx_", table->table, suffix, &name, err));
    VF_TRY(quote(name, ret, err));
out:
    free(name);
    return rc;
}

static const char *or_default(const char *given, const char *fallback)
{
    return given && *given ? given : fallback;
}

int vf_names_init(struct vf_names *names, const struct vf_store_names *given, struct vf_err *err)
{
    static const struct vf_store_names none;
    if (!given)
        given = &none;
    const struct {
        struct vf_column_name *column;
        const char *name;
    } columns[] = {
        {&names->id, or_default(given->article_id_column, "article_id")},
        {&names->published_at, or_default(given->published_at_column, "published_at")},
        {&names->language, or_default(given->language_column, "language")},
        {&names->headline, or_default(given->headline_column, "headline")},
        {&names->body, or_default(given->body_column, "body")},
    };
    int rc;
    *names = (struct vf_names){0};
    names->published_at_given = given->published_at_column && *given->published_at_column;
    names->language_given = given->language_column && *given->language_column;
    VF_TRY(table_init(&names->articles, or_default(given->articles_table, "news_articles"), err));
    VF_TRY(table_init(
        &names->embeddings, or_default(given->embeddings_table, "text_embeddings"), err));
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        VF_TRY(vf_column_name_set(columns[i].column, columns[i].name, err));
    VF_TRY(own_table_init(&names->models, &names->embeddings, "text_embedding_models", err));
    VF_TRY(own_table_init(&names->failures, &names->embeddings, "text_embedding_failures", err));
    VF_TRY(index_name(&names->articles, "_published_at", &names->articles_index, err));
    VF_TRY(index_name(&names->embeddings, "_source_model", &names->embeddings_index, err));
out:
    if (rc)
        vf_names_release(names);
    return rc;
}

void vf_names_release(struct vf_names *names)
{
    table_release(&names->articles);
    table_release(&names->embeddings);
    table_release(&names->models);
    table_release(&names->failures);
    column_release(&names->id);
    column_release(&names->published_at);
    column_release(&names->language);
    column_release(&names->headline);
    column_release(&names->body);
    free(names->articles_index);
    free(names->embeddings_index);
    *names = (struct vf_names){0};
}

void vf_names_words(const struct vf_names *names, struct vf_sql_word words[VF_NAME_WORDS])
{
    const struct vf_sql_word all[VF_NAME_WORDS] = {
        {"articles", names->articles.quoted},
        {"articles_schema", names->articles.prefix},
        {"articles_table", names->articles.quoted_table},
        {"articles_index", names->articles_index},
        {"embeddings", names->embeddings.quoted},
        {"embeddings_schema", names->embeddings.prefix},
        {"embeddings_table", names->embeddings.quoted_table},
        {"embeddings_index", names->embeddings_index},
        {"models", names->models.quoted},
        {"failures", names->failures.quoted},
        {"id", names->id.quoted},
        {"published_at", names->published_at.quoted},
        {"language", names->language.quoted},
        {"headline", names->headline.quoted},
        {"body", names->body.quoted},
    };
    memcpy(words, all, sizeof all);
}
