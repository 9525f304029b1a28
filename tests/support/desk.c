#include "support/desk.h"

#include "base/sha256.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { URL_BYTES = 512, BODY_BYTES = 768 };

static const int64_t new_year_2025_us = 1735689600000000;

static struct vf_store *open_store(const char *url)
{
    struct vf_store *store = NULL;
    struct vf_err err = {0};
    int rc = vf_store_open(url, NULL, VF_STORE_CREATE, &store, &err);
    vf_check(rc == 0, "%s", err.msg);
    return store;
}

void desk_init(struct desk *desk)
{
    char url[URL_BYTES];
    struct vf_err err = {0};
    struct vf_store_info info;
    scratch_init(&desk->scratch);
    snprintf(url, sizeof url, "sqlite:%s", scratch_path(&desk->scratch, "desk.db"));
    desk->writer = open_store(url);
    const struct vf_schema_options schema = {0};
    vf_check(vf_store_init(desk->writer, &schema, NULL, &err) == 0, "%s", err.msg);
    desk->reader = open_store(url);
    vf_check(vf_store_check(desk->reader, 0, false, &info, &err) == 0, "%s", err.msg);
    vf_check(vf_store_check(desk->writer, 0, true, &info, &err) == 0, "%s", err.msg);
    assert_int_equal(sqlite3_open(scratch_path(&desk->scratch, "desk.db"), &desk->raw), SQLITE_OK);
}

void desk_release(struct desk *desk)
{
    sqlite3_close(desk->raw);
    vf_store_close(desk->reader);
    vf_store_close(desk->writer);
    scratch_release(&desk->scratch);
}

/* An article and the strings that it points to. */
struct draft {
    struct vf_import_article article;
    char id[16], headline[32], body[BODY_BYTES];
};

static void draft_init(struct draft *draft, unsigned number, const char *headline, const char *body)
{
    snprintf(draft->id, sizeof draft->id, "%u", number);
    draft->article = (struct vf_import_article){.id = draft->id,
        .published_at_us = new_year_2025_us + (int64_t)number * 1000000,
        .language = number % 2 ? "de" : "en",
        .headline = headline,
        .body = body};
}

static void import(struct desk *desk, const struct vf_import_article *articles, size_t n)
{
    struct vf_err err = {0};
    int rc = vf_store_import(desk->writer, articles, n, &err);
    vf_check(rc == 0, "article %s: %s", articles[0].id, err.msg);
}

void desk_put(struct desk *desk, unsigned number, const char *headline, const char *body)
{
    struct draft draft;
    draft_init(&draft, number, headline, body);
    import(desk, &draft.article, 1);
}

/* The words follow from the number; none of them is "poison". */
static void draft_words(struct draft *draft, unsigned number)
{
    size_t n_words, used = 0;
    const char *const *words = tiny_model_words(&n_words);
    snprintf(draft->headline, sizeof draft->headline, "%u", number);
    for (unsigned k = 0; k < 3 + number * 37 % 87; k++) {
        const char *word = words[(number * 31 + k * (k + number)) % n_words];
        if (strcmp(word, "poison") == 0)
            word = "port";
        int n = snprintf(draft->body + used, sizeof draft->body - used, "%s ", word);
        used += (size_t)n;
        assert_in_range(used, 1, sizeof draft->body - 1);
    }
    draft_init(draft, number, draft->headline, draft->body);
}

void desk_fill(struct desk *desk, unsigned first, unsigned n)
{
    struct draft *drafts = calloc(n, sizeof *drafts);
    struct vf_import_article *articles = calloc(n, sizeof *articles);
    assert_non_null(drafts);
    assert_non_null(articles);
    for (unsigned i = 0; i < n; i++) {
        draft_words(&drafts[i], first + i);
        articles[i] = drafts[i].article;
    }
    import(desk, articles, n);
    free(articles);
    free(drafts);
}

void desk_sql(struct desk *desk, const char *sql)
{
    char *message = NULL;
    int rc = sqlite3_exec(desk->raw, sql, NULL, NULL, &message);
    vf_check(rc == SQLITE_OK, "%s: %s", sql, message);
}

int64_t desk_number(struct desk *desk, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    vf_check(sqlite3_prepare_v2(desk->raw, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s", sql,
        sqlite3_errmsg(desk->raw));
    vf_check(sqlite3_step(statement) == SQLITE_ROW, "%s", sql);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

void desk_checksum(struct desk *desk, char ret[65])
{
    static const char sql[] = "SELECT group_concat(line, char(10)) FROM (SELECT source_id || ' '"
                              " || hex(vector) || ' ' || hex(text_hash) || ' ' || token_count ||"
                              " ' ' || truncated AS line FROM text_embeddings ORDER BY source_id)";
    sqlite3_stmt *statement = NULL;
    uint8_t digest[VF_SHA256_BYTES];
    vf_check(sqlite3_prepare_v2(desk->raw, sql, -1, &statement, NULL) == SQLITE_OK, "%s",
        sqlite3_errmsg(desk->raw));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const void *all = sqlite3_column_text(statement, 0);
    assert_non_null(all);
    assert_int_equal(vf_sha256(all, (size_t)sqlite3_column_bytes(statement, 0), digest, NULL), 0);
    vf_sha256_hex(digest, ret);
    sqlite3_finalize(statement);
}

struct vf_backfill_options desk_options(void)
{
    return (struct vf_backfill_options){.selection = {.model_id = DESK_MODEL_ID,
                                            .from_us = VF_INSTANT_MIN,
                                            .until_us = VF_INSTANT_MAX,
                                            .refresh = VF_REFRESH_CHANGED},
        .batch_size = 64};
}

int desk_run(struct desk *desk, struct vf_embedder *embedder,
    const struct vf_backfill_options *options, struct vf_backfill_report *report,
    struct vf_err *err)
{
    memset(err, 0, sizeof *err);
    memset(report, 0xff, sizeof *report);
    int rc = vf_backfill(embedder, desk->reader, desk->writer, options, report, err);
    uint64_t sum =
        report->embedded + report->unchanged + report->empty + report->failed + report->remaining;
    vf_check(report->selected == sum, "%llu selected, %llu in buckets",
        (unsigned long long)report->selected, (unsigned long long)sum);
    vf_check(
        (report->failed > 0) == (report->first_failure[0] != '\0'), "%s", report->first_failure);
    vf_check((rc != 0) == (err->msg[0] != '\0'), "rc %d: %s", rc, err->msg);
    vf_check(rc == (int)err->code, "rc %d, code %d", rc, (int)err->code);
    return rc;
}

struct vf_embedder *desk_embedder(
    struct desk *desk, const struct tiny_model *model, unsigned threads)
{
    struct tiny_model plain;
    struct vf_options options;
    struct vf_embedder *embedder = NULL;
    struct vf_err err = {0};
    char directory[URL_BYTES];
    tiny_model_init(&plain);
    snprintf(directory, sizeof directory, "%s", scratch_path(&desk->scratch, "model"));
    if (mkdir(directory, 0700) == 0)
        tiny_model_write(model ? model : &plain, directory);
    vf_options_init(&options);
    options.model = directory;
    options.threads = threads;
    vf_check(vf_open(&options, &embedder, &err) == 0, "%s", err.msg);
    return embedder;
}
