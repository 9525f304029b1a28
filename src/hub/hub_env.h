/* The environment variables that the Hub's own library reads, with the meaning that they have
 * there.
 *
 *   where the cache is   HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else HF_HOME/hub, else
 *                        XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub;
 *                        "~" and $NAME are expanded
 *   which Hub is asked   HF_ENDPOINT, else https://huggingface.co
 *   who asks             HF_TOKEN, else HUGGING_FACE_HUB_TOKEN, else the file HF_TOKEN_PATH, else
 *                        the file "token" in HF_HOME; nobody with HF_HUB_DISABLE_IMPLICIT_TOKEN
 *   how long to wait     HF_HUB_ETAG_TIMEOUT for what a file is, HF_HUB_DOWNLOAD_TIMEOUT for the
 *                        next byte of it; whole seconds, 10 when unset or 0
 *   not at all           HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE
 *   who is trusted       CURL_CA_BUNDLE, else SSL_CERT_FILE, else libcurl's own certificates;
 *                        libcurl itself reads the variables for proxies
 *
 * A boolean is true for 1, on, yes and true. An empty variable counts as unset.
 */
#ifndef VF_HUB_HUB_ENV_H
#define VF_HUB_HUB_ENV_H

#include "base/error.h"

#include <stdbool.h>

struct vf_hub_env {
    char *endpoint; /* http:// or https://, without a slash at its end; owned */
    char *token;    /* NULL: none; never to be printed; owned */
    char *ca_file;  /* certificates; NULL: libcurl's own; owned */
    unsigned etag_timeout_s, download_timeout_s;
    bool symlinks; /* HF_HUB_DISABLE_SYMLINKS is not set */
};

/* Reads the environment now. VF_ERR_CONFIG names a variable whose value makes no sense. On success
 * release *ret with vf_hub_env_release(). */
VF_MUST_CHECK int vf_hub_env_read(struct vf_hub_env *ret, struct vf_err *err);

/* Accepts NULL. */
void vf_hub_env_release(struct vf_hub_env *env);

/* The variable that forbids asking the Hub, or NULL. */
const char *vf_hub_env_offline(void);

/* The root of the Hub cache, allocated; the caller frees it. `cache_dir` is what an option says, or
 * NULL. */
VF_MUST_CHECK int vf_hub_cache_root(const char *cache_dir, char **ret, struct vf_err *err);

#endif
