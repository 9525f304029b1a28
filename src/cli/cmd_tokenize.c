/* vecfill tokenize: texts of JSON Lines to token ids. */
#include "cli/commands.h"
#include "cli/json_text.h"
#include "cli/model_args.h"
#include "cli/signals.h"
#include "cli/text_input.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* Lines are gathered up to this many bytes before they are written. */
enum { WRITE_BYTES = 1 << 16 };

struct tokenize_args {
    struct vf_common_args common;
    struct vf_model_args model;
};

static const struct vf_option_group groups[] = {
    {vf_model_options, VF_N_MODEL_OPTIONS, offsetof(struct tokenize_args, model)},
};

struct job {
    struct vf_embedder *embedder;
    struct vf_tokens tokens;
    struct vf_buf lines;
    uint64_t texts, n_tokens, truncated;
};

static int append_line(struct job *job, const json_t *value, struct vf_err *err)
{
    struct vf_buf *out = &job->lines;
    const struct vf_tokens *tokens = &job->tokens;
    int rc;
    VF_TRY(vf_buf_append(out, "{", 1, err));
    VF_TRY(vf_json_text_ids(out, value, err));
    VF_TRY(vf_buf_append_string(out, "\"ids\":[", err));
    for (size_t i = 0; i < tokens->n_ids; i++) {
        if (i > 0)
            VF_TRY(vf_buf_append(out, ",", 1, err));
        VF_TRY(vf_json_text_integer(out, tokens->ids[i], err));
    }
    VF_TRY(vf_buf_append_string(out, "],\"tokens\":[", err));
    for (size_t i = 0; i < tokens->n_ids; i++) {
        if (i > 0)
            VF_TRY(vf_buf_append(out, ",", 1, err));
        VF_TRY(vf_json_text_string(out, vf_token_text(job->embedder, tokens->ids[i]), err));
    }
    VF_TRY(vf_buf_append_string(out, "],\"truncated\":", err));
    VF_TRY(vf_buf_append_string(out, tokens->truncated ? "true}\n" : "false}\n", err));
out:
    return rc;
}

static int flush(struct job *job, struct vf_err *err)
{
    fwrite(job->lines.data, 1, job->lines.size, stdout);
    vf_buf_clear(&job->lines);
    if (fflush(stdout) == 0)
        return 0;
    return vf_fail(err, VF_ERR_IO, "cannot write to standard output: %s", strerror(errno));
}

static int tokenize_item(struct job *job, const struct vf_text_item *item, struct vf_err *err)
{
    int rc = vf_tokenize(job->embedder, item->text, &job->tokens, err);
    if (rc == 0)
        rc = append_line(job, item->value, err);
    if (rc == 0 && job->lines.size >= WRITE_BYTES)
        rc = flush(job, err);
    job->texts++;
    job->n_tokens += job->tokens.n_ids;
    job->truncated += job->tokens.truncated;
    return rc;
}

static int tokenize_all(struct job *job, struct vf_json_lines *lines, struct vf_err *err)
{
    bool at_end = false;
    int rc = 0;
    while (rc == 0 && !at_end) {
        struct vf_text_item item = {0};
        rc = vf_text_input_next(lines, &item, &at_end, err);
        if (rc == 0 && !at_end)
            rc = tokenize_item(job, &item, err);
        vf_text_item_release(&item);
    }
    /* What came before a bad line is still written. */
    int written = job->lines.size > 0 ? flush(job, rc ? NULL : err) : 0;
    return rc ? rc : written;
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct tokenize_args *args = data;
    struct job job = {0};
    struct vf_json_lines lines;
    int rc;
    vf_json_lines_init(&lines, args->common.operands, args->common.n_operands);
    VF_TRY(vf_model_args_open(&args->model, console, true, &job.embedder, err));
    vf_model_say(console, vf_info(job.embedder));
    vf_signals_catch();
    VF_TRY(tokenize_all(&job, &lines, err));
    vf_console_note(console,
        "tokenized %" PRIu64 " text%s into %" PRIu64 " token%s; %" PRIu64 " cut", job.texts,
        vf_plural(job.texts), job.n_tokens, vf_plural(job.n_tokens), job.truncated);
out:
    vf_tokens_release(&job.tokens);
    vf_buf_release(&job.lines);
    vf_json_lines_release(&lines);
    vf_close(job.embedder);
    return rc;
}

const struct vf_command vf_cmd_tokenize = {
    .name = "tokenize",
    .operands = "[FILE...]",
    .summary = "Turns the texts of JSON Lines into token ids",
    .details = "A line is a string, or an object with text, or with headline and body.",
    .max_operands = INT_MAX,
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct tokenize_args),
    .run = run,
};
