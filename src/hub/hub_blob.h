/* One file of the Hub into blobs/ of the cache: resumed, checked, then named by its checksum. */
#ifndef VF_HUB_HUB_BLOB_H
#define VF_HUB_HUB_BLOB_H

#include "hub/hub_cache.h"
#include "hub/hub_http.h"
#include "hub/hub_watch.h"

/* What is fetched; everything is borrowed. */
struct vf_hub_blob {
    const struct vf_hub_cache *cache;
    struct vf_http *http;
    struct vf_hub_watch *watch; /* its `at` follows the bytes */
    const char *model, *file;   /* for messages */
    const char *url_path;       /* below the endpoint */
    const char *checksum;       /* 64 digits: SHA-256; 40 digits: git's blob SHA-1 */
    bool has_size;
    uint64_t size;
};

/* Makes sure that the blob is there. A connection that breaks off is taken up again where it ended,
 * a few times; what has arrived when this fails is kept as .incomplete for the next call, unless it
 * is wrong. VF_ERR_DATA when the content is not what the Hub announced, VF_ERR_UNAVAILABLE when the
 * Hub gives no more of it. */
VF_MUST_CHECK int vf_hub_blob_fetch(const struct vf_hub_blob *blob, struct vf_err *err);

/* True for a checksum by which a blob can be checked. */
bool vf_hub_is_checksum(const char *s);

/* Fails with what a status other than success means: by VF_ERR_NOT_FOUND, VF_ERR_PERMISSION, or
 * VF_ERR_UNAVAILABLE. `file` may be NULL when it is the model that was asked for, at `revision`. */
int vf_hub_fail_status(struct vf_err *err, const struct vf_http *http,
    const struct vf_http_answer *answer, const char *model, const char *revision, const char *file);

#endif
