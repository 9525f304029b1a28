/* vecfill search: the stored articles nearest to a text. */
#include "cli/commands.h"
#include "cli/database_args.h"
#include "cli/day_range.h"
#include "cli/json_text.h"
#include "cli/model_args.h"
#include "cli/table_text.h"
#include "pipeline/model_guard.h"
#include "pipeline/search.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_K = 5 };

struct search_args {
    struct vf_common_args common;
    struct vf_day_args days;
    struct vf_model_args model;
    struct vf_database_args database;
    char *language, *model_id;
    size_t k;
    bool json;
};

#define FIELD(name) offsetof(struct search_args, name)

static const size_t max_k = 10000;

static const struct vf_option options[] = {
    {"count", 'k', "N", "how many articles [5]", vf_parse_count, FIELD(k), &max_k, false},
    {"as-of", '\0', "D", "articles up to the end of day D, YYYY-MM-DD", vf_parse_as_of, FIELD(days),
        NULL, false},
    {"timezone", '\0', "ZONE", "whose day this is, e.g. Europe/Berlin [UTC]", vf_parse_text,
        FIELD(days.timezone), NULL, false},
    {"language", '\0', "L", "articles in this language alone", vf_parse_text, FIELD(language), NULL,
        false},
    {"model-id", '\0', "ID", "name of the vectors [" VF_DEFAULT_MODEL_ID "]", vf_parse_text,
        FIELD(model_id), NULL, false},
    {"json", '\0', NULL, "as a JSON array", vf_parse_flag, FIELD(json), NULL, false},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_model_options, VF_N_MODEL_OPTIONS, FIELD(model)},
    {vf_database_options, VF_N_DATABASE_OPTIONS, FIELD(database)},
};

static int print_json(const struct vf_hit *hits, size_t n, struct vf_err *err)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < n; i++) {
        const struct vf_article_summary *a = &hits[i].article;
        json_t *hit = json_pack("{s:f, s:o, s:s, s:o, s:o}", "cosine", hits[i].cosine, "article_id",
            vf_json_string(a->id), "published_at", a->published_at, "language",
            vf_json_string(a->language), "headline", vf_json_string(a->headline));
        if (!hit || json_array_append_new(array, hit)) {
            json_decref(array);
            array = NULL;
        }
    }
    return vf_json_print(array, stdout, err);
}

static void print_table(const struct vf_hit *hits, size_t n)
{
    enum { FIXED_COLUMNS = 6 + 2 + 10 + 2 + 2 };
    size_t id_columns = strlen("id"), room = vf_output_columns();
    for (size_t i = 0; i < n; i++) {
        size_t columns = vf_text_columns(hits[i].article.id);
        if (columns > id_columns)
            id_columns = columns;
    }
    room = room > FIXED_COLUMNS + id_columns ? room - FIXED_COLUMNS - id_columns : 0;
    printf("cosine  %-10s  %-*s  headline\n", "date", (int)id_columns, "id");
    for (size_t i = 0; i < n; i++) {
        const struct vf_article_summary *a = &hits[i].article;
        int pad = (int)(id_columns - vf_text_columns(a->id));
        printf("%6.4f  %-10.10s  %s%*s  ", hits[i].cosine, a->published_at, a->id, pad, "");
        vf_print_cut(stdout, a->headline ? a->headline : "(no headline)", room);
        putchar('\n');
    }
}

static int make_selection(
    const struct search_args *args, struct vf_selection *ret, struct vf_err *err)
{
    ret->model_id = args->model_id ? args->model_id : VF_DEFAULT_MODEL_ID;
    ret->language = args->language;
    return vf_day_args_resolve(&args->days, &ret->from_us, &ret->until_us, err);
}

/* Refuses an encoder that did not make the stored vectors. */
static int embed_query(const struct search_args *args, struct vf_console *console,
    struct vf_store *store, const char *model_id, float **ret_vector, size_t *ret_dimensions,
    struct vf_err *err)
{
    struct vf_embedder *embedder = NULL;
    const char *query = args->common.operands[0];
    const struct vf_text text = {query, strlen(query)};
    int rc;
    struct vf_model_args model = args->model;
    model.queries = true;
    VF_TRY(vf_model_args_open(&model, console, false, &embedder, err));
    vf_console_detail(console, "model %s", vf_info(embedder)->name);
    VF_TRY(vf_guard_query(store, embedder, model_id, err));
    size_t dimensions = vf_info(embedder)->dimensions;
    float *vector = malloc(dimensions * sizeof *vector);
    rc = vector ? vf_embed(embedder, &text, 1, vector, NULL, err) : vf_fail_memory(err, "a vector");
    if (rc) {
        free(vector);
    } else {
        *ret_vector = vector;
        *ret_dimensions = dimensions;
    }
out:
    vf_close(embedder);
    return rc;
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct search_args *args = data;
    struct vf_selection selection = {0};
    struct vf_database database = {0};
    struct vf_store *store = NULL;
    struct vf_store_info info;
    struct vf_hit *hits = NULL;
    float *vector = NULL;
    size_t n_hits = 0, dimensions = 0;
    int rc;
    if (args->common.operands[0][0] == '\0')
        return vf_fail(err, VF_ERR_USAGE, "TEXT is empty; say what to search for");
    VF_TRY(make_selection(args, &selection, err));
    VF_TRY(vf_database_locate(console, &args->database, &database, err));
    VF_TRY(vf_database_open(&database, 0, &store, err));
    vf_console_detail(console, "database %s", vf_store_describe(store));
    VF_TRY(vf_store_check(store, 0, false, &info, err));
    VF_TRY(embed_query(args, console, store, selection.model_id, &vector, &dimensions, err));
    VF_TRY(vf_search(
        store, &selection, vector, dimensions, args->k ? args->k : DEFAULT_K, &hits, &n_hits, err));
    if (n_hits == 0)
        vf_console_note(console, "no vectors under model_id %s among the articles selected",
            selection.model_id);
    if (args->json)
        rc = print_json(hits, n_hits, err);
    else if (n_hits > 0)
        print_table(hits, n_hits);
out:
    vf_hits_free(hits, n_hits);
    free(vector);
    vf_store_close(store);
    vf_database_release(&database);
    return rc;
}

const struct vf_command vf_cmd_search = {
    .name = "search",
    .operands = "TEXT",
    .summary = "Finds the stored articles nearest to a text, by cosine",
    .min_operands = 1,
    .max_operands = 1,
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct search_args),
    .run = run,
};
