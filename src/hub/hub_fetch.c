#include "hub/hub_fetch.h"

#include "hub/hub_blob.h"
#include "hub/hub_cache.h"
#include "hub/hub_env.h"
#include "hub/hub_files.h"
#include "hub/hub_http.h"
#include "hub/hub_retry.h"

#include <stdlib.h>
#include <string.h>

enum { STATUS_NOT_FOUND = 404, STATUS_SERVER = 500 };

struct fetch {
    const char *model, *revision;
    struct vf_hub_env env;
    struct vf_hub_cache cache;
    struct vf_http *http;
    struct vf_hub_watch watch;
    char commit[VF_HUB_COMMIT_DIGITS + 1];
};

/* MODEL/resolve/REVISION/PATH */
static int append_url_path(const struct fetch *f, const char *revision, const char *path,
    struct vf_buf *out, struct vf_err *err)
{
    char *escaped = vf_http_escape(revision);
    if (!escaped)
        return vf_fail_memory(err, "an address");
    int rc = vf_buf_printf(out, err, "%s/resolve/%s/%s", f->model, escaped, path);
    free(escaped);
    return rc;
}

static bool is_found(const struct vf_http_answer *answer)
{
    return answer->status >= 200 && answer->status < 400;
}

static int fail_no_hub(const struct fetch *f, const char *what, struct vf_err *err)
{
    vf_fail(err, VF_ERR_UNAVAILABLE, "%s does not answer as a Hub does: %s", vf_http_hub(f->http),
        what);
    vf_hint(err, "see that HF_ENDPOINT is the address of a Hub, and that no proxy or login page "
                 "answers in its place");
    return VF_ERR_UNAVAILABLE;
}

/* The commit that the revision means on the Hub now: one request, never tried again, so that a Hub
 * which cannot be reached is known at once. Any file's answer tells it, be it there or not. */
static int resolve_revision(struct fetch *f, struct vf_err *err)
{
    int rc;
    struct vf_buf path = {0};
    struct vf_http_answer answer;
    VF_TRY(append_url_path(f, f->revision, "config.json", &path, err));
    VF_TRY(vf_http_head(f->http, path.data, &answer, err));
    bool known = vf_hub_is_commit(answer.commit);
    if (!is_found(&answer) && !(answer.status == STATUS_NOT_FOUND && known)) {
        rc = vf_hub_fail_status(err, f->http, &answer, f->model, f->revision, NULL);
        goto out;
    }
    if (!known) {
        rc = fail_no_hub(f, "it names no commit", err);
        goto out;
    }
    if (vf_hub_is_commit(f->revision) && strcmp(f->revision, answer.commit) != 0) {
        rc = fail_no_hub(f, "it gives another commit than the one asked for", err);
        goto out;
    }
    memcpy(f->commit, answer.commit, sizeof f->commit);
out:
    vf_buf_release(&path);
    return rc;
}

/* What the Hub says about a file of the commit; a Hub in trouble is asked again. */
static int ask(struct fetch *f, const char *url_path, const char *file, struct vf_http_answer *ret,
    struct vf_err *err)
{
    struct vf_hub_retry retry = {0};
    for (;;) {
        int rc = vf_http_head(f->http, url_path, ret, err);
        if (rc == 0 && ret->status < STATUS_SERVER)
            return 0;
        if (rc == 0)
            rc = vf_hub_fail_status(err, f->http, ret, f->model, f->revision, file);
        if (!vf_hub_retry_next(&retry, &f->watch, &rc, err))
            return rc;
    }
}

static int fetch_blob(struct fetch *f, const char *file, const char *url_path,
    const struct vf_http_answer *answer, struct vf_err *err)
{
    const struct vf_hub_blob blob = {.cache = &f->cache,
        .http = f->http,
        .watch = &f->watch,
        .model = f->model,
        .file = file,
        .url_path = url_path,
        .checksum = answer->checksum,
        .has_size = answer->has_size,
        .size = answer->size};
    f->watch.at.file = file;
    int rc = vf_hub_blob_fetch(&blob, err);
    f->watch.at = (struct vf_fetch_progress){.model = f->model, .hub = f->watch.at.hub};
    return rc;
}

/* A vf_hub_getter: out of the cache, else from the Hub. */
static int get_file(void *context, const char *path, bool *ret_found, struct vf_err *err)
{
    struct fetch *f = context;
    int rc;
    struct vf_buf url_path = {0};
    struct vf_http_answer answer;
    enum vf_hub_presence presence;
    VF_TRY(vf_hub_cache_look_up(&f->cache, f->commit, path, &presence, err));
    *ret_found = presence == VF_HUB_PRESENT;
    if (presence != VF_HUB_UNKNOWN)
        goto out;
    VF_TRY(append_url_path(f, f->commit, path, &url_path, err));
    VF_TRY(ask(f, url_path.data, path, &answer, err));
    bool same_commit = strcmp(answer.commit, f->commit) == 0;
    if (answer.status == STATUS_NOT_FOUND && same_commit) {
        rc = vf_hub_cache_mark_absent(&f->cache, f->commit, path, err);
        goto out;
    }
    if (!is_found(&answer)) {
        rc = vf_hub_fail_status(err, f->http, &answer, f->model, f->commit, path);
        goto out;
    }
    if (!same_commit || !vf_hub_is_checksum(answer.checksum)) {
        rc = fail_no_hub(f,
            same_commit ? "it gives no checksum by which a file could be checked"
                        : "it names another commit than the one asked for",
            err);
        goto out;
    }
    VF_TRY(fetch_blob(f, path, url_path.data, &answer, err));
    VF_TRY(vf_hub_cache_link(&f->cache, f->commit, path, answer.checksum, f->env.symlinks, err));
    *ret_found = true;
out:
    vf_buf_release(&url_path);
    return rc;
}

static int fetch_files(struct fetch *f, struct vf_hub_location *ret, struct vf_err *err)
{
    int rc;
    struct vf_buf snapshot = {0};
    VF_TRY(resolve_revision(f, err));
    VF_TRY(vf_hub_cache_prepare(&f->cache, err));
    VF_TRY(vf_buf_printf(&snapshot, err, "%s/snapshots/%s", f->cache.repository, f->commit));
    VF_TRY(vf_hub_files_visit(snapshot.data, f->model, get_file, f, err));
    VF_TRY(vf_hub_cache_write_ref(&f->cache, f->revision, f->commit, err));
    VF_TRY(vf_hub_location_make(snapshot.data, f->commit, ret, err));
out:
    vf_buf_release(&snapshot);
    return rc;
}

int vf_hub_fetch(
    const struct vf_hub_request *request, struct vf_hub_location *ret, struct vf_err *err)
{
    int rc;
    struct fetch f = {.model = request->name,
        .revision = request->revision ? request->revision : VF_HUB_DEFAULT_REVISION,
        .watch = {.callback = request->progress, .context = request->context}};
    if (request->offline || vf_hub_env_offline())
        return vf_hub_resolve(request->name, request->revision, request->cache_dir, ret, err);
    VF_TRY(vf_hub_cache_open(request->name, request->cache_dir, &f.cache, err));
    VF_TRY(vf_hub_check_revision(f.revision, err));
    VF_TRY(vf_hub_env_read(&f.env, err));
    VF_TRY(vf_http_open(&f.env, vf_hub_watch_call, &f.watch, &f.http, err));
    f.watch.at = (struct vf_fetch_progress){.model = f.model, .hub = vf_http_hub(f.http)};
    if (vf_hub_watch_call(&f.watch)) {
        rc = vf_fail(err, VF_ERR_INTERRUPTED, "stopped before %s was fetched", f.model);
        goto out;
    }
    VF_TRY(fetch_files(&f, ret, err));
out:
    vf_http_close(f.http);
    vf_hub_env_release(&f.env);
    vf_hub_cache_release(&f.cache);
    return rc;
}
