/* The Hub cache on disk, in the layout that every other tool reads and writes.
 *
 *     ROOT/models--ORG--NAME/blobs/<checksum>              contents; checked, or not there
 *                            blobs/<checksum>.incomplete   a download that goes on later
 *                            snapshots/<commit>/<path>     relative links to blobs (or plain files)
 *                            .no_exist/<commit>/<path>     empty: known to be absent
 *                            refs/<revision>               the commit
 *     ROOT/.locks/models--ORG--NAME/<checksum>.lock        held, by flock(), while a blob is
 * written
 *
 * Every change is one rename(), link() or symlink(), so that another process sees all of it or
 * nothing. Paths in a repository that reach these functions have no "..", no "." and no leading
 * slash; commits and checksums are hexadecimal: the callers have checked them.
 *
 * Errors: VF_ERR_PERMISSION, VF_ERR_IO (also for a full disk); each names the path and has a hint.
 */
#ifndef VF_HUB_HUB_CACHE_H
#define VF_HUB_HUB_CACHE_H

#include "base/buf.h"

#include <stdbool.h>

enum { VF_HUB_COMMIT_DIGITS = 40 };

/* The cache of one model. Immutable once opened. */
struct vf_hub_cache {
    char *root;         /* of all models; owned */
    char *repository;   /* ROOT/models--ORG--NAME; owned */
    const char *folder; /* the last part of it */
};

enum vf_hub_presence {
    VF_HUB_UNKNOWN, /* nobody has asked the Hub for it */
    VF_HUB_PRESENT,
    VF_HUB_ABSENT /* the Hub has said that there is no such file */
};

/* Where `name` lies or would lie; nothing is made yet. VF_ERR_NOT_FOUND when `name` cannot be a
 * name on the Hub. On success release with vf_hub_cache_release(). */
VF_MUST_CHECK int vf_hub_cache_open(
    const char *name, const char *cache_dir, struct vf_hub_cache *ret, struct vf_err *err);

/* Accepts NULL. */
void vf_hub_cache_release(struct vf_hub_cache *cache);

/* True for 40 lower-case hexadecimal digits. */
bool vf_hub_is_commit(const char *s);

/* VF_ERR_USAGE unless `revision` names a file below refs/ and nothing outside. */
VF_MUST_CHECK int vf_hub_check_revision(const char *revision, struct vf_err *err);

/* ---- reading ---- */

/* The commit that `revision` means here. VF_ERR_NOT_FOUND without a file in refs/, VF_ERR_DATA when
 * that file holds something else. A commit means itself. */
VF_MUST_CHECK int vf_hub_cache_read_ref(const struct vf_hub_cache *cache, const char *revision,
    char ret[VF_HUB_COMMIT_DIGITS + 1], struct vf_err *err);

VF_MUST_CHECK int vf_hub_cache_look_up(const struct vf_hub_cache *cache, const char *commit,
    const char *path, enum vf_hub_presence *ret, struct vf_err *err);

/* ---- writing ---- */

/* Makes the folders above `path` that are missing. */
VF_MUST_CHECK int vf_hub_make_parents(const char *path, struct vf_err *err);

/* Makes the repository's folder for blobs, and marks the root as a cache for backup programs. */
VF_MUST_CHECK int vf_hub_cache_prepare(const struct vf_hub_cache *cache, struct vf_err *err);

/* Gives blob `checksum` the name `path` in a snapshot: by a symbolic link, where `symlinks` and the
 * file system allow it, else by a hard link, else by moving it there. */
VF_MUST_CHECK int vf_hub_cache_link(const struct vf_hub_cache *cache, const char *commit,
    const char *path, const char *checksum, bool symlinks, struct vf_err *err);

VF_MUST_CHECK int vf_hub_cache_mark_absent(
    const struct vf_hub_cache *cache, const char *commit, const char *path, struct vf_err *err);

VF_MUST_CHECK int vf_hub_cache_write_ref(
    const struct vf_hub_cache *cache, const char *revision, const char *commit, struct vf_err *err);

/* Fails with "cannot VERB PATH: REASON" and the hint that fits `error`, an errno. */
int vf_hub_fail_errno(struct vf_err *err, const char *verb, const char *path, int error);

/* ---- locking ---- */

/* Takes the lock of a blob, waiting while another process holds it; gives up with
 * VF_ERR_INTERRUPTED once `stop` says so. Where the file system has no locks *ret is -1: two
 * processes then may write the same bytes, and the checksum tells. */
VF_MUST_CHECK int vf_hub_cache_lock(const struct vf_hub_cache *cache, const char *checksum,
    int (*stop)(void *context), void *context, int *ret, struct vf_err *err);

void vf_hub_cache_unlock(int lock);

#endif
