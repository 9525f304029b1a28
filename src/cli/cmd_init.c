/* vecfill init: the tables, created or brought up to date. */
#include "cli/commands.h"
#include "cli/database_args.h"
#include "cli/json_text.h"

#include <stdlib.h>

struct init_args {
    struct vf_common_args common;
    struct vf_database_args database;
    const char *vector_type;
    size_t dimensions;
    bool print, json;
};

static const char *const vector_types[] = {"bytea", "vector", "halfvec", "real[]", NULL};
static const size_t max_dimensions = 65536;

static const struct vf_option options[] = {
    {"vector-type", '\0', "TYPE", "bytea, vector, halfvec or real[] [bytea]", vf_parse_choice,
        offsetof(struct init_args, vector_type), vector_types, false},
    {"dimensions", '\0', "N", "of a vector or halfvec column [any]", vf_parse_count,
        offsetof(struct init_args, dimensions), &max_dimensions, false},
    {"print", '\0', NULL, "print the SQL, change nothing", vf_parse_flag,
        offsetof(struct init_args, print), NULL, false},
    {"json", '\0', NULL, "report as a JSON object", vf_parse_flag, offsetof(struct init_args, json),
        NULL, false},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_database_options, VF_N_DATABASE_OPTIONS, offsetof(struct init_args, database)},
};

static int print_schema(
    const struct vf_database *database, const struct vf_schema_options *schema, struct vf_err *err)
{
    char *sql = NULL;
    int rc = vf_store_schema(database->url, &database->names, schema, &sql, err);
    if (rc == 0)
        fputs(sql, stdout);
    free(sql);
    return rc;
}

static int bring_up_to_date(struct vf_console *console, const struct init_args *args,
    const struct vf_database *database, const struct vf_schema_options *schema, struct vf_err *err)
{
    struct vf_store *store = NULL;
    size_t changes = 0;
    int rc;
    VF_TRY(vf_database_open(database, VF_STORE_CREATE, &store, err));
    vf_console_note(console, "database %s", vf_store_describe(store));
    VF_TRY(vf_store_init(store, schema, &changes, err));
    vf_console_note(console, changes ? "the tables are ready" : "the tables were ready already");
    if (args->json)
        rc = vf_json_print(json_pack("{s:I}", "changes", (json_int_t)changes), stdout, err);
    else
        printf("changes=%zu\n", changes);
out:
    vf_store_close(store);
    return rc;
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct init_args *args = data;
    struct vf_database database = {0};
    const struct vf_schema_options schema = {args->vector_type, args->dimensions};
    if (args->print && args->json)
        return vf_fail(err, VF_ERR_USAGE, "--print prints SQL, --json a report: give one of them");
    int rc = vf_database_locate(console, &args->database, &database, err);
    if (rc == 0)
        rc = args->print ? print_schema(&database, &schema, err)
                         : bring_up_to_date(console, args, &database, &schema, err);
    vf_database_release(&database);
    return rc;
}

const struct vf_command vf_cmd_init = {
    .name = "init",
    .operands = "",
    .summary = "Creates the tables, or brings them up to date",
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct init_args),
    .run = run,
};
