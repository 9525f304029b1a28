/* vecfill model fetch: a model of the Hub into its cache on this machine. */
#include "cli/commands.h"
#include "cli/fetch_report.h"
#include "cli/json_text.h"
#include "cli/model_args.h"
#include "cli/signals.h"

struct fetch_args {
    struct vf_common_args common;
    char *revision;
    bool json;
};

static const struct vf_option options[] = {
    {"revision", '\0', "REV", "branch, tag or commit [main]", vf_parse_text,
        offsetof(struct fetch_args, revision), NULL, false},
    {"json", '\0', NULL, "where it lies as a JSON object", vf_parse_flag,
        offsetof(struct fetch_args, json), NULL, false},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
};

static int print_location(
    const char *name, const struct vf_location *location, bool json, struct vf_err *err)
{
    if (!json) {
        printf("%s\n", location->directory);
        return 0;
    }
    return vf_json_print(json_pack("{s:s, s:s, s:s}", "name", name, "directory",
                             location->directory, "revision", location->revision),
        stdout, err);
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct fetch_args *args = data;
    struct vf_options fetch;
    struct vf_location location = {0};
    struct vf_fetch_report report;
    vf_fetch_report_init(&report, console);
    vf_options_init(&fetch);
    fetch.model = args->common.operands[0];
    fetch.revision = args->revision;
    fetch.fetch_progress = vf_fetch_report_show;
    fetch.fetch_context = &report;
    vf_signals_catch();
    int rc = vf_fetch(&fetch, &location, err);
    vf_fetch_report_end(&report);
    if (rc == 0)
        rc = print_location(fetch.model, &location, args->json, err);
    vf_location_release(&location);
    return rc;
}

const struct vf_command vf_cmd_model_fetch = {
    .name = "model fetch",
    .operands = "NAME",
    .summary = "Fetches a model of the Hub into its cache, and shows where it lies.",
    .min_operands = 1,
    .max_operands = 1,
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct fetch_args),
    .run = run,
};
