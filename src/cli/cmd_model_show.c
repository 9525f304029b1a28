/* vecfill model show: what a model is and where its files lie. */
#include "cli/commands.h"
#include "cli/json_text.h"
#include "cli/model_args.h"

#include <inttypes.h>

struct show_args {
    struct vf_common_args common;
    struct vf_model_args model;
    bool json;
};

static const struct vf_option options[] = {
    {"json", '\0', NULL, "as a JSON object", vf_parse_flag, offsetof(struct show_args, json), NULL,
        false},
};

/* The model is an operand here. */
static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_model_options + 1, VF_N_MODEL_OPTIONS - 1, offsetof(struct show_args, model)},
};

static const char *precision_name(enum vf_precision precision)
{
    switch (precision) {
    case VF_PRECISION_FP32:
        return "fp32";
    case VF_PRECISION_BF16:
        return "bf16";
    case VF_PRECISION_INT8:
        return "int8";
    }
    return "unknown";
}

static int print_json(const struct vf_model_info *i, struct vf_err *err)
{
    json_t *object = json_pack("{s:s, s:s, s:s?, s:s, s:s, s:b, s:s?, s:s?, s:I, s:I, s:s, s:I}",
        "name", i->name, "directory", i->directory, "revision", i->revision, "architecture",
        i->architecture, "pooling", i->pooling, "normalized", (int)i->normalized, "prompt",
        i->prompt, "task", i->task, "dimensions", (json_int_t)i->dimensions, "max_seq_length",
        (json_int_t)i->max_seq_length, "max_seq_length_source", i->limit_source, "max_positions",
        (json_int_t)i->max_positions);
    json_t *encoder = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:i}", "layers",
        (json_int_t)i->layers, "heads", (json_int_t)i->heads, "hidden_size",
        (json_int_t)i->hidden_size, "intermediate_size", (json_int_t)i->intermediate_size,
        "vocab_size", (json_int_t)i->vocab_size, "parameters", (json_int_t)i->parameters,
        "precision", precision_name(i->precision), "isa", i->isa, "threads", (int)i->threads);
    if (!object || !encoder || json_object_update(object, encoder)) {
        json_decref(object);
        object = NULL;
    }
    json_decref(encoder);
    return vf_json_print(object, stdout, err);
}

static void print_size(const char *name, size_t value)
{
    printf("%-18s %zu\n", name, value);
}

static void print_table(const struct vf_model_info *i)
{
    printf("%-18s %s\n", "name", i->name);
    printf("%-18s %s\n", "files in", i->directory);
    printf("%-18s %s\n", "revision", i->revision ? i->revision : "none (a plain folder)");
    printf("%-18s %s\n", "architecture", i->architecture);
    printf("%-18s %s%s\n", "pooling", i->pooling, i->normalized ? ", normalized" : "");
    printf("%-18s %s%s%s\n", "prompt", i->prompt ? "\"" : "", i->prompt ? i->prompt : "none",
        i->prompt ? "\"" : "");
    if (i->task)
        printf("%-18s %s\n", "adapter to task", i->task);
    print_size("dimensions", i->dimensions);
    printf("%-18s %zu tokens (%s), at most %zu\n", "longest input", i->max_seq_length,
        i->limit_source, i->max_positions);
    print_size("layers", i->layers);
    print_size("attention heads", i->heads);
    print_size("hidden size", i->hidden_size);
    print_size("intermediate size", i->intermediate_size);
    print_size("vocabulary", i->vocab_size);
    printf("%-18s %" PRIu64 "\n", "parameters", i->parameters);
    printf("%-18s %s, kernels %s, %u threads\n", "runs in", precision_name(i->precision), i->isa,
        i->threads);
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    struct show_args *args = data;
    struct vf_embedder *embedder = NULL;
    args->model.model = args->common.operands[0];
    int rc = vf_model_args_open(&args->model, console, false, &embedder, err);
    if (rc == 0 && args->json)
        rc = print_json(vf_info(embedder), err);
    else if (rc == 0)
        print_table(vf_info(embedder));
    vf_close(embedder);
    return rc;
}

const struct vf_command vf_cmd_model_show = {
    .name = "model show",
    .operands = "NAME",
    .summary = "Shows what a model is and where its files lie",
    .min_operands = 1,
    .max_operands = 1,
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct show_args),
    .run = run,
};
