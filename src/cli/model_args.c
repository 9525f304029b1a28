#include "cli/model_args.h"

#include "cli/fetch_report.h"
#include "cli/json_text.h"

#include <stdio.h>
#include <string.h>

static const size_t max_tokens = 1000000;
static const size_t max_threads = 4096;
static const size_t max_dimensions = 1000000;
static const char *const precisions[] = {"fp32", "bf16", "int8", NULL};

static const char *const long_texts[] = {
    [VF_LONG_TEXT_TRUNCATE] = "truncate", [VF_LONG_TEXT_CHUNK_MEAN] = "chunk-mean", NULL};

static int parse_device(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    static const char *const devices[] = {"auto", "cpu", NULL};
    const struct vf_option choice = {.name = option->name, .detail = devices};
    if (strncmp(values[0], "cuda", 4) != 0)
        return vf_parse_choice(&choice, values, field, err);
    vf_fail(err, VF_ERR_CONFIG, "--device %s: this build of vecfill has no CUDA", values[0]);
    vf_hint(err, "leave --device out, or give --device cpu");
    return VF_ERR_CONFIG;
}

/* A text that may be empty. */
static int parse_prompt(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    (void)option;
    (void)err;
    *(char **)field = values[0];
    return 0;
}

static int parse_chunk_overlap(
    const struct vf_option *option, char *const *values, void *field, struct vf_err *err)
{
    struct vf_model_args *args = field;
    if (!vf_parse_size(values[0], 0, max_tokens, &args->chunk_overlap))
        return vf_fail(err, VF_ERR_USAGE, "--%s expects a number from 0 to %zu, not '%s'",
            option->name, max_tokens, values[0]);
    args->has_chunk_overlap = true;
    return 0;
}

const struct vf_option vf_model_options[VF_N_MODEL_OPTIONS] = {
    {"hf-model-name", '\0', "NAME", "model of the Hub or folder [all-MiniLM-L6-v2]", vf_parse_text,
        offsetof(struct vf_model_args, model), NULL, false},
    {"revision", '\0', "REV", "branch, tag or commit of the model [main]", vf_parse_text,
        offsetof(struct vf_model_args, revision), NULL, true},
    {"max-seq-length", '\0', "N", "tokens read of a text [by the model]", vf_parse_count,
        offsetof(struct vf_model_args, max_seq_length), &max_tokens, false},
    {"prompt", '\0', "TEXT", "put before each text [by the model]", parse_prompt,
        offsetof(struct vf_model_args, prompt), NULL, true},
    {"prompt-name", '\0', "NAME", "of one of the model's prompts", vf_parse_text,
        offsetof(struct vf_model_args, prompt_name), NULL, true},
    {"task", '\0', "NAME", "whose adapter of the model is used", vf_parse_text,
        offsetof(struct vf_model_args, task), NULL, true},
    {"dimensions", '\0', "N", "numbers of a vector that are kept [by the model]", vf_parse_count,
        offsetof(struct vf_model_args, dimensions), &max_dimensions, true},
    {"long-text", '\0', "HOW", "truncate or chunk-mean [truncate]", vf_parse_choice,
        offsetof(struct vf_model_args, long_text), long_texts, true},
    {"chunk-overlap", '\0', "N", "tokens that windows of chunk-mean share", parse_chunk_overlap, 0,
        NULL, true},
    {"threads", '\0', "N", "threads of the encoder [all processors]", vf_parse_count,
        offsetof(struct vf_model_args, threads), &max_threads, true},
    {"precision", '\0', "P", "fp32, bf16 or int8 [fp32]", vf_parse_choice,
        offsetof(struct vf_model_args, precision), precisions, true},
    {"device", '\0', "D", "auto or cpu [auto]", parse_device,
        offsetof(struct vf_model_args, device), NULL, true},
};

static int take_long_text(
    const struct vf_model_args *args, struct vf_options *options, struct vf_err *err)
{
    while (args->long_text && strcmp(args->long_text, long_texts[options->long_text]) != 0)
        options->long_text++;
    if (!args->has_chunk_overlap)
        return 0;
    options->chunk_overlap = args->chunk_overlap;
    if (options->long_text == VF_LONG_TEXT_CHUNK_MEAN)
        return 0;
    vf_fail(err, VF_ERR_USAGE, "--chunk-overlap goes with --long-text chunk-mean");
    vf_hint(err, "add that, or leave --chunk-overlap out");
    return VF_ERR_USAGE;
}

int vf_model_args_open(const struct vf_model_args *args, struct vf_console *console,
    bool tokenizer_only, struct vf_embedder **ret, struct vf_err *err)
{
    struct vf_options options;
    struct vf_fetch_report report;
    vf_options_init(&options);
    int rc = take_long_text(args, &options, err);
    if (rc)
        return rc;
    if (args->prompt && args->prompt_name)
        return vf_fail(err, VF_ERR_USAGE, "--prompt and --prompt-name: give one of them");
    vf_fetch_report_init(&report, console);
    options.model = args->model ? args->model : VF_DEFAULT_MODEL;
    options.revision = args->revision;
    options.max_seq_length = args->max_seq_length;
    options.prompt = args->prompt;
    options.prompt_name = args->prompt_name;
    options.task = args->task;
    options.queries = args->queries;
    options.dimensions = args->dimensions;
    options.threads = (unsigned)args->threads;
    if (args->precision && strcmp(args->precision, "bf16") == 0)
        options.precision = VF_PRECISION_BF16;
    if (args->precision && strcmp(args->precision, "int8") == 0)
        options.precision = VF_PRECISION_INT8;
    options.tokenizer_only = tokenizer_only;
    options.fetch_progress = vf_fetch_report_show;
    options.fetch_context = &report;
    rc = vf_open(&options, ret, err);
    vf_fetch_report_end(&report);
    return rc;
}

static void say_limit(struct vf_console *console, const struct vf_model_info *info)
{
    char elsewhere[80] = "";
    if (info->st_max_seq_length > 0 && info->st_max_seq_length != info->max_seq_length)
        snprintf(elsewhere, sizeof elsewhere, "; sentence-transformers stops at %zu",
            info->st_max_seq_length);
    if (info->long_text == VF_LONG_TEXT_TRUNCATE)
        vf_console_note(console, "texts are read up to %zu tokens (%s)%s", info->max_seq_length,
            info->limit_source, elsewhere);
    else
        vf_console_note(console,
            "texts are read in windows of up to %zu tokens (%s), which share %zu",
            info->max_seq_length, info->limit_source, info->chunk_overlap);
}

/* What is before each text, and what is missing there. */
static void say_prompt(struct vf_console *console, const struct vf_model_info *info)
{
    if (info->prompt && info->prompt_name)
        vf_console_note(console, "before each text stands \"%s\", the model's prompt \"%s\"",
            info->prompt, info->prompt_name);
    else if (info->prompt)
        vf_console_note(console, "before each text stands \"%s\"", info->prompt);
    if (info->misses_prompt)
        vf_console_warn(console,
            "the model has prompts, but none for this use: texts are read without; choose one with "
            "--prompt-name, or say --prompt ''");
}

void vf_model_say(struct vf_console *console, const struct vf_model_info *info)
{
    char of_all[32] = "";
    if (info->dimensions < info->all_dimensions)
        snprintf(of_all, sizeof of_all, " of %zu", info->all_dimensions);
    json_t *fields = json_pack("{s:o, s:s?, s:I, s:I}", "model", vf_json_string(info->name),
        "revision", info->revision, "dimensions", (json_int_t)info->dimensions, "max_seq_length",
        (json_int_t)info->max_seq_length);
    vf_console_log(console, VF_LOG_INFO, "model", fields, "model %s%s%s, %zu%s dimensions",
        info->name, info->revision ? " at " : "", info->revision ? info->revision : "",
        info->dimensions, of_all);
    vf_console_detail(console, "its files are in %s", info->directory);
    if (!info->has_modules)
        vf_console_note(console,
            "it has no modules.json: a vector is made by pooling alone (%s), not normalized",
            info->pooling);
    say_prompt(console, info);
    say_limit(console, info);
    if (info->isa)
        vf_console_detail(console, "%u threads, kernels %s", info->threads, info->isa);
}
