#include "hub/hub_cache.h"

#include "base/file.h"
#include "hub/hub_env.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_REF_BYTES = 256, /* of a file in refs/, which holds a commit */
    MAX_NAME_BYTES = 96, /* of a model's name, as the Hub has it */
    LOCK_PAUSE_NS = 100 * 1000 * 1000
};

int vf_hub_fail_errno(struct vf_err *err, const char *verb, const char *path, int error)
{
    bool forbidden = error == EACCES || error == EPERM || error == EROFS;
    bool full = error == ENOSPC || error == EDQUOT;
    enum vf_code code = forbidden ? VF_ERR_PERMISSION : VF_ERR_IO;
    vf_fail(err, code, "cannot %s %s: %s", verb, path, full ? "the disk is full" : strerror(error));
    if (forbidden)
        vf_hint(err, "set HF_HUB_CACHE to a directory that you may write to");
    else if (full)
        vf_hint(err, "free some space, or set HF_HUB_CACHE to a directory on another disk; what "
                     "has arrived is kept");
    else
        vf_hint(err, "see that the directory of the Hub cache can be written to");
    return code;
}

/* ---- names ---- */

/* One half of ORG/NAME: [A-Za-z0-9_][A-Za-z0-9._-]* */
static bool is_name_part(const char *s, size_t n)
{
    static const char inner[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return n > 0 && strspn(s, inner) >= n && s[0] != '.' && s[0] != '-';
}

/* True for ORG/NAME and NAME. "--" stands for the slash in the cache, ".." leads out of it. */
static bool is_hub_name(const char *name)
{
    const char *slash = strchr(name, '/');
    size_t n = strlen(name);
    if (n > MAX_NAME_BYTES || strstr(name, "..") || strstr(name, "--"))
        return false;
    if (!slash)
        return is_name_part(name, n);
    size_t org = (size_t)(slash - name);
    return is_name_part(name, org) && is_name_part(slash + 1, n - org - 1);
}

bool vf_hub_is_commit(const char *s)
{
    return strspn(s, "0123456789abcdef") == VF_HUB_COMMIT_DIGITS && s[VF_HUB_COMMIT_DIGITS] == '\0';
}

int vf_hub_check_revision(const char *revision, struct vf_err *err)
{
    size_t n = strlen(revision);
    bool good = n > 0 && *revision != '/' && revision[n - 1] != '/' && !strstr(revision, "//") &&
                !strstr(revision, "..");
    for (const char *p = revision; *p; p++)
        good = good && isgraph((unsigned char)*p) && *p != '\\';
    return good ? 0
                : vf_fail(err, VF_ERR_USAGE, "\"%s\" is not a revision: a branch, tag or commit",
                      revision);
}

static int append_folder(const char *name, struct vf_buf *out, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_buf_append_string(out, "models--", err));
    for (const char *p = name; *p; p++)
        VF_TRY(*p == '/' ? vf_buf_append_string(out, "--", err) : vf_buf_append(out, p, 1, err));
out:
    return rc;
}

int vf_hub_cache_open(
    const char *name, const char *cache_dir, struct vf_hub_cache *ret, struct vf_err *err)
{
    int rc;
    struct vf_hub_cache cache = {0};
    struct vf_buf repository = {0};
    if (!is_hub_name(name)) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND,
            "there is no directory %s, and a name on the Hub looks like ORG/NAME", name);
        vf_hint(err, "give a directory that holds config.json, or a name such as "
                     "sentence-transformers/all-MiniLM-L6-v2");
        goto out;
    }
    VF_TRY(vf_hub_cache_root(cache_dir, &cache.root, err));
    VF_TRY(vf_buf_printf(&repository, err, "%s/", cache.root));
    size_t folder = repository.size;
    VF_TRY(append_folder(name, &repository, err));
    cache.repository = vf_buf_detach(&repository);
    if (!cache.repository) {
        rc = vf_fail_memory(err, "a path");
        goto out;
    }
    cache.folder = cache.repository + folder;
    *ret = cache;
    cache = (struct vf_hub_cache){0};
out:
    vf_buf_release(&repository);
    vf_hub_cache_release(&cache);
    return rc;
}

void vf_hub_cache_release(struct vf_hub_cache *cache)
{
    if (!cache)
        return;
    free(cache->root);
    free(cache->repository);
    *cache = (struct vf_hub_cache){0};
}

/* ---- reading ---- */

int vf_hub_cache_read_ref(const struct vf_hub_cache *cache, const char *revision,
    char ret[VF_HUB_COMMIT_DIGITS + 1], struct vf_err *err)
{
    int rc = 0;
    struct vf_buf path = {0}, text = {0};
    if (vf_hub_is_commit(revision)) {
        memcpy(ret, revision, VF_HUB_COMMIT_DIGITS + 1);
        goto out;
    }
    VF_TRY(vf_buf_printf(&path, err, "%s/refs/%s", cache->repository, revision));
    if (!vf_is_file(path.data)) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND, "there is no %s", path.data);
        goto out;
    }
    VF_TRY(vf_read_file(path.data, MAX_REF_BYTES, &text, err));
    while (text.size > 0 && isspace((unsigned char)text.data[text.size - 1]))
        text.data[--text.size] = '\0';
    if (text.size != VF_HUB_COMMIT_DIGITS || !vf_hub_is_commit(text.data)) {
        rc = vf_fail(err, VF_ERR_DATA, "%s does not hold a commit", path.data);
        goto out;
    }
    memcpy(ret, text.data, VF_HUB_COMMIT_DIGITS + 1);
out:
    vf_buf_release(&text);
    vf_buf_release(&path);
    return rc;
}

int vf_hub_cache_look_up(const struct vf_hub_cache *cache, const char *commit, const char *path,
    enum vf_hub_presence *ret, struct vf_err *err)
{
    int rc;
    struct vf_buf file = {0}, mark = {0};
    VF_TRY(vf_buf_printf(&file, err, "%s/snapshots/%s/%s", cache->repository, commit, path));
    VF_TRY(vf_buf_printf(&mark, err, "%s/.no_exist/%s/%s", cache->repository, commit, path));
    *ret = vf_is_file(file.data)   ? VF_HUB_PRESENT
           : vf_is_file(mark.data) ? VF_HUB_ABSENT
                                   : VF_HUB_UNKNOWN;
out:
    vf_buf_release(&file);
    vf_buf_release(&mark);
    return rc;
}

/* ---- writing ---- */

int vf_hub_make_parents(const char *path, struct vf_err *err)
{
    char *folder = strdup(path);
    if (!folder)
        return vf_fail_memory(err, "a path");
    int rc = 0;
    for (char *p = folder + 1; rc == 0 && (p = strchr(p, '/')); p++) {
        *p = '\0';
        int error = mkdir(folder, 0777) ? errno : 0;
        if (error && error != EEXIST && !vf_is_directory(folder))
            rc = vf_hub_fail_errno(err, "make the directory", folder, error);
        *p = '/';
    }
    free(folder);
    return rc;
}

/* Writes a small file under a passing name in blobs/ and renames it to `path`. */
static int write_file(
    const struct vf_hub_cache *cache, const char *path, const char *text, struct vf_err *err)
{
    int rc, fd = -1;
    struct vf_buf passing = {0};
    size_t n = strlen(text);
    VF_TRY(vf_hub_make_parents(path, err));
    /* The address tells the threads of a process apart. */
    VF_TRY(vf_buf_printf(
        &passing, err, "%s/blobs/ref.%ld.%p", cache->repository, (long)getpid(), (void *)&passing));
    fd = open(passing.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, text, n) != (ssize_t)n || rename(passing.data, path)) {
        rc = vf_hub_fail_errno(err, "write", path, errno);
        unlink(passing.data);
    }
out:
    if (fd >= 0)
        close(fd);
    vf_buf_release(&passing);
    return rc;
}

int vf_hub_cache_prepare(const struct vf_hub_cache *cache, struct vf_err *err)
{
    static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                              "# A cache of models; see https://bford.info/cachedir/\n";
    int rc;
    struct vf_buf path = {0};
    VF_TRY(vf_buf_printf(&path, err, "%s/blobs/", cache->repository));
    VF_TRY(vf_hub_make_parents(path.data, err));
    vf_buf_clear(&path);
    VF_TRY(vf_buf_printf(&path, err, "%s/CACHEDIR.TAG", cache->root));
    if (!vf_is_file(path.data))
        rc = write_file(cache, path.data, tag, err);
out:
    vf_buf_release(&path);
    return rc;
}

/* Appends "../" for each folder from the snapshot's file up to the repository, then the blob. */
static int append_target(
    const char *path, const char *checksum, struct vf_buf *out, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_buf_append_string(out, "../../", err));
    for (const char *p = path; (p = strchr(p, '/')); p++)
        VF_TRY(vf_buf_append_string(out, "../", err));
    VF_TRY(vf_buf_printf(out, err, "blobs/%s", checksum));
out:
    return rc;
}

/* True when the file system itself says that it has no such links. */
static bool has_no_links(int error)
{
    return error == EPERM || error == ENOSYS || error == ENOTSUP || error == EOPNOTSUPP;
}

/* 0 or an errno. */
static int place(const char *blob, const char *target, const char *name, bool symlinks)
{
    if (symlinks && symlink(target, name) == 0)
        return 0;
    if (symlinks && !has_no_links(errno))
        return errno;
    if (link(blob, name) == 0)
        return 0;
    /* On a file system without any links nothing else points to the blob. */
    return has_no_links(errno) && rename(blob, name) == 0 ? 0 : errno;
}

int vf_hub_cache_link(const struct vf_hub_cache *cache, const char *commit, const char *path,
    const char *checksum, bool symlinks, struct vf_err *err)
{
    int rc;
    struct vf_buf name = {0}, blob = {0}, target = {0};
    VF_TRY(vf_buf_printf(&name, err, "%s/snapshots/%s/%s", cache->repository, commit, path));
    VF_TRY(vf_buf_printf(&blob, err, "%s/blobs/%s", cache->repository, checksum));
    VF_TRY(append_target(path, checksum, &target, err));
    VF_TRY(vf_hub_make_parents(name.data, err));
    int error = place(blob.data, target.data, name.data, symlinks);
    /* Either another process was faster, or a link to a blob that is gone stands in the way. */
    if (error == EEXIST && !vf_is_file(name.data) && unlink(name.data) == 0)
        error = place(blob.data, target.data, name.data, symlinks);
    if (error && !(error == EEXIST && vf_is_file(name.data)))
        rc = vf_hub_fail_errno(err, "make", name.data, error);
out:
    vf_buf_release(&name);
    vf_buf_release(&blob);
    vf_buf_release(&target);
    return rc;
}

int vf_hub_cache_mark_absent(
    const struct vf_hub_cache *cache, const char *commit, const char *path, struct vf_err *err)
{
    int rc;
    struct vf_buf mark = {0};
    VF_TRY(vf_buf_printf(&mark, err, "%s/.no_exist/%s/%s", cache->repository, commit, path));
    VF_TRY(vf_hub_make_parents(mark.data, err));
    int fd = open(mark.data, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        rc = vf_hub_fail_errno(err, "write", mark.data, errno);
    else
        close(fd);
out:
    vf_buf_release(&mark);
    return rc;
}

int vf_hub_cache_write_ref(
    const struct vf_hub_cache *cache, const char *revision, const char *commit, struct vf_err *err)
{
    int rc = 0;
    struct vf_buf path = {0};
    if (strcmp(revision, commit) == 0)
        return 0;
    VF_TRY(vf_buf_printf(&path, err, "%s/refs/%s", cache->repository, revision));
    VF_TRY(write_file(cache, path.data, commit, err));
out:
    vf_buf_release(&path);
    return rc;
}

/* ---- locking ---- */

/* Opens and locks `path`: 0, EAGAIN while another process holds it, or another errno. */
static int try_lock(const char *path, int *ret)
{
    struct stat st;
    int error = 0;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0664);
    if (fd < 0)
        return errno;
    if (flock(fd, LOCK_EX | LOCK_NB))
        error = errno == EINTR || errno == EWOULDBLOCK ? EAGAIN : errno;
    else if (fstat(fd, &st) == 0 && st.st_nlink == 0)
        error = EAGAIN; /* it was removed meanwhile: that lock keeps nobody out */
    if (error)
        close(fd);
    else
        *ret = fd;
    return error;
}

int vf_hub_cache_lock(const struct vf_hub_cache *cache, const char *checksum,
    int (*stop)(void *context), void *context, int *ret, struct vf_err *err)
{
    int rc, lock = -1, error;
    struct vf_buf path = {0};
    VF_TRY(vf_buf_printf(&path, err, "%s/.locks/%s/%s.lock", cache->root, cache->folder, checksum));
    VF_TRY(vf_hub_make_parents(path.data, err));
    while ((error = try_lock(path.data, &lock)) == EAGAIN) {
        if (stop(context)) {
            rc = vf_fail(err, VF_ERR_INTERRUPTED, "stopped while waiting for %s", path.data);
            goto out;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    if (error == 0 || error == ENOSYS || error == ENOTSUP || error == EOPNOTSUPP || error == ENOLCK)
        *ret = lock;
    else
        rc = vf_hub_fail_errno(err, "lock", path.data, error);
out:
    vf_buf_release(&path);
    return rc;
}

void vf_hub_cache_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
