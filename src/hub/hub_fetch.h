/* A model of the Hub into the cache, with all files that an encoder needs.
 *
 * The revision is resolved once; every file is then asked for by the commit. What the cache has is
 * not asked for again. refs/ is written last, so that a fetch that fails or is stopped leaves a
 * cache that works as it did before, and the next one goes on from there.
 */
#ifndef VF_HUB_HUB_FETCH_H
#define VF_HUB_HUB_FETCH_H

#include "hub/hub.h"

/* Fetches the model, as its revision is on the Hub now; offline it is looked up instead.
 * VF_ERR_NOT_FOUND: no such model, revision
 * or file, or asking the Hub is forbidden; VF_ERR_PERMISSION: private or gated, or the cache cannot
 * be written; VF_ERR_UNAVAILABLE: the Hub did not answer, not in time, or not well; VF_ERR_DATA: a
 * file is not what the Hub announced; VF_ERR_IO: also a full disk; VF_ERR_INTERRUPTED: the callback
 * said so. No message holds the token. */
VF_MUST_CHECK int vf_hub_fetch(
    const struct vf_hub_request *request, struct vf_hub_location *ret, struct vf_err *err);

#endif
