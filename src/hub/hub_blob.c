#include "hub/hub_blob.h"

#include "base/file_digest.h"
#include "hub/hub_retry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_RANGE = 416,
    STATUS_TOO_MANY = 429,
    STATUS_SERVER = 500,
    SHA256_DIGITS = 64,
    GIT_DIGITS = 40
};

/* So many new bytes in one connection show that the next one is worth trying. */
static const uint64_t good_progress = 1 << 20;

struct download {
    const struct vf_hub_blob *blob;
    const char *path; /* of the .incomplete file */
    int fd;
    uint64_t have;    /* bytes in it */
    uint64_t resumed; /* of them, those that an earlier call has left */
};

bool vf_hub_is_checksum(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");
    return s[n] == '\0' && (n == SHA256_DIGITS || n == GIT_DIGITS);
}

/* ---- statuses ---- */

static int fail_refused(struct vf_err *err, const struct vf_http *http,
    const struct vf_http_answer *answer, const char *model)
{
    const char *hub = vf_http_hub(http);
    if (strcmp(answer->error_code, "GatedRepo") == 0) {
        vf_fail(err, VF_ERR_PERMISSION,
            "%s is gated: %s gives it only to those who have accepted its terms (status %d)", model,
            hub, answer->status);
        vf_hint(
            err, "accept them at %s/%s, and set HF_TOKEN to a token of that account", hub, model);
        return VF_ERR_PERMISSION;
    }
    if (answer->status == STATUS_UNAUTHORIZED) {
        /* What the Hub says of a name that it does not know or does not want to know. */
        vf_fail(err, VF_ERR_NOT_FOUND, "there is no model %s on %s, or it is private (status 401)",
            model, hub);
        vf_hint(err, "look at the name; for a private model, set HF_TOKEN to a valid token");
        return VF_ERR_NOT_FOUND;
    }
    vf_fail(err, VF_ERR_PERMISSION, "%s does not let this account read %s (status %d)", hub, model,
        answer->status);
    vf_hint(err, "set HF_TOKEN to a token that may read %s", model);
    return VF_ERR_PERMISSION;
}

static int fail_absent(struct vf_err *err, const struct vf_http *http,
    const struct vf_http_answer *answer, const char *model, const char *revision, const char *file)
{
    const char *hub = vf_http_hub(http);
    if (strcmp(answer->error_code, "RevisionNotFound") == 0) {
        vf_fail(err, VF_ERR_NOT_FOUND, "%s has no revision %s on %s", model, revision, hub);
        vf_hint(err, "%s/%s/tree/main shows its branches and tags", hub, model);
    } else if (file) {
        vf_fail(err, VF_ERR_NOT_FOUND, "%s has no %s on %s", model, file, hub);
    } else {
        vf_fail(err, VF_ERR_NOT_FOUND, "there is no model %s at revision %s on %s (status 404)",
            model, revision, hub);
        vf_hint(err, "look at the name and the revision; for a private model, set HF_TOKEN");
    }
    return VF_ERR_NOT_FOUND;
}

int vf_hub_fail_status(struct vf_err *err, const struct vf_http *http,
    const struct vf_http_answer *answer, const char *model, const char *revision, const char *file)
{
    const char *hub = vf_http_hub(http);
    switch (answer->status) {
    case STATUS_UNAUTHORIZED:
    case STATUS_FORBIDDEN:
        return fail_refused(err, http, answer, model);
    case STATUS_NOT_FOUND:
        return fail_absent(err, http, answer, model, revision, file);
    case STATUS_TOO_MANY: {
        const char *when = answer->retry_after;
        bool is_seconds = *when && strspn(when, "0123456789") == strlen(when);
        vf_fail(
            err, VF_ERR_UNAVAILABLE, "%s has had too many requests from here (status 429)", hub);
        vf_hint(err, "try again %s%s%s; a token in HF_TOKEN is allowed more",
            *when ? (is_seconds ? "in " : "after ") : "later", when, is_seconds ? " seconds" : "");
        return VF_ERR_UNAVAILABLE;
    }
    default:
        vf_fail(err, VF_ERR_UNAVAILABLE, "%s answers %s with status %d", hub, file ? file : model,
            answer->status);
        vf_hint(err, answer->status >= STATUS_SERVER
                         ? "it is the Hub's trouble; try again later"
                         : "see that HF_ENDPOINT is the address of a Hub, or leave it out");
        return VF_ERR_UNAVAILABLE;
    }
}

/* ---- one connection ---- */

static int truncate_to(struct download *d, uint64_t size, struct vf_err *err)
{
    if (ftruncate(d->fd, (off_t)size))
        return vf_hub_fail_errno(err, "write", d->path, errno);
    d->have = d->blob->watch->at.done = size;
    if (d->resumed > size)
        d->resumed = size;
    return 0;
}

static int on_begin(void *context, uint64_t offset, struct vf_err *err)
{
    struct download *d = context;
    if (offset > d->have)
        return vf_fail(err, VF_ERR_UNAVAILABLE,
            "%s answers with other bytes of %s than it was asked for", vf_http_hub(d->blob->http),
            d->blob->file);
    return offset < d->have ? truncate_to(d, offset, err) : 0;
}

static int on_write(void *context, const void *bytes, size_t n, struct vf_err *err)
{
    struct download *d = context;
    const struct vf_hub_blob *blob = d->blob;
    if (blob->has_size && n > blob->size - d->have)
        return vf_fail(err, VF_ERR_DATA,
            "%s of %s is longer than the %" PRIu64 " bytes that %s announced", blob->file,
            blob->model, blob->size, vf_http_hub(blob->http));
    while (n > 0) {
        ssize_t written = pwrite(d->fd, bytes, n, (off_t)d->have);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return vf_hub_fail_errno(err, "write", d->path, errno);
        bytes = (const char *)bytes + written;
        n -= (size_t)written;
        d->have += (size_t)written;
    }
    blob->watch->at.done = d->have;
    return 0;
}

/* One request for what is missing. VF_ERR_UNAVAILABLE, with *ret_hopeless set when another attempt
 * makes no sense. */
static int receive_some(struct download *d, bool *ret_hopeless, struct vf_err *err)
{
    const struct vf_hub_blob *blob = d->blob;
    const struct vf_http_sink sink = {.begin = on_begin, .write = on_write, .context = d};
    struct vf_http_answer answer;
    *ret_hopeless = false;
    int rc = vf_http_get(blob->http, blob->url_path, d->have, &sink, &answer, err);
    if (rc)
        return rc;
    if (answer.status == STATUS_RANGE && d->have > 0) {
        rc = truncate_to(d, 0, err);
        return rc ? rc : vf_hub_fail_status(err, blob->http, &answer, blob->model, "", blob->file);
    }
    if (answer.status < 200 || answer.status >= 300) {
        *ret_hopeless = answer.status < STATUS_SERVER;
        return vf_hub_fail_status(err, blob->http, &answer, blob->model, "", blob->file);
    }
    if (blob->has_size && d->have < blob->size)
        return vf_fail(err, VF_ERR_UNAVAILABLE,
            "%s ends %s of %s after %" PRIu64 " of %" PRIu64 " bytes", vf_http_hub(blob->http),
            blob->file, blob->model, d->have, blob->size);
    return 0;
}

/* All of the file, over as many connections as it takes. */
static int receive(struct download *d, struct vf_err *err)
{
    const struct vf_hub_blob *blob = d->blob;
    struct vf_hub_retry retry = {0};
    uint64_t most = d->have;
    if (blob->has_size && d->have > blob->size) {
        int rc = truncate_to(d, 0, err);
        if (rc)
            return rc;
    }
    while (!blob->has_size || d->have < blob->size) {
        bool hopeless;
        int rc = receive_some(d, &hopeless, err);
        if (rc == 0)
            break;
        if (d->have >= most + good_progress)
            retry.failures = 0;
        most = d->have > most ? d->have : most;
        if (hopeless || !vf_hub_retry_next(&retry, blob->watch, &rc, err))
            return rc;
    }
    return 0;
}

/* ---- the whole file ---- */

static int check_space(const struct download *d, struct vf_err *err)
{
    struct statvfs fs;
    const struct vf_hub_blob *blob = d->blob;
    if (!blob->has_size || blob->size <= d->have || fstatvfs(d->fd, &fs))
        return 0;
    uint64_t missing = blob->size - d->have;
    if (missing / (fs.f_frsize ? fs.f_frsize : 1) <= fs.f_bavail)
        return 0;
    int rc = vf_fail(err, VF_ERR_IO,
        "%s of %s takes %" PRIu64 " MB more, which the disk of %s does not have", blob->file,
        blob->model, missing / 1000000 + 1, d->path);
    vf_hint(err, "free some space, or set HF_HUB_CACHE to a directory on another disk");
    return rc;
}

/* *ret_wrong tells whether the content is not the one announced. */
static int check_content(const struct download *d, bool *ret_wrong, struct vf_err *err)
{
    const struct vf_hub_blob *blob = d->blob;
    char digits[VF_DIGEST_MAX_DIGITS + 1];
    bool sha256 = strlen(blob->checksum) == SHA256_DIGITS;
    int rc =
        vf_file_digest(d->fd, d->path, sha256 ? VF_DIGEST_SHA256 : VF_DIGEST_GIT_BLOB, digits, err);
    if (rc)
        return rc;
    *ret_wrong = strcmp(digits, blob->checksum) != 0;
    if (!*ret_wrong)
        return 0;
    vf_fail(err, VF_ERR_DATA, "%s of %s arrived with the checksum %s, not the %s that %s announced",
        blob->file, blob->model, digits, blob->checksum, vf_http_hub(blob->http));
    vf_hint(err, "it was thrown away; try again, and look for a proxy that changes files");
    return VF_ERR_DATA;
}

/* Receives and checks. Wrong content is thrown away; once anew when an earlier call has left some
 * of it. */
static int complete(struct download *d, struct vf_err *err)
{
    int rc;
    bool wrong = false;
    VF_TRY(check_space(d, err));
    VF_TRY(receive(d, err));
    rc = check_content(d, &wrong, err);
    if (wrong && d->resumed > 0) {
        VF_TRY(truncate_to(d, 0, err));
        VF_TRY(receive(d, err));
        rc = check_content(d, &wrong, err);
    }
out:
    if (rc == VF_ERR_DATA)
        unlink(d->path);
    return rc;
}

static int open_incomplete(struct download *d, struct vf_err *err)
{
    struct stat st;
    d->fd = open(d->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (d->fd < 0 || fstat(d->fd, &st))
        return vf_hub_fail_errno(err, "write", d->path, errno);
    d->have = d->resumed = d->blob->watch->at.done = (uint64_t)st.st_size;
    return 0;
}

static int fetch_locked(const struct vf_hub_blob *blob, const char *path, struct vf_err *err)
{
    int rc;
    struct vf_buf incomplete = {0};
    struct download d = {.blob = blob, .fd = -1};
    VF_TRY(vf_buf_printf(&incomplete, err, "%s.incomplete", path));
    d.path = incomplete.data;
    VF_TRY(open_incomplete(&d, err));
    VF_TRY(complete(&d, err));
    if (fsync(d.fd) || rename(d.path, path))
        rc = vf_hub_fail_errno(err, "write", path, errno);
out:
    if (d.fd >= 0)
        close(d.fd);
    vf_buf_release(&incomplete);
    return rc;
}

static bool is_there(const struct vf_hub_blob *blob, const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
           (!blob->has_size || (uint64_t)st.st_size == blob->size);
}

int vf_hub_blob_fetch(const struct vf_hub_blob *blob, struct vf_err *err)
{
    int rc, lock = -1;
    struct vf_buf path = {0};
    VF_TRY(vf_buf_printf(&path, err, "%s/blobs/%s", blob->cache->repository, blob->checksum));
    if (is_there(blob, path.data))
        goto out;
    blob->watch->at.total = blob->has_size ? blob->size : 0;
    VF_TRY(
        vf_hub_cache_lock(blob->cache, blob->checksum, vf_hub_watch_call, blob->watch, &lock, err));
    /* Another process may have fetched it while this one waited. */
    if (!is_there(blob, path.data))
        VF_TRY(fetch_locked(blob, path.data, err));
out:
    vf_hub_cache_unlock(lock);
    vf_buf_release(&path);
    return rc;
}
