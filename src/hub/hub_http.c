#include "hub/hub_http.h"

#include "base/buf.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_REDIRECTS = 10, STATUS_OK = 200, STATUS_PARTIAL = 206 };

struct vf_http {
    const struct vf_hub_env *env;
    CURL *curl;
    struct curl_slist *headers;            /* of every request */
    struct curl_slist *headers_with_token; /* of one to the Hub */
    char *hub;                             /* the endpoint, fit to be shown */
    int (*stop)(void *context);
    void *context;
    char detail[CURL_ERROR_SIZE]; /* libcurl's own words */

    /* Of the request in hand: */
    const struct vf_http_sink *sink; /* NULL for HEAD */
    struct vf_http_answer answer;
    bool linked_checksum, linked_size; /* X-Linked-… has come and wins */
    bool begun;
    char *location; /* of a redirect */
    int failure;    /* what the sink returned */
    struct vf_err *err;
};

/* ---- headers ---- */

/* The value of header `name` in `line`, trimmed, or NULL. *ret_n is its length. */
static const char *header_value(const char *line, size_t n, const char *name, size_t *ret_n)
{
    size_t length = strlen(name);
    if (n <= length || line[length] != ':' || strncasecmp(line, name, length) != 0)
        return NULL;
    const char *begin = line + length + 1, *end = line + n;
    while (begin < end && strchr(" \t", *begin))
        begin++;
    while (end > begin && strchr(" \t\r\n", end[-1]))
        end--;
    *ret_n = (size_t)(end - begin);
    return begin;
}

/* A value that does not fit, or holds a NUL, counts as none. */
static void keep(char *out, size_t size, const char *value, size_t n)
{
    bool fits = n < size && !memchr(value, '\0', n);
    if (fits)
        memcpy(out, value, n);
    out[fits ? n : 0] = '\0';
}

static void keep_checksum(struct vf_http *http, const char *value, size_t n)
{
    if (n > 2 && strncmp(value, "W/", 2) == 0)
        value += 2, n -= 2;
    if (n > 1 && value[0] == '"' && value[n - 1] == '"')
        value++, n -= 2;
    keep(http->answer.checksum, sizeof http->answer.checksum, value, n);
}

/* Decimal digits at the begin of `value`; false without any, or when they are too many. */
static bool read_number(const char *value, size_t n, uint64_t *ret)
{
    uint64_t number = 0;
    size_t i = 0;
    for (; i < n && value[i] >= '0' && value[i] <= '9'; i++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(value[i] - '0'), &number))
            return false;
    }
    *ret = number;
    return i > 0;
}

static void read_size(struct vf_http *http, const char *value, size_t n)
{
    struct vf_http_answer *a = &http->answer;
    a->has_size = read_number(value, n, &a->size);
}

static void read_header(struct vf_http *http, const char *line, size_t n)
{
    static const char range_unit[] = "bytes ";
    struct vf_http_answer *a = &http->answer;
    const char *value;
    size_t size;
    if ((value = header_value(line, n, "X-Repo-Commit", &size))) {
        keep(a->commit, sizeof a->commit, value, size);
    } else if ((value = header_value(line, n, "X-Linked-Etag", &size))) {
        keep_checksum(http, value, size);
        http->linked_checksum = true;
    } else if ((value = header_value(line, n, "ETag", &size)) && !http->linked_checksum) {
        keep_checksum(http, value, size);
    } else if ((value = header_value(line, n, "X-Linked-Size", &size))) {
        read_size(http, value, size);
        http->linked_size = true;
    } else if ((value = header_value(line, n, "Content-Length", &size)) && !http->linked_size) {
        read_size(http, value, size);
    } else if ((value = header_value(line, n, "X-Error-Code", &size))) {
        keep(a->error_code, sizeof a->error_code, value, size);
    } else if ((value = header_value(line, n, "Retry-After", &size))) {
        keep(a->retry_after, sizeof a->retry_after, value, size);
    } else if ((value = header_value(line, n, "Content-Range", &size)) &&
               size > strlen(range_unit) && strncmp(value, range_unit, strlen(range_unit)) == 0) {
        (void)read_number(value + strlen(range_unit), size - strlen(range_unit), &a->begin);
    } else if ((value = header_value(line, n, "Location", &size)) && !memchr(value, '\0', size)) {
        free(http->location);
        http->location = strndup(value, size);
    }
}

/* Forgets the answer before, except for the commit: it stands in the Hub's first answer. */
static void begin_answer(struct vf_http *http)
{
    struct vf_http_answer fresh = {0};
    memcpy(fresh.commit, http->answer.commit, sizeof fresh.commit);
    http->answer = fresh;
    http->linked_checksum = http->linked_size = http->begun = false;
    free(http->location);
    http->location = NULL;
}

static size_t on_header(char *line, size_t one, size_t n, void *user)
{
    struct vf_http *http = user;
    if (n >= 5 && strncmp(line, "HTTP/", 5) == 0)
        begin_answer(http);
    else
        read_header(http, line, one * n);
    return one * n;
}

/* ---- bodies ---- */

static size_t on_body(char *bytes, size_t one, size_t n, void *user)
{
    struct vf_http *http = user;
    long status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    /* What an error says in its body is not needed; refusing it ends the transfer. */
    if (!http->sink || (status != STATUS_OK && status != STATUS_PARTIAL))
        return 0;
    if (!http->begun) {
        uint64_t begin = status == STATUS_PARTIAL ? http->answer.begin : 0;
        http->failure = http->sink->begin(http->sink->context, begin, http->err);
        http->begun = true;
    }
    if (http->failure == 0)
        http->failure = http->sink->write(http->sink->context, bytes, one * n, http->err);
    return http->failure == 0 ? one * n : 0;
}

static int on_progress(
    void *user, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal, curl_off_t ulnow)
{
    struct vf_http *http = user;
    (void)dltotal, (void)dlnow, (void)ultotal, (void)ulnow;
    return http->stop(http->context) != 0;
}

/* ---- addresses ---- */

/* The part of a URL, or NULL; free with curl_free(). */
static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK ? text : NULL;
}

static bool has_same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *of_a = url_part(a, part), *of_b = url_part(b, part);
    bool same = of_a && of_b && strcasecmp(of_a, of_b) == 0;
    curl_free(of_a);
    curl_free(of_b);
    return same;
}

static bool has_same_origin(CURLU *a, CURLU *b)
{
    return has_same_part(a, b, CURLUPART_SCHEME) && has_same_part(a, b, CURLUPART_HOST) &&
           has_same_part(a, b, CURLUPART_PORT);
}

static bool is_https(CURLU *url)
{
    char *scheme = url_part(url, CURLUPART_SCHEME);
    bool https = scheme && strcasecmp(scheme, "https") == 0;
    curl_free(scheme);
    return https;
}

/* The endpoint without a user and a password. */
static char *make_presentable(const char *endpoint)
{
    CURLU *url = curl_url();
    char *text = NULL, *copy = NULL;
    if (url && curl_url_set(url, CURLUPART_URL, endpoint, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK) {
        size_t n = strlen(text);
        copy = strndup(text, n > 0 && text[n - 1] == '/' ? n - 1 : n);
    }
    curl_free(text);
    curl_url_cleanup(url);
    return copy;
}

char *vf_http_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = escaped ? strdup(escaped) : NULL;
    curl_free(escaped);
    return copy;
}

/* ---- requests ---- */

static int fail_unreachable(struct vf_http *http, CURLcode code, struct vf_err *err)
{
    const char *detail = http->detail[0] ? http->detail : curl_easy_strerror(code);
    const char *what = http->answer.status ? "lost the connection to" : "cannot reach";
    vf_fail(err, VF_ERR_UNAVAILABLE, "%s %s: %s", what, http->hub, detail);
    vf_hint(err, "see that this machine has a way to it (HTTPS_PROXY, HF_ENDPOINT), or give a "
                 "directory that holds the model");
    return VF_ERR_UNAVAILABLE;
}

/* One request to `url`, without following anything. */
static int perform(struct vf_http *http, CURLU *url, bool with_token, struct vf_err *err)
{
    http->failure = 0;
    http->err = err;
    http->detail[0] = '\0';
    curl_easy_setopt(http->curl, CURLOPT_CURLU, url);
    curl_easy_setopt(
        http->curl, CURLOPT_HTTPHEADER, with_token ? http->headers_with_token : http->headers);
    CURLcode code = curl_easy_perform(http->curl);
    long status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    http->answer.status = (int)status;
    if (http->failure)
        return http->failure;
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return vf_fail(err, VF_ERR_INTERRUPTED, "stopped while asking %s", http->hub);
    bool refused_body = code == CURLE_WRITE_ERROR && status >= 300;
    if (code == CURLE_OK || refused_body)
        return 0;
    return fail_unreachable(http, code, err);
}

/* Turns `url` to where the redirect leads. */
static int follow(struct vf_http *http, CURLU *url, struct vf_err *err)
{
    bool secure = is_https(url);
    if (curl_url_set(url, CURLUPART_URL, http->location, 0) != CURLUE_OK)
        return vf_fail(
            err, VF_ERR_UNAVAILABLE, "%s redirects to something that is no address", http->hub);
    if (secure && !is_https(url))
        return vf_fail(err, VF_ERR_UNAVAILABLE,
            "%s redirects to an address without TLS, which is not followed", http->hub);
    return 0;
}

static bool is_redirect(const struct vf_http *http)
{
    return http->answer.status >= 300 && http->answer.status < 400 && http->location;
}

/* Requests ENDPOINT/`path` and what it redirects to; with `within` no further than the Hub. */
static int request(struct vf_http *http, const char *path, bool within, struct vf_err *err)
{
    int rc;
    struct vf_buf text = {0};
    CURLU *hub = curl_url(), *url = curl_url(), *next = NULL;
    http->answer = (struct vf_http_answer){0};
    if (!hub || !url) {
        rc = vf_fail_memory(err, "an address");
        goto out;
    }
    VF_TRY(vf_buf_printf(&text, err, "%s/%s", http->env->endpoint, path));
    if (curl_url_set(hub, CURLUPART_URL, http->env->endpoint, 0) != CURLUE_OK ||
        curl_url_set(url, CURLUPART_URL, text.data, 0) != CURLUE_OK) {
        rc = vf_fail(err, VF_ERR_CONFIG, "HF_ENDPOINT is not the http address of a Hub");
        goto out;
    }
    for (int redirects = 0;; redirects++) {
        VF_TRY(perform(http, url, has_same_origin(hub, url), err));
        if (!is_redirect(http))
            break;
        if (redirects == MAX_REDIRECTS) {
            rc = vf_fail(err, VF_ERR_UNAVAILABLE, "%s redirects without end", http->hub);
            break;
        }
        curl_url_cleanup(next);
        next = curl_url_dup(url);
        if (!next) {
            rc = vf_fail_memory(err, "an address");
            break;
        }
        VF_TRY(follow(http, next, err));
        if (within && !has_same_origin(hub, next))
            break;
        CURLU *done = url;
        url = next;
        next = done;
    }
out:
    vf_buf_release(&text);
    curl_url_cleanup(hub);
    curl_url_cleanup(url);
    curl_url_cleanup(next);
    return rc;
}

int vf_http_head(
    struct vf_http *http, const char *path, struct vf_http_answer *ret, struct vf_err *err)
{
    http->sink = NULL;
    curl_easy_setopt(http->curl, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(http->curl, CURLOPT_RANGE, NULL);
    curl_easy_setopt(http->curl, CURLOPT_TIMEOUT, (long)http->env->etag_timeout_s);
    int rc = request(http, path, true, err);
    if (rc)
        return rc;
    /* A redirect's own length is not the file's. */
    if (http->answer.status >= 300 && !http->linked_size)
        http->answer.has_size = false;
    *ret = http->answer;
    return 0;
}

int vf_http_get(struct vf_http *http, const char *path, uint64_t offset,
    const struct vf_http_sink *sink, struct vf_http_answer *ret, struct vf_err *err)
{
    char range[32];
    snprintf(range, sizeof range, "%" PRIu64 "-", offset);
    http->sink = sink;
    curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    /* Not RESUME_FROM, which takes a 200 for a failure. */
    curl_easy_setopt(http->curl, CURLOPT_RANGE, offset > 0 ? range : NULL);
    curl_easy_setopt(http->curl, CURLOPT_TIMEOUT, 0L);
    int rc = request(http, path, false, err);
    *ret = http->answer;
    return rc;
}

/* ---- life cycle ---- */

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int append_header(struct curl_slist **list, const char *line, struct vf_err *err)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (!longer)
        return vf_fail_memory(err, "a request");
    *list = longer;
    return 0;
}

static int make_headers(struct vf_http *http, struct vf_err *err)
{
    static const char identity[] = "Accept-Encoding: identity";
    int rc;
    struct vf_buf line = {0};
    VF_TRY(append_header(&http->headers, identity, err));
    VF_TRY(append_header(&http->headers_with_token, identity, err));
    if (http->env->token) {
        VF_TRY(vf_buf_printf(&line, err, "Authorization: Bearer %s", http->env->token));
        VF_TRY(append_header(&http->headers_with_token, line.data, err));
    }
out:
    vf_buf_release(&line);
    return rc;
}

static void allow_only_http(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void set_up(struct vf_http *http)
{
    CURL *curl = http->curl;
    allow_only_http(curl);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "vecfill/" VF_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (http->env->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, http->env->ca_file);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)http->env->etag_timeout_s);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)http->env->download_timeout_s);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->detail);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, http);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
}

int vf_http_open(const struct vf_hub_env *env, int (*stop)(void *context), void *context,
    struct vf_http **ret, struct vf_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int rc = 0;
    pthread_once(&once, start_curl);
    struct vf_http *http = calloc(1, sizeof *http);
    if (!http || !(http->curl = curl_easy_init())) {
        rc = vf_fail_memory(err, "a connection to the Hub");
        goto out;
    }
    http->env = env;
    http->stop = stop;
    http->context = context;
    if (!(http->hub = make_presentable(env->endpoint))) {
        rc = vf_fail(err, VF_ERR_CONFIG, "HF_ENDPOINT is not the http address of a Hub");
        goto out;
    }
    VF_TRY(make_headers(http, err));
    set_up(http);
    *ret = http;
    http = NULL;
out:
    vf_http_close(http);
    return rc;
}

void vf_http_close(struct vf_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    curl_slist_free_all(http->headers);
    curl_slist_free_all(http->headers_with_token);
    free(http->location);
    free(http->hub);
    free(http);
}

const char *vf_http_hub(const struct vf_http *http)
{
    return http->hub;
}
