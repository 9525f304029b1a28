/* vecfill status: what is there, by model_id, month and language. */
#include "cli/commands.h"
#include "cli/database_args.h"
#include "cli/json_text.h"
#include "store/model_record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct status_args {
    struct vf_common_args common;
    struct vf_database_args database;
    char *model_id;
    bool json;
};

static const struct vf_option options[] = {
    {"model-id", '\0', "ID", "these vectors alone [all]", vf_parse_text,
        offsetof(struct status_args, model_id), NULL, false},
    {"json", '\0', NULL, "as a JSON object", vf_parse_flag, offsetof(struct status_args, json),
        NULL, false},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_database_options, VF_N_DATABASE_OPTIONS, offsetof(struct status_args, database)},
};

enum figure { ARTICLES, VECTORS, MISSING, CHANGED, FAILED, EMPTY, TRUNCATED, N_FIGURES };
static const char *const figure_names[N_FIGURES] = {
    "articles", "vectors", "missing", "changed", "failed", "empty", "truncated"};
static const char *const headings[N_FIGURES] = {
    "articles", "vectors", "missing", "changed", "failed", "empty", "cut"};

/* The listing so far: rows of a model_id come one after the other. */
struct listing {
    struct vf_store *names; /* where the encoders behind the model_ids are looked up */
    bool json;
    json_t *models;           /* with json: what was listed */
    json_t *months;           /* borrowed from the last of them */
    char *model_id;           /* of the last row; NULL before the first */
    uint64_t sums[N_FIGURES]; /* of model_id */
    char month[16];           /* of the last row; "-": of articles whose time cannot be read */
    uint64_t month_sums[N_FIGURES];
};

static void take_figures(const struct vf_status_row *row, uint64_t ret[N_FIGURES])
{
    ret[ARTICLES] = row->articles;
    ret[VECTORS] = row->state.changed + row->state.unchanged;
    ret[MISSING] = row->state.missing;
    ret[CHANGED] = row->state.changed;
    ret[FAILED] = row->state.failed;
    ret[EMPTY] = row->state.empty;
    ret[TRUNCATED] = row->truncated;
}

static int set_figures(json_t *object, const uint64_t figures[N_FIGURES], struct vf_err *err)
{
    for (size_t i = 0; i < N_FIGURES; i++)
        if (json_object_set_new(object, figure_names[i], json_integer((json_int_t)figures[i])))
            return vf_fail_memory(err, "the listing");
    return 0;
}

static void add_figures(uint64_t sums[N_FIGURES], const uint64_t figures[N_FIGURES])
{
    for (size_t i = 0; i < N_FIGURES; i++)
        sums[i] += figures[i];
}

static void print_figures(
    const char *month, const char *language, const uint64_t figures[N_FIGURES])
{
    printf("  %-8s %-8s", month, language);
    for (size_t i = 0; i < N_FIGURES; i++)
        printf(" %10" PRIu64, figures[i]);
    putchar('\n');
}

/* Ends the model_id whose rows have come. */
static int end_model(struct listing *listing, struct vf_err *err)
{
    if (!listing->model_id)
        return 0;
    free(listing->model_id);
    listing->model_id = NULL;
    if (!listing->json) {
        print_figures("all", "", listing->sums);
        return 0;
    }
    return set_figures(
        json_array_get(listing->models, json_array_size(listing->models) - 1), listing->sums, err);
}

static json_t *record_json(const struct vf_model_record *r)
{
    return json_pack("{s:o, s:s?, s:s, s:s, s:s, s:s?, s:s, s:b, s:I, s:I}", "model",
        vf_json_string(r->model), "revision", r->revision, "weights_sha256", r->weights_sha256,
        "tokenizer_sha256", r->tokenizer_sha256, "pooling", r->pooling, "prompt", r->prompt,
        "long_text", r->long_text, "normalized", (int)r->normalized, "max_seq_length",
        (json_int_t)r->max_seq_length, "dimensions", (json_int_t)r->dimensions);
}

/* The encoder behind a model_id, as far as it is recorded. */
static int take_encoder(
    struct listing *listing, const char *model_id, json_t *model, struct vf_err *err)
{
    struct vf_model_state state;
    int rc = vf_store_find_model(listing->names, model_id, &state, err);
    if (rc)
        return rc;
    const struct vf_model_record *r = &state.record;
    if (listing->json) {
        json_t *encoder = state.has_record ? record_json(r) : json_null();
        if (!encoder || json_object_set_new(model, "encoder", encoder))
            rc = vf_fail_memory(err, "the listing");
    } else if (state.has_record) {
        printf("  by %s%s%s, %" PRIu32 " dimensions, %" PRIu32 " tokens (%s), %s, weights %.12s\n",
            r->model, r->revision ? " at " : "", r->revision ? r->revision : "", r->dimensions,
            r->max_seq_length, r->long_text, r->pooling, r->weights_sha256);
    } else {
        puts(state.has_table ? "  by an encoder that nobody recorded"
                             : "  by an encoder whose record is missing or may not be read");
    }
    vf_model_record_release(&state.record);
    return rc;
}

static int begin_model(struct listing *listing, const char *model_id, struct vf_err *err)
{
    memset(listing->sums, 0, sizeof listing->sums);
    listing->month[0] = '\0';
    listing->model_id = strdup(model_id);
    if (!listing->model_id)
        return vf_fail_memory(err, "the listing");
    if (listing->json) {
        listing->months = json_array();
        json_t *model = json_pack(
            "{s:o, s:o}", "model_id", vf_json_string(model_id), "months", listing->months);
        if (!model || json_array_append_new(listing->models, model))
            return vf_fail_memory(err, "the listing");
        return take_encoder(listing, model_id, model, err);
    }
    puts(model_id);
    int rc = take_encoder(listing, model_id, NULL, err);
    if (rc)
        return rc;
    printf("  %-8s %-8s", "month", "language");
    for (size_t i = 0; i < N_FIGURES; i++)
        printf(" %10s", headings[i]);
    putchar('\n');
    return 0;
}

static const char *or_dash(const char *s)
{
    return s ? s : "-";
}

/* One row as JSON: a month with its sums, in it one object for each language. */
static int take_row(struct listing *listing, const struct vf_status_row *row,
    const uint64_t figures[N_FIGURES], struct vf_err *err)
{
    const char *name = or_dash(row->month);
    if (strcmp(listing->month, name) != 0) {
        json_t *month = json_pack("{s:s?, s:[]}", "month", row->month, "languages");
        if (!month || json_array_append_new(listing->months, month))
            return vf_fail_memory(err, "the listing");
        snprintf(listing->month, sizeof listing->month, "%s", name);
        memset(listing->month_sums, 0, sizeof listing->month_sums);
    }
    add_figures(listing->month_sums, figures);
    json_t *month = json_array_get(listing->months, json_array_size(listing->months) - 1);
    json_t *language = json_pack("{s:o}", "language", vf_json_string(row->language));
    if (!language || json_array_append_new(json_object_get(month, "languages"), language))
        return vf_fail_memory(err, "the listing");
    int rc = set_figures(language, figures, err);
    return rc ? rc : set_figures(month, listing->month_sums, err);
}

static int visit(void *context, const struct vf_status_row *row, struct vf_err *err)
{
    struct listing *listing = context;
    uint64_t figures[N_FIGURES];
    int rc = 0;
    if (!listing->model_id || strcmp(listing->model_id, row->model_id) != 0) {
        VF_TRY(end_model(listing, err));
        VF_TRY(begin_model(listing, row->model_id, err));
    }
    take_figures(row, figures);
    add_figures(listing->sums, figures);
    if (listing->json)
        rc = take_row(listing, row, figures, err);
    else
        print_figures(or_dash(row->month), or_dash(row->language), figures);
out:
    return rc;
}

static int list(struct vf_console *console, const struct status_args *args, struct vf_store *store,
    struct vf_err *err)
{
    struct listing listing = {.names = store, .json = args->json, .models = json_array()};
    struct vf_store_info info;
    uint64_t articles = 0, never = 0;
    int rc;
    VF_TRY(vf_store_check(store, 0, false, &info, err));
    if (!info.has_text_hash)
        vf_console_warn(console, "the embeddings table has no column text_hash, so that changed "
                                 "articles are not known; 'vecfill init' adds it");
    VF_TRY(vf_store_count_articles(store, &articles, &never, err));
    if (!args->json)
        printf("%s\n%" PRIu64 " articles\n", vf_store_describe(store), articles);
    if (!args->json && never > 0)
        printf("%" PRIu64 " of them without an id or a time, which no run selects\n", never);
    VF_TRY(vf_store_status(store, args->model_id, visit, &listing, err));
    VF_TRY(end_model(&listing, err));
    if (args->json)
        rc = vf_json_print(
            json_pack("{s:o, s:I, s:I, s:O}", "database", vf_json_string(vf_store_describe(store)),
                "articles", (json_int_t)articles, "never_selected", (json_int_t)never, "models",
                listing.models),
            stdout, err);
out:
    free(listing.model_id);
    json_decref(listing.models);
    return rc;
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct status_args *args = data;
    struct vf_database database = {0};
    struct vf_store *store = NULL;
    int rc = vf_database_locate(console, &args->database, &database, err);
    if (rc == 0)
        rc = vf_database_open(&database, 0, &store, err);
    if (rc == 0)
        rc = list(console, args, store, err);
    vf_store_close(store);
    vf_database_release(&database);
    return rc;
}

const struct vf_command vf_cmd_status = {
    .name = "status",
    .operands = "",
    .summary = "Shows what is embedded, missing or changed, by month and language",
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct status_args),
    .run = run,
};
