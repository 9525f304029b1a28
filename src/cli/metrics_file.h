/* A run's figures as a Prometheus text file, for the textfile collector of a node exporter. */
#ifndef VF_CLI_METRICS_FILE_H
#define VF_CLI_METRICS_FILE_H

#include "pipeline/backfill.h"

struct vf_run_metrics {
    const char *model_id;
    int status;           /* the exit status */
    int64_t time_seconds; /* when the run ended, since 1970-01-01 UTC */
    const struct vf_backfill_report *report;
};

/* Writes `path`, whole or not at all. After a run that failed, the time of the last success is
 * taken over from the file that is there. */
VF_MUST_CHECK int vf_metrics_write(
    const char *path, const struct vf_run_metrics *metrics, struct vf_err *err);

/* Whether `path` names a place where a file can be made: VF_ERR_NOT_FOUND or VF_ERR_PERMISSION when
 * not. What may have passed by the end of the run, such as a full disk, is no failure. */
VF_MUST_CHECK int vf_metrics_check(const char *path, struct vf_err *err);

/* Tokens per second of the last run under `model_id` that the file tells of. False when there is
 * none that embedded anything. */
bool vf_metrics_find_rate(const char *path, const char *model_id, double *ret);

#endif
