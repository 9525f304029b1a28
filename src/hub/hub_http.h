/* Asking the Hub over HTTP, with libcurl.
 *
 * Redirects are followed here and not by libcurl, for what the Hub says about a file stands in its
 * own answer and not in that of the storage behind it, and for the token goes to the Hub's own
 * scheme, host and port alone. From https nothing leads back to http.
 *
 * Thread rule: one struct vf_http belongs to one thread at a time; several may be used at once.
 */
#ifndef VF_HUB_HUB_HTTP_H
#define VF_HUB_HUB_HTTP_H

#include "base/error.h"
#include "hub/hub_env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vf_http;

/* What the last answer said that was not a redirect to follow. Strings are empty where it was
 * silent, or said more than fits. */
struct vf_http_answer {
    int status;
    char commit[48];      /* X-Repo-Commit, also of an answer before it */
    char checksum[80];    /* X-Linked-Etag, else ETag, without W/ and quotes */
    char error_code[32];  /* X-Error-Code */
    char retry_after[48]; /* Retry-After, in seconds or a date */
    bool has_size;
    uint64_t size;  /* X-Linked-Size, else Content-Length of a file that is not elsewhere */
    uint64_t begin; /* of the bytes in a 206, by Content-Range */
};

/* Where the bytes of a file go. Both return 0 or a vf_code with *err filled, which ends the
 * transfer and is what vf_http_get() returns. */
struct vf_http_sink {
    /* Once, before the first byte: they begin at `offset` of the file. */
    int (*begin)(void *context, uint64_t offset, struct vf_err *err);
    int (*write)(void *context, const void *bytes, size_t n, struct vf_err *err);
    void *context;
};

/* `stop` is called about once a second or more often; anything but 0 ends the transfer with
 * VF_ERR_INTERRUPTED. `env` must outlive *ret, which the caller ends with vf_http_close(). */
VF_MUST_CHECK int vf_http_open(const struct vf_hub_env *env, int (*stop)(void *context),
    void *context, struct vf_http **ret, struct vf_err *err);

/* Accepts NULL. */
void vf_http_close(struct vf_http *http);

/* The Hub's address as it may be shown: without a user and a password. */
const char *vf_http_hub(const struct vf_http *http);

/* Asks what lies at ENDPOINT/`path`. Redirects within the Hub are followed; one that leads to
 * another host is the answer. VF_ERR_UNAVAILABLE when there was no answer in time; any status is an
 * answer. */
VF_MUST_CHECK int vf_http_head(
    struct vf_http *http, const char *path, struct vf_http_answer *ret, struct vf_err *err);

/* Fetches ENDPOINT/`path` from byte `offset` on. Only the body of a 200 or 206 goes to `sink`; a
 * 200 begins at 0 whatever was asked for. *ret is filled whenever there was an answer, also when
 * the transfer then failed. VF_ERR_UNAVAILABLE when it was cut or brought nothing for the time-out.
 */
VF_MUST_CHECK int vf_http_get(struct vf_http *http, const char *path, uint64_t offset,
    const struct vf_http_sink *sink, struct vf_http_answer *ret, struct vf_err *err);

/* `text` for a part of a URL, with everything but letters, digits and "-._~" as %XX; allocated.
 * NULL when memory is out. */
char *vf_http_escape(const char *text);

#endif
