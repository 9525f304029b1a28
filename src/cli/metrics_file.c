#include "cli/metrics_file.h"

#include "base/file.h"
#include "cli/atomic_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "vecfill_backfill_"
#define MAX_FILE_BYTES ((size_t)1 << 20)

static int append_family(struct vf_buf *out, const char *name, const char *help, struct vf_err *err)
{
    return vf_buf_printf(
        out, err, "# HELP %s%s %s\n# TYPE %s%s gauge\n", PREFIX, name, help, PREFIX, name);
}

/* "{model_id=\"…\"" with the escapes of the format; the caller closes the brace. */
static int make_label(struct vf_buf *out, const char *model_id, struct vf_err *err)
{
    int rc = vf_buf_append_string(out, "{model_id=\"", err);
    for (const char *p = model_id; rc == 0 && *p; p++) {
        if (*p == '\n')
            rc = vf_buf_append_string(out, "\\n", err);
        else if (*p == '"' || *p == '\\')
            rc = vf_buf_printf(out, err, "\\%c", *p);
        else
            rc = vf_buf_append(out, p, 1, err);
    }
    return rc ? rc : vf_buf_append_string(out, "\"", err);
}

/* One family with one sample. */
static int append_gauge(struct vf_buf *out, const char *label, const char *name, const char *help,
    double value, struct vf_err *err)
{
    int rc = append_family(out, name, help, err);
    return rc ? rc : vf_buf_printf(out, err, "%s%s%s} %.15g\n", PREFIX, name, label, value);
}

static int append_articles(struct vf_buf *out, const char *label,
    const struct vf_backfill_report *report, struct vf_err *err)
{
    const struct {
        const char *state;
        uint64_t n;
    } states[] = {{"embedded", report->embedded}, {"unchanged", report->unchanged},
        {"empty", report->empty}, {"failed", report->failed}, {"remaining", report->remaining}};
    int rc = append_family(
        out, "last_run_articles", "Selected articles of the last run by what became of them.", err);
    for (size_t i = 0; rc == 0 && i < sizeof states / sizeof states[0]; i++)
        rc = vf_buf_printf(out, err, "%slast_run_articles%s,state=\"%s\"} %" PRIu64 "\n", PREFIX,
            label, states[i].state, states[i].n);
    return rc;
}

/* What the file at `path` tells of a gauge, or 0. */
static double find_gauge(const char *path, const char *label, const char *name)
{
    struct vf_buf text = {0}, sample = {0};
    double value = 0;
    if (vf_read_file(path, MAX_FILE_BYTES, &text, NULL) == 0 && text.data &&
        vf_buf_printf(&sample, NULL, "\n" PREFIX "%s%s} ", name, label) == 0) {
        const char *found = strstr(text.data, sample.data);
        if (found)
            value = strtod(found + sample.size, NULL);
    }
    vf_buf_release(&text);
    vf_buf_release(&sample);
    return value;
}

static int make_text(
    const char *path, const struct vf_run_metrics *metrics, struct vf_buf *out, struct vf_err *err)
{
    const struct vf_backfill_report *report = metrics->report;
    struct vf_buf label = {0};
    double now = (double)metrics->time_seconds;
    int rc;
    VF_TRY(make_label(&label, metrics->model_id, err));
    double success =
        metrics->status == 0 ? now : find_gauge(path, label.data, "last_success_timestamp_seconds");
    VF_TRY(append_gauge(out, label.data, "last_run_success",
        "1 when the last run did all it had to do, else 0.", metrics->status == 0, err));
    VF_TRY(append_gauge(
        out, label.data, "last_run_status", "Exit status of the last run.", metrics->status, err));
    VF_TRY(append_gauge(out, label.data, "last_run_timestamp_seconds",
        "When the last run ended, since 1970-01-01 UTC.", now, err));
    if (success > 0)
        VF_TRY(append_gauge(out, label.data, "last_success_timestamp_seconds",
            "When the last run that did all ended, since 1970-01-01 UTC.", success, err));
    VF_TRY(append_gauge(out, label.data, "last_run_duration_seconds",
        "How long the last run embedded.", report->seconds, err));
    VF_TRY(append_articles(out, label.data, report, err));
    VF_TRY(append_gauge(out, label.data, "last_run_tokens", "Tokens encoded by the last run.",
        (double)report->tokens, err));
    VF_TRY(append_gauge(out, label.data, "last_run_truncated_articles",
        "Embedded articles of the last run that were cut.", (double)report->truncated, err));
    VF_TRY(append_gauge(out, label.data, "last_run_lost_tokens",
        "Tokens of those that were not read.", (double)report->tokens_lost, err));
out:
    vf_buf_release(&label);
    return rc;
}

bool vf_metrics_find_rate(const char *path, const char *model_id, double *ret)
{
    struct vf_buf label = {0};
    double tokens = 0, seconds = 0;
    if (make_label(&label, model_id, NULL) == 0) {
        tokens = find_gauge(path, label.data, "last_run_tokens");
        seconds = find_gauge(path, label.data, "last_run_duration_seconds");
    }
    vf_buf_release(&label);
    if (!(tokens > 0 && seconds > 0))
        return false;
    *ret = tokens / seconds;
    return true;
}

int vf_metrics_write(const char *path, const struct vf_run_metrics *metrics, struct vf_err *err)
{
    struct vf_buf text = {0};
    struct vf_atomic_file file = {0};
    int rc;
    VF_TRY(make_text(path, metrics, &text, err));
    VF_TRY(vf_atomic_file_open(path, &file, err));
    fwrite(text.data, 1, text.size, file.stream);
    rc = vf_atomic_file_commit(&file, err);
out:
    vf_atomic_file_discard(&file);
    vf_buf_release(&text);
    return rc;
}

int vf_metrics_check(const char *path, struct vf_err *err)
{
    struct vf_atomic_file file = {0};
    struct vf_err trouble;
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) /* opening a pipe would wait */
        return 0;
    int rc = vf_atomic_file_open(path, &file, &trouble);
    vf_atomic_file_discard(&file);
    if (rc != VF_ERR_NOT_FOUND && rc != VF_ERR_PERMISSION)
        return 0;
    if (err)
        *err = trouble;
    return rc;
}
