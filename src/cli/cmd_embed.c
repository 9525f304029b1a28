/* vecfill embed: texts of JSON Lines to vectors, without a database. */
#include "cli/atomic_file.h"
#include "cli/commands.h"
#include "cli/json_text.h"
#include "cli/model_args.h"
#include "cli/npy.h"
#include "cli/signals.h"
#include "cli/text_input.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct embed_args {
    struct vf_common_args common;
    struct vf_model_args model;
    const char *format;
    char *output;
};

static const char *const formats[] = {"jsonl", "npy", NULL};

static const struct vf_option options[] = {
    {"format", '\0', "F", "jsonl or npy [jsonl]", vf_parse_choice,
        offsetof(struct embed_args, format), formats, false},
    {"output", 'o', "FILE", "write to FILE [standard output]", vf_parse_text,
        offsetof(struct embed_args, output), NULL, false},
};

static const struct vf_option_group groups[] = {
    {options, sizeof options / sizeof options[0], 0},
    {vf_model_options, VF_N_MODEL_OPTIONS, offsetof(struct embed_args, model)},
};

/* Where the vectors go. */
struct output {
    bool is_npy;
    struct vf_atomic_file file; /* with --output */
    FILE *spool;                /* .npy to standard output: its header comes before the rows, but
                                   their number is known after them */
    FILE *stream;               /* the one that is written to */
    struct vf_buf lines;
    uint64_t rows, truncated;
};

struct job {
    struct vf_embedder *embedder;
    struct vf_text_window window;
    struct vf_text_result results[VF_TEXT_WINDOW];
    float *vectors; /* VF_TEXT_WINDOW rows */
    struct output output;
};

/* ---- output ---- */

static int check_stream(FILE *stream, struct vf_err *err)
{
    if (!ferror(stream))
        return 0;
    return vf_fail(err, VF_ERR_IO, "cannot write the vectors: %s", strerror(errno));
}

/* Writes the header over what stands at the beginning, and leaves the stream at the end. */
static int write_header(FILE *stream, uint64_t rows, size_t dimensions, struct vf_err *err)
{
    char header[VF_NPY_HEADER_BYTES];
    vf_npy_header(rows, dimensions, header);
    if (fseek(stream, 0, SEEK_SET) || fwrite(header, 1, sizeof header, stream) != sizeof header ||
        fseek(stream, 0, SEEK_END))
        return vf_fail(err, VF_ERR_IO, "cannot write the vectors: %s", strerror(errno));
    return 0;
}

static int open_output(
    struct output *output, const struct embed_args *args, size_t dimensions, struct vf_err *err)
{
    output->is_npy = args->format && strcmp(args->format, "npy") == 0;
    output->stream = stdout;
    if (args->output) {
        int rc = vf_atomic_file_open(args->output, &output->file, err);
        if (rc)
            return rc;
        output->stream = output->file.stream;
    }
    bool is_seekable = output->file.temporary;
    if (output->is_npy && !is_seekable) {
        output->spool = tmpfile();
        if (!output->spool)
            return vf_fail(err, VF_ERR_IO, "cannot make a temporary file: %s", strerror(errno));
        output->stream = output->spool;
    }
    return output->is_npy ? write_header(output->stream, 0, dimensions, err) : 0;
}

static int copy_spool(FILE *spool, FILE *stream, struct vf_err *err)
{
    static char bytes[1 << 16];
    size_t n;
    rewind(spool);
    while ((n = fread(bytes, 1, sizeof bytes, spool)) > 0)
        fwrite(bytes, 1, n, stream);
    if (ferror(spool))
        return vf_fail(err, VF_ERR_IO, "cannot read a temporary file: %s", strerror(errno));
    return check_stream(stream, err);
}

static int finish_output(struct output *output, size_t dimensions, struct vf_err *err)
{
    int rc = 0;
    if (output->is_npy)
        VF_TRY(write_header(output->stream, output->rows, dimensions, err));
    if (output->spool)
        VF_TRY(copy_spool(output->spool, output->file.stream ? output->file.stream : stdout, err));
    if (output->file.stream)
        rc = vf_atomic_file_commit(&output->file, err);
out:
    return rc;
}

static void release_output(struct output *output)
{
    if (output->spool)
        fclose(output->spool);
    vf_atomic_file_discard(&output->file);
    vf_buf_release(&output->lines);
}

/* ---- rows ---- */

static int append_line(struct job *job, size_t i, struct vf_err *err)
{
    struct vf_buf *out = &job->output.lines;
    const struct vf_text_result *result = &job->results[i];
    size_t dimensions = vf_info(job->embedder)->dimensions;
    int rc;
    VF_TRY(vf_buf_append(out, "{", 1, err));
    VF_TRY(vf_json_text_ids(out, job->window.items[i].value, err));
    VF_TRY(vf_buf_append_string(out, "\"vector\":", err));
    VF_TRY(vf_json_text_floats(out, job->vectors + i * dimensions, dimensions, err));
    VF_TRY(vf_buf_append_string(out, ",\"tokens\":", err));
    VF_TRY(vf_json_text_integer(out, (int64_t)result->n_tokens, err));
    VF_TRY(vf_buf_printf(out, err, ",\"truncated\":%s}\n", result->truncated ? "true" : "false"));
out:
    return rc;
}

/* Embeds what the window holds and writes it. */
static int embed_window(struct job *job, struct vf_err *err)
{
    struct output *output = &job->output;
    size_t n = job->window.n, dimensions = vf_info(job->embedder)->dimensions;
    int rc;
    if (n == 0)
        return 0;
    VF_TRY(vf_embed(job->embedder, job->window.texts, n, job->vectors, job->results, err));
    if (output->is_npy) {
        VF_TRY(vf_npy_write(output->stream, job->vectors, n * dimensions, err));
    } else {
        vf_buf_clear(&output->lines);
        for (size_t i = 0; i < n; i++)
            VF_TRY(append_line(job, i, err));
        fwrite(output->lines.data, 1, output->lines.size, output->stream);
    }
    for (size_t i = 0; i < n; i++)
        output->truncated += job->results[i].truncated;
    output->rows += n;
    rc = check_stream(output->stream, err);
out:
    return rc;
}

static int embed_all(struct job *job, struct vf_json_lines *lines, struct vf_err *err)
{
    bool at_end = false;
    int rc = 0;
    while (rc == 0 && !at_end) {
        int read = vf_text_window_fill(&job->window, lines, &at_end, err);
        if (read == 0)
            read = vf_signals_check(err);
        /* What came before a bad line is still embedded. */
        rc = embed_window(job, read ? NULL : err);
        rc = read ? read : rc;
    }
    return rc;
}

static int run(struct vf_console *console, void *data, struct vf_err *err)
{
    const struct embed_args *args = data;
    struct vf_json_lines lines;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return vf_fail_memory(err, "a window of texts");
    int rc;
    vf_json_lines_init(&lines, args->common.operands, args->common.n_operands);
    VF_TRY(vf_model_args_open(&args->model, console, false, &job->embedder, err));
    const struct vf_model_info *info = vf_info(job->embedder);
    vf_model_say(console, info);
    job->vectors = malloc(VF_TEXT_WINDOW * info->dimensions * sizeof *job->vectors);
    if (!job->vectors) {
        rc = vf_fail_memory(err, "vectors");
        goto out;
    }
    VF_TRY(open_output(&job->output, args, info->dimensions, err));
    vf_signals_catch();
    VF_TRY(embed_all(job, &lines, err));
    VF_TRY(finish_output(&job->output, info->dimensions, err));
    vf_console_note(console, "embedded %" PRIu64 " text%s, of which %" PRIu64 " cut",
        job->output.rows, vf_plural(job->output.rows), job->output.truncated);
out:
    release_output(&job->output);
    vf_text_window_release(&job->window);
    vf_json_lines_release(&lines);
    vf_close(job->embedder);
    free(job->vectors);
    free(job);
    return rc;
}

const struct vf_command vf_cmd_embed = {
    .name = "embed",
    .operands = "[FILE...]",
    .summary = "Turns the texts of JSON Lines into vectors",
    .details = "A line is a string, or an object with text, or with headline and body.",
    .max_operands = INT_MAX,
    .groups = groups,
    .n_groups = sizeof groups / sizeof groups[0],
    .args_size = sizeof(struct embed_args),
    .run = run,
};
