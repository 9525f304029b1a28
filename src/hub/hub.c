#include "hub/hub.h"

#include "base/file.h"
#include "hub/hub_cache.h"
#include "hub/hub_env.h"
#include "hub/hub_fetch.h"
#include "hub/hub_files.h"

#include <stdlib.h>
#include <string.h>

int vf_hub_location_make(
    const char *directory, const char *commit, struct vf_hub_location *ret, struct vf_err *err)
{
    struct vf_hub_location location = {
        .directory = strdup(directory), .commit = commit ? strdup(commit) : NULL};
    if (!location.directory || (commit && !location.commit)) {
        vf_hub_location_release(&location);
        return vf_fail_memory(err, "a model's location");
    }
    *ret = location;
    return 0;
}

void vf_hub_location_release(struct vf_hub_location *location)
{
    if (!location)
        return;
    free(location->directory);
    free(location->commit);
    *location = (struct vf_hub_location){0};
}

/* ---- a snapshot ---- */

struct look {
    const struct vf_hub_cache *cache;
    const char *commit;
    bool unknown; /* nobody has asked the Hub for one of the files */
};

/* A vf_hub_getter that asks nobody. */
static int look_up(void *context, const char *path, bool *ret_found, struct vf_err *err)
{
    struct look *look = context;
    enum vf_hub_presence presence = VF_HUB_UNKNOWN;
    int rc = vf_hub_cache_look_up(look->cache, look->commit, path, &presence, err);
    *ret_found = presence == VF_HUB_PRESENT;
    look->unknown = look->unknown || presence == VF_HUB_UNKNOWN;
    return rc;
}

static void hint_to_fetch(struct vf_err *err, const char *name, const char *revision)
{
    const char *offline = vf_hub_env_offline();
    bool is_default = strcmp(revision, VF_HUB_DEFAULT_REVISION) == 0;
    if (offline)
        vf_hint(err,
            "%s forbids asking the Hub: unset it, or give a directory that holds the model",
            offline);
    else
        vf_hint(err, "run: vecfill model fetch %s%s%s, or give a directory that holds it", name,
            is_default ? "" : " --revision ", is_default ? "" : revision);
}

/* Fails unless the snapshot has every file that is required. *ret_whole tells whether there can be
 * none that is missing. */
static int check_snapshot(const struct vf_hub_cache *cache, const char *directory, const char *name,
    const char *commit, bool *ret_whole, struct vf_err *err)
{
    struct look look = {.cache = cache, .commit = commit};
    if (!vf_is_directory(directory))
        return vf_fail(err, VF_ERR_NOT_FOUND,
            "the model %s is neither a directory nor in the Hub cache: there is no %s", name,
            directory);
    int rc = vf_hub_files_visit(directory, name, look_up, &look, err);
    if (rc == VF_ERR_NOT_FOUND) {
        rc = VF_ERR_DATA;
        if (err)
            err->code = rc;
        vf_err_prefix(err, "the model was not fetched whole into %s", directory);
    }
    *ret_whole = rc == 0 && !look.unknown;
    return rc;
}

static int find_in_cache(const struct vf_hub_cache *cache, const char *name, const char *revision,
    bool *ret_whole, struct vf_hub_location *ret, struct vf_err *err)
{
    int rc;
    char commit[VF_HUB_COMMIT_DIGITS + 1];
    struct vf_buf snapshot = {0};
    rc = vf_hub_cache_read_ref(cache, revision, commit, err);
    if (rc == VF_ERR_NOT_FOUND)
        vf_err_prefix(err, "the model %s is neither a directory nor in the Hub cache", name);
    if (rc)
        goto out;
    VF_TRY(vf_buf_printf(&snapshot, err, "%s/snapshots/%s", cache->repository, commit));
    VF_TRY(check_snapshot(cache, snapshot.data, name, commit, ret_whole, err));
    VF_TRY(vf_hub_location_make(snapshot.data, commit, ret, err));
out:
    if (rc == VF_ERR_NOT_FOUND || rc == VF_ERR_DATA)
        hint_to_fetch(err, name, revision);
    vf_buf_release(&snapshot);
    return rc;
}

/* ---- from the Hub ---- */

/* Fetches what is missing. `found` is what the cache has, which is taken when the Hub cannot be
 * asked or does not give more; its directory is NULL when that is nothing to work with. */
static int fetch_missing(const struct vf_hub_request *request, const struct vf_hub_cache *cache,
    struct vf_hub_location *found, struct vf_hub_location *ret, struct vf_err *err)
{
    struct vf_err trouble = {0};
    int rc = vf_hub_fetch(request, ret, &trouble);
    bool usable = found->directory &&
                  (rc == VF_ERR_UNAVAILABLE || rc == VF_ERR_PERMISSION || rc == VF_ERR_NOT_FOUND);
    if (usable) {
        *ret = *found;
        *found = (struct vf_hub_location){0};
        return 0;
    }
    if (rc == 0)
        return 0;
    if (rc != VF_ERR_INTERRUPTED)
        vf_err_prefix(&trouble, "%s is neither a directory nor whole in the Hub cache %s",
            request->name, cache->root);
    if (err)
        *err = trouble;
    return rc;
}

static int find_or_fetch(
    const struct vf_hub_request *request, struct vf_hub_location *ret, struct vf_err *err)
{
    int rc;
    bool whole = false;
    struct vf_hub_cache cache = {0};
    struct vf_hub_location found = {0};
    const char *revision = request->revision ? request->revision : VF_HUB_DEFAULT_REVISION;
    VF_TRY(vf_hub_cache_open(request->name, request->cache_dir, &cache, err));
    VF_TRY(vf_hub_check_revision(revision, err));
    rc = find_in_cache(&cache, request->name, revision, &whole, &found, err);
    bool missing = rc == VF_ERR_NOT_FOUND || rc == VF_ERR_DATA || (rc == 0 && !whole);
    if (missing && !request->offline && !vf_hub_env_offline()) {
        rc = fetch_missing(request, &cache, &found, ret, err);
    } else if (rc == 0) {
        *ret = found;
        found = (struct vf_hub_location){0};
    }
out:
    vf_hub_location_release(&found);
    vf_hub_cache_release(&cache);
    return rc;
}

int vf_hub_obtain(
    const struct vf_hub_request *request, struct vf_hub_location *ret, struct vf_err *err)
{
    if (!*request->name)
        return vf_fail(err, VF_ERR_USAGE, "the model's name is empty");
    if (!vf_is_directory(request->name))
        return find_or_fetch(request, ret, err);
    if (request->revision) {
        int rc =
            vf_fail(err, VF_ERR_USAGE, "the model %s is a directory, which has no revision \"%s\"",
                request->name, request->revision);
        vf_hint(err, "leave the revision out");
        return rc;
    }
    return vf_hub_location_make(request->name, NULL, ret, err);
}

int vf_hub_resolve(const char *name, const char *revision, const char *cache_dir,
    struct vf_hub_location *ret, struct vf_err *err)
{
    const struct vf_hub_request request = {
        .name = name, .revision = revision, .cache_dir = cache_dir, .offline = true};
    return vf_hub_obtain(&request, ret, err);
}
