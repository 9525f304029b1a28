/* A model's name to a directory on this machine.
 *
 * Order: an existing directory of that name; then the standard Hub cache
 * (ROOT/models--org--name/snapshots/<commit>), with the revision looked up in refs/; then the Hub,
 * unless that is forbidden (hub_fetch.h). hub_env.h tells where the cache is and which Hub is
 * asked.
 */
#ifndef VF_HUB_HUB_H
#define VF_HUB_HUB_H

#include "base/error.h"

#include <stdbool.h>
#include <vecfill/fetch.h>

#define VF_HUB_DEFAULT_REVISION "main"

/* What is wanted; everything is borrowed. */
struct vf_hub_request {
    const char *name;            /* a directory or a name on the Hub */
    const char *revision;        /* NULL: VF_HUB_DEFAULT_REVISION */
    const char *cache_dir;       /* NULL: the environment's */
    bool offline;                /* never ask the Hub; so does HF_HUB_OFFLINE */
    vf_fetch_callback *progress; /* NULL: nobody is told */
    void *context;
};

struct vf_hub_location {
    char *directory; /* holds config.json and the rest; owned */
    char *commit;    /* 40 hexadecimal digits, or NULL for a plain directory; owned */
};

/* Finds the model, and fetches it when the cache does not have all of it. What the cache has is
 * taken without a look at the Hub. When all required files are there, but nobody has asked the Hub
 * for some of the others, the snapshot is completed, or taken as it is if the Hub cannot be asked,
 * as the Hub's own library does. Errors: those of vf_hub_resolve() and vf_hub_fetch();
 * a message says where was looked. On success release *ret with vf_hub_location_release(). */
VF_MUST_CHECK int vf_hub_obtain(
    const struct vf_hub_request *request, struct vf_hub_location *ret, struct vf_err *err);

/* Finds the model on this machine alone. A revision is refused (VF_ERR_USAGE) for a plain
 * directory. VF_ERR_NOT_FOUND says where was looked and how to get the model; VF_ERR_DATA: it is
 * there in part. On success release *ret with vf_hub_location_release(). */
VF_MUST_CHECK int vf_hub_resolve(const char *name, const char *revision, const char *cache_dir,
    struct vf_hub_location *ret, struct vf_err *err);

/* Copies both strings; `commit` may be NULL. */
VF_MUST_CHECK int vf_hub_location_make(
    const char *directory, const char *commit, struct vf_hub_location *ret, struct vf_err *err);

/* Accepts NULL. */
void vf_hub_location_release(struct vf_hub_location *location);

#endif
