#include "hub/hub_env.h"

#include "base/buf.h"
#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    MAX_TOKEN_FILE_BYTES = 4096,
    MAX_VARIABLE_BYTES = 128, /* of a name after '$' */
    DEFAULT_TIMEOUT_S = 10,
    MAX_TIMEOUT_S = 86400
};

static const char default_endpoint[] = "https://huggingface.co";

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool is_true(const char *name)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    const char *value = environment(name);
    for (size_t i = 0; value && i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

/* ---- paths ---- */

/* Appends the value of the variable that `p` (at its '$') names and moves `p` behind the name; a
 * variable that is not set stays as it is written. */
static int append_variable(const char **p, struct vf_buf *out, struct vf_err *err)
{
    const char *begin = *p + 1;
    bool braced = *begin == '{';
    begin += braced;
    const char *end = begin;
    while (isalnum((unsigned char)*end) || *end == '_')
        end++;
    const char *next = end + (braced && *end == '}');
    char name[MAX_VARIABLE_BYTES];
    size_t n = (size_t)(end - begin);
    const char *value = NULL;
    if (n > 0 && n < sizeof(name) && (!braced || *end == '}')) {
        memcpy(name, begin, n);
        name[n] = '\0';
        value = getenv(name);
    }
    const char *written = *p;
    *p = next;
    return value ? vf_buf_append_string(out, value, err)
                 : vf_buf_append(out, written, (size_t)(next - written), err);
}

static int home_directory(const char **ret, struct vf_err *err)
{
    const char *home = environment("HOME");
    if (!home) {
        int rc = vf_fail(err, VF_ERR_CONFIG, "HOME is not set, so that the Hub cache has no place");
        vf_hint(err, "set HOME, or HF_HUB_CACHE to the directory of the cache");
        return rc;
    }
    *ret = home;
    return 0;
}

/* Appends `path` with a leading "~" and every $NAME and ${NAME} expanded. */
static int append_expanded(const char *path, struct vf_buf *out, struct vf_err *err)
{
    int rc = 0;
    const char *p = path;
    if (p[0] == '~' && (p[1] == '/' || p[1] == '\0')) {
        const char *home = NULL;
        VF_TRY(home_directory(&home, err));
        VF_TRY(vf_buf_append_string(out, home, err));
        p++;
    }
    while (*p) {
        size_t plain = strcspn(p, "$");
        VF_TRY(vf_buf_append(out, p, plain, err));
        p += plain;
        if (*p)
            VF_TRY(append_variable(&p, out, err));
    }
out:
    return rc;
}

/* Appends HF_HOME, or what stands for it. */
static int append_hub_home(struct vf_buf *out, struct vf_err *err)
{
    const char *home = environment("HF_HOME");
    if (home)
        return append_expanded(home, out, err);
    const char *cache = environment("XDG_CACHE_HOME");
    int rc = append_expanded(cache ? cache : "~/.cache", out, err);
    return rc ? rc : vf_buf_append_string(out, "/huggingface", err);
}

int vf_hub_cache_root(const char *cache_dir, char **ret, struct vf_err *err)
{
    int rc;
    struct vf_buf root = {0};
    const char *value = cache_dir && *cache_dir ? cache_dir : environment("HF_HUB_CACHE");
    if (!value)
        value = environment("HUGGINGFACE_HUB_CACHE");
    if (value) {
        VF_TRY(append_expanded(value, &root, err));
    } else {
        VF_TRY(append_hub_home(&root, err));
        VF_TRY(vf_buf_append_string(&root, "/hub", err));
    }
    char *path = vf_buf_detach(&root);
    if (path)
        *ret = path;
    else
        rc = vf_fail_memory(err, "the path of the Hub cache");
out:
    vf_buf_release(&root);
    return rc;
}

/* ---- the token ---- */

/* Appends the first line of the token file, if there is one. */
static int read_token_file(struct vf_buf *out, struct vf_err *err)
{
    int rc = 0;
    struct vf_buf path = {0};
    const char *named = environment("HF_TOKEN_PATH");
    /* Without a home there is no such file either. */
    if (named)
        VF_TRY(append_expanded(named, &path, err));
    else if (append_hub_home(&path, NULL) || vf_buf_append_string(&path, "/token", NULL))
        goto out;
    if (!vf_is_file(path.data))
        goto out;
    VF_TRY(vf_read_file(path.data, MAX_TOKEN_FILE_BYTES, out, err));
    out->size = strcspn(out->data, "\r\n");
    out->data[out->size] = '\0';
out:
    vf_buf_release(&path);
    return rc;
}

/* A token goes into a header: a line break in it would begin another one. */
static int check_token(const char *token, struct vf_err *err)
{
    for (const char *p = token; *p; p++) {
        if (!isgraph((unsigned char)*p)) {
            int rc = vf_fail(err, VF_ERR_CONFIG, "the token for the Hub is not one word of ASCII");
            vf_hint(err, "look at HF_TOKEN, or at the file \"token\" in HF_HOME");
            return rc;
        }
    }
    return 0;
}

static int read_token(char **ret, struct vf_err *err)
{
    int rc = 0;
    struct vf_buf text = {0};
    if (is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
        return 0;
    const char *value = environment("HF_TOKEN");
    if (!value)
        value = environment("HUGGING_FACE_HUB_TOKEN");
    if (value)
        VF_TRY(vf_buf_append_string(&text, value, err));
    else
        VF_TRY(read_token_file(&text, err));
    if (!text.data)
        goto out;
    char *begin = text.data;
    while (isspace((unsigned char)*begin))
        begin++;
    size_t n = strlen(begin);
    while (n > 0 && isspace((unsigned char)begin[n - 1]))
        begin[--n] = '\0';
    VF_TRY(check_token(begin, err));
    if (n > 0 && !(*ret = strdup(begin)))
        rc = vf_fail_memory(err, "the token for the Hub");
out:
    vf_buf_release(&text);
    return rc;
}

/* ---- the rest ---- */

static int read_endpoint(char **ret, struct vf_err *err)
{
    const char *value = environment("HF_ENDPOINT");
    if (!value)
        value = default_endpoint;
    if (strncasecmp(value, "https://", 8) != 0 && strncasecmp(value, "http://", 7) != 0) {
        int rc = vf_fail(err, VF_ERR_CONFIG, "HF_ENDPOINT is not the http address of a Hub");
        vf_hint(err, "set it to something like %s, or leave it out", default_endpoint);
        return rc;
    }
    char *endpoint = strdup(value);
    if (!endpoint)
        return vf_fail_memory(err, "the address of the Hub");
    size_t n = strlen(endpoint);
    while (n > 0 && endpoint[n - 1] == '/')
        endpoint[--n] = '\0';
    *ret = endpoint;
    return 0;
}

static int read_timeout(const char *name, unsigned *ret, struct vf_err *err)
{
    const char *value = environment(name);
    char *end = NULL;
    errno = 0;
    unsigned long seconds = value ? strtoul(value, &end, 10) : 0;
    if (value && (!isdigit((unsigned char)value[0]) || *end || errno || seconds > MAX_TIMEOUT_S))
        return vf_fail(err, VF_ERR_CONFIG, "%s=%s is not a number of seconds from 0 to %d", name,
            value, MAX_TIMEOUT_S);
    *ret = seconds > 0 ? (unsigned)seconds : DEFAULT_TIMEOUT_S;
    return 0;
}

static int read_ca_file(char **ret, struct vf_err *err)
{
    const char *value = environment("CURL_CA_BUNDLE");
    if (!value)
        value = environment("SSL_CERT_FILE");
    if (value && !(*ret = strdup(value)))
        return vf_fail_memory(err, "a path");
    return 0;
}

int vf_hub_env_read(struct vf_hub_env *ret, struct vf_err *err)
{
    int rc;
    struct vf_hub_env env = {.symlinks = !is_true("HF_HUB_DISABLE_SYMLINKS")};
    VF_TRY(read_endpoint(&env.endpoint, err));
    VF_TRY(read_timeout("HF_HUB_ETAG_TIMEOUT", &env.etag_timeout_s, err));
    VF_TRY(read_timeout("HF_HUB_DOWNLOAD_TIMEOUT", &env.download_timeout_s, err));
    VF_TRY(read_token(&env.token, err));
    VF_TRY(read_ca_file(&env.ca_file, err));
    *ret = env;
    env = (struct vf_hub_env){0};
out:
    vf_hub_env_release(&env);
    return rc;
}

void vf_hub_env_release(struct vf_hub_env *env)
{
    if (!env)
        return;
    free(env->token);
    free(env->ca_file);
    free(env->endpoint);
    *env = (struct vf_hub_env){0};
}

const char *vf_hub_env_offline(void)
{
    /* An HF_HUB_OFFLINE that is set decides alone, as in the Hub's own library. */
    const char *name = environment("HF_HUB_OFFLINE") ? "HF_HUB_OFFLINE" : "TRANSFORMERS_OFFLINE";
    return is_true(name) ? name : NULL;
}
