/* vecfill verify: are the stored vectors what they should be? */
#include "cli/backfill_report.h"
#include "cli/commands.h"
#include "cli/database_args.h"
#include "cli/json_text.h"
#include "cli/model_args.h"
#include "pipeline/audit.h"
#include "pipeline/model_guard.h"
#include "pipeline/recompute.h"
#include "store/audit.h"

#include <inttypes.h>

struct verify_args {
    struct vf_common_args common;
    struct vf_model_args model;
    struct vf_database_args database;
    char *model_id;
    size_t sample;
    bool prune, json;
};

#define FIELD(name) offsetof(struct verify_args, name)

static const size_t max_sample = 1000000000;

static const struct vf_option options[] = {
    {"model-id", '\0', "ID", "name of the vectors [" VF_DEFAULT_MODEL_ID "]", vf_parse_text,
        FIELD(model_id), NULL, false},
    {"sample", '\0', "N", "compute N vectors again, drawn at random", vf_parse_count, FIELD(sample),
        &max_sample, false},
    {"prune", '\0', NULL, "delete vectors whose article is gone", vf_parse_flag, FIELD(prune), NULL,
        false},
    {"json", '\0', NULL, "report as a JSON object", vf_parse_flag, FIELD(json), NULL, false},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_model_options, VF_N_MODEL_OPTIONS, FIELD(model)},
    {vf_database_options, VF_N_DATABASE_OPTIONS, FIELD(database)},
};

struct findings {
    struct vf_audit audit;
    struct vf_recomputed sample;
    uint64_t pruned;
};

/* ---- looking ---- */

/* The model must be the one that is recorded, before anything is compared. */
static int recompute(struct vf_console *console, const struct verify_args *args,
    struct vf_store *store, const char *model_id, struct vf_recomputed *ret, struct vf_err *err)
{
    struct vf_embedder *embedder = NULL;
    enum vf_guard guard;
    bool can_record;
    int rc;
    VF_TRY(vf_model_args_open(&args->model, console, false, &embedder, err));
    vf_model_say(console, vf_info(embedder));
    VF_TRY(vf_guard_look(store, embedder, model_id, false, &guard, &can_record, err));
    VF_TRY(vf_recompute_sample(store, embedder, model_id, args->sample, ret, err));
out:
    vf_close(embedder);
    return rc;
}

static int look(struct vf_console *console, const struct verify_args *args, struct vf_store *store,
    const char *model_id, struct findings *ret, struct vf_err *err)
{
    const struct vf_event_sink sink = {vf_backfill_say_event, console};
    struct vf_store_info info;
    int rc;
    VF_TRY(vf_store_check(store, 0, false, &info, err));
    if (args->prune)
        VF_TRY(vf_store_prune(store, model_id, &ret->pruned, err));
    VF_TRY(vf_audit(store, model_id, &sink, &ret->audit, err));
    if (args->sample)
        VF_TRY(recompute(console, args, store, model_id, &ret->sample, err));
out:
    return rc;
}

/* ---- reporting ---- */

static int print_json(const struct verify_args *args, const char *model_id,
    const struct findings *f, struct vf_err *err)
{
    const struct vf_audit *a = &f->audit;
    json_t *object = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "model_id",
        vf_json_string(model_id), "rows", (json_int_t)a->rows, "good", (json_int_t)a->good,
        "no_vector", (json_int_t)a->no_vector, "wrong_type", (json_int_t)a->wrong_type,
        "wrong_length", (json_int_t)a->wrong_length, "not_finite", (json_int_t)a->not_finite,
        "wrong_norm", (json_int_t)a->wrong_norm, "orphans", (json_int_t)a->orphans, "pruned",
        (json_int_t)f->pruned);
    json_t *sample =
        args->sample
            ? json_pack("{s:I, s:I, s:f}", "compared", (json_int_t)f->sample.n, "differing",
                  (json_int_t)f->sample.n_other, "least_cosine", f->sample.least_cosine)
            : json_object();
    if (!object || !sample || json_object_update(object, sample)) {
        json_decref(object);
        object = NULL;
    }
    json_decref(sample);
    return vf_json_print(object, stdout, err);
}

static void print_line(const struct verify_args *args, const struct findings *f)
{
    const struct vf_audit *a = &f->audit;
    printf("rows=%" PRIu64 " good=%" PRIu64 " no_vector=%" PRIu64 " wrong_type=%" PRIu64
           " wrong_length=%" PRIu64 " not_finite=%" PRIu64 " wrong_norm=%" PRIu64
           " orphans=%" PRIu64 " pruned=%" PRIu64,
        a->rows, a->good, a->no_vector, a->wrong_type, a->wrong_length, a->not_finite,
        a->wrong_norm, a->orphans, f->pruned);
    if (args->sample)
        printf(" compared=%" PRIu64 " differing=%" PRIu64 " least_cosine=%.6f", f->sample.n,
            f->sample.n_other, f->sample.least_cosine);
    putchar('\n');
}

static void say_findings(struct vf_console *console, const char *model_id, bool asked_for_sample,
    const struct findings *f)
{
    const struct vf_audit *a = &f->audit;
    if (a->rows == 0)
        vf_console_warn(console, "there are no vectors under model_id %s", model_id);
    if (a->first_bad[0])
        vf_console_warn(console, "the first that is wrong: %s", a->first_bad);
    if (a->good < a->rows)
        vf_console_note(console,
            "--verbose names all: delete their rows and run backfill, or renew "
            "every vector by backfill --refresh all");
    if (a->orphans > 0)
        vf_console_note(console, "verify --prune deletes vectors whose article is gone");
    if (asked_for_sample && f->sample.n == 0 && a->rows > 0)
        vf_console_warn(console,
            "no vector could be computed again: none has an article whose text "
            "has not changed since");
    if (f->sample.n_other > 0)
        vf_console_warn(console, "the vector of article %s differs most, by a cosine of %.4f",
            f->sample.worst_id, f->sample.least_cosine);
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct verify_args *args = data;
    const char *model_id = args->model_id ? args->model_id : VF_DEFAULT_MODEL_ID;
    struct vf_database database = {0};
    struct vf_store *store = NULL;
    struct findings findings = {0};
    int rc;
    VF_TRY(vf_database_locate(console, &args->database, &database, err));
    VF_TRY(vf_database_open(&database, 0, &store, err));
    vf_console_note(console, "database %s", vf_store_describe(store));
    VF_TRY(look(console, args, store, model_id, &findings, err));
    say_findings(console, model_id, args->sample > 0, &findings);
    if (args->json)
        VF_TRY(print_json(args, model_id, &findings, err));
    else
        print_line(args, &findings);
    rc = findings.audit.good < findings.audit.rows || findings.audit.orphans > 0 ||
         findings.sample.n_other > 0;
out:
    vf_store_close(store);
    vf_database_release(&database);
    return rc;
}

const struct vf_command vf_cmd_verify = {
    .name = "verify",
    .operands = "",
    .summary = "Audits the stored vectors, and computes some of them again",
    .details = "Exit status 1 when something is wrong.",
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct verify_args),
    .run = run,
};
