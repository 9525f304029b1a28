/* A model's name to a directory on this machine.
 *
 * Order: an existing directory of that name; then the standard Hub cache
 * (ROOT/models--org--name/snapshots/<commit>), with the revision looked up in refs/.
 * ROOT: options' cache_dir, else HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else
 * XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub. "~" and $NAME are expanded.
 */
#ifndef VF_HUB_HUB_H
#define VF_HUB_HUB_H

#include "base/error.h"

struct vf_hub_location {
    char *directory; /* holds config.json and the rest; owned */
    char *commit;    /* 40 hexadecimal digits, or NULL for a plain directory; owned */
};

/* Finds the model. `revision` NULL means "main"; it is refused (VF_ERR_USAGE) for a plain
 * directory. `cache_dir` NULL means the environment's. VF_ERR_NOT_FOUND says where was looked and
 * how to get the model. On success release *ret with vf_hub_location_release(). */
VF_MUST_CHECK int vf_hub_resolve(const char *name, const char *revision, const char *cache_dir,
    struct vf_hub_location *ret, struct vf_err *err);

void vf_hub_location_release(struct vf_hub_location *location);

/* The root of the Hub cache, allocated; the caller frees it. */
VF_MUST_CHECK int vf_hub_cache_root(const char *cache_dir, char **ret, struct vf_err *err);

#endif
