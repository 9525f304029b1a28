/* vecfill import: articles of JSON Lines or CSV files into the articles table. */
#include "cli/article_reader.h"
#include "cli/commands.h"
#include "cli/database_args.h"
#include "cli/json_text.h"
#include "cli/signals.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* A batch is one transaction. */
enum { BATCH_ARTICLES = 512 };
#define BATCH_BYTES ((size_t)32 << 20)

struct import_args {
    struct vf_common_args common;
    struct vf_database_args database;
    bool json;
};

static const struct vf_option options[] = {
    {"json", '\0', NULL, "report as a JSON object", vf_parse_flag,
        offsetof(struct import_args, json), NULL, false},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_database_options, VF_N_DATABASE_OPTIONS, offsetof(struct import_args, database)},
};

struct batch {
    struct vf_import_article articles[BATCH_ARTICLES];
    size_t n, n_bytes;
};

static size_t length_of(const char *s)
{
    return s ? strlen(s) : 0;
}

static void clear_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        vf_import_article_release(&batch->articles[i]);
    batch->n = batch->n_bytes = 0;
}

/* Fills the batch from the reader. Returns 0 at its end or when the batch is full. */
static int fill_batch(
    struct vf_article_reader *reader, struct batch *batch, bool *ret_end, struct vf_err *err)
{
    while (batch->n < BATCH_ARTICLES && batch->n_bytes < BATCH_BYTES) {
        struct vf_import_article *article = &batch->articles[batch->n];
        int rc = vf_article_reader_next(reader, article, ret_end, err);
        if (rc || *ret_end)
            return rc;
        batch->n++;
        batch->n_bytes += length_of(article->headline) + length_of(article->body);
    }
    return vf_signals_check(err);
}

static int import_file(
    struct vf_store *store, const char *path, uint64_t *imported, struct vf_err *err)
{
    struct vf_article_reader *reader = NULL;
    struct batch batch = {0};
    bool at_end = false;
    int rc = vf_article_reader_open(path, &reader, err);
    while (rc == 0 && !at_end) {
        rc = fill_batch(reader, &batch, &at_end, err);
        /* After a signal the articles in hand are finished, after a bad line they are not. */
        if ((rc == 0 || rc == VF_ERR_INTERRUPTED) && batch.n > 0) {
            int written = vf_store_import(store, batch.articles, batch.n, err);
            *imported += written ? 0 : batch.n;
            rc = written ? written : rc;
        }
        clear_batch(&batch);
    }
    vf_article_reader_close(reader);
    return rc;
}

/* Tables that are missing are made in an SQLite file, which has no other owner. */
static int prepare_tables(struct vf_console *console, const struct vf_database *database,
    struct vf_store *store, struct vf_err *err)
{
    bool has_articles = false;
    int rc = vf_store_has_articles(store, &has_articles, err);
    if (rc || has_articles)
        return rc;
    const char *table = database->names.articles_table;
    if (!vf_database_is_sqlite(database)) {
        vf_fail(err, VF_ERR_NOT_FOUND, "there is no table %s in %s",
            table ? table : "news_articles", vf_store_describe(store));
        vf_hint(err, "'vecfill init' creates the tables; --articles-table names another");
        return VF_ERR_NOT_FOUND;
    }
    vf_console_note(console, "creating the tables, which are not there yet");
    const struct vf_schema_options schema = {0};
    return vf_store_init(store, &schema, NULL, err);
}

static int import_files(struct vf_store *store, const struct vf_common_args *common,
    uint64_t *imported, struct vf_err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < common->n_operands; i++)
        rc = import_file(store, common->operands[i], imported, err);
    if (rc == VF_ERR_DATA && *imported > 0 && !err->hint[0])
        vf_hint(err,
            "%" PRIu64 " article%s before it imported; mend it and import again: those that are "
            "there are updated",
            *imported, vf_plural(*imported));
    return rc;
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct import_args *args = data;
    struct vf_database database = {0};
    struct vf_store *store = NULL;
    uint64_t imported = 0;
    int rc;
    VF_TRY(vf_database_locate(console, &args->database, &database, err));
    VF_TRY(vf_database_open(&database, VF_STORE_CREATE, &store, err));
    vf_console_note(console, "database %s", vf_store_describe(store));
    VF_TRY(prepare_tables(console, &database, store, err));
    vf_signals_catch();
    rc = import_files(store, &args->common, &imported, err);
    if (rc && rc != VF_ERR_INTERRUPTED)
        goto out;
    if (args->json) {
        int printed = vf_json_print(
            json_pack("{s:I}", "imported", (json_int_t)imported), stdout, rc ? NULL : err);
        rc = rc ? rc : printed;
    } else {
        printf("imported=%" PRIu64 "\n", imported);
    }
out:
    vf_store_close(store);
    vf_database_release(&database);
    return rc;
}

const struct vf_command vf_cmd_import = {
    .name = "import",
    .operands = "FILE...",
    .summary = "Imports articles from JSON Lines or CSV, by article_id",
    .details = "The file - is standard input.",
    .min_operands = 1,
    .max_operands = INT_MAX,
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct import_args),
    .run = run,
};
