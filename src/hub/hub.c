#include "hub/hub.h"

#include "base/buf.h"
#include "base/file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMMIT_DIGITS = 40,
    MAX_REF_BYTES = 256, /* of a file in refs/, which holds a commit */
    MAX_NAME_BYTES = 96  /* of a model's name, as the Hub has it */
};

static const char default_revision[] = "main";

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Appends the value of the variable that `p` (at its '$') names and returns the end of the name;
 * a variable that is not set stays as it is written. */
static int append_variable(const char **p, struct vf_buf *out, struct vf_err *err)
{
    const char *begin = *p + 1;
    bool braced = *begin == '{';
    begin += braced;
    const char *end = begin;
    while (isalnum((unsigned char)*end) || *end == '_')
        end++;
    const char *next = end + (braced && *end == '}');
    char name[128];
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

/* `path` with a leading "~" and every $NAME and ${NAME} expanded. */
static int expand(const char *path, struct vf_buf *out, struct vf_err *err)
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

int vf_hub_cache_root(const char *cache_dir, char **ret, struct vf_err *err)
{
    int rc;
    struct vf_buf root = {0};
    const char *value = cache_dir;
    const char *below = "";
    if (!value || !*value)
        value = environment("HF_HUB_CACHE");
    if (!value)
        value = environment("HUGGINGFACE_HUB_CACHE");
    if (!value && (value = environment("HF_HOME")))
        below = "/hub";
    if (!value && (value = environment("XDG_CACHE_HOME")))
        below = "/huggingface/hub";
    VF_TRY(expand(value ? value : "~/.cache/huggingface/hub", &root, err));
    VF_TRY(vf_buf_append_string(&root, below, err));
    char *path = vf_buf_detach(&root);
    if (path)
        *ret = path;
    else
        rc = vf_fail_memory(err, "the path of the Hub cache");
out:
    vf_buf_release(&root);
    return rc;
}

static bool is_commit(const char *s)
{
    return strspn(s, "0123456789abcdef") == COMMIT_DIGITS && s[COMMIT_DIGITS] == '\0';
}

/* One half of ORG/NAME: [A-Za-z0-9_][A-Za-z0-9._-]* */
static bool is_name_part(const char *s, size_t n)
{
    static const char inner[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return n > 0 && strspn(s, inner) >= n && s[0] != '.' && s[0] != '-';
}

/* True for ORG/NAME and NAME. "--" stands for the slash in the cache, ".." leads out of it. */
static bool is_hub_name(const char *name)
{
    const char *slash = strchr(name, '/');
    size_t n = strlen(name);
    if (n > MAX_NAME_BYTES || strstr(name, "..") || strstr(name, "--"))
        return false;
    if (!slash)
        return is_name_part(name, n);
    size_t org = (size_t)(slash - name);
    return is_name_part(name, org) && is_name_part(slash + 1, n - org - 1);
}

/* True when `revision` names a file below refs/ and nothing outside. */
static bool is_revision(const char *revision)
{
    if (!*revision || *revision == '/' || strstr(revision, "//") || strstr(revision, ".."))
        return false;
    for (const char *p = revision; *p; p++)
        if (!isgraph((unsigned char)*p) || *p == '\\')
            return false;
    return true;
}

static int append_repository(
    const char *root, const char *name, struct vf_buf *out, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_buf_printf(out, err, "%s/models--", root));
    for (const char *p = name; *p; p++)
        VF_TRY(*p == '/' ? vf_buf_append_string(out, "--", err) : vf_buf_append(out, p, 1, err));
out:
    return rc;
}

static void hint_to_fetch(struct vf_err *err, const char *name, const char *revision)
{
    if (strcmp(revision, default_revision) == 0)
        vf_hint(err,
            "run scripts/fetch-model %s (or: hf download %s), or give a directory that holds it",
            name, name);
    else
        vf_hint(err, "run: hf download %s --revision %s, or give a directory that holds it", name,
            revision);
}

/* The commit that `revision` means, by refs/; a commit means itself. */
static int read_commit(const char *repository, const char *name, const char *revision,
    char ret[COMMIT_DIGITS + 1], struct vf_err *err)
{
    int rc = 0;
    struct vf_buf path = {0}, text = {0};
    if (is_commit(revision)) {
        memcpy(ret, revision, COMMIT_DIGITS + 1);
        goto out;
    }
    VF_TRY(vf_buf_printf(&path, err, "%s/refs/%s", repository, revision));
    if (!vf_is_file(path.data)) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND,
            "the model %s is neither a directory nor in the Hub cache: there is no %s", name,
            path.data);
        hint_to_fetch(err, name, revision);
        goto out;
    }
    VF_TRY(vf_read_file(path.data, MAX_REF_BYTES, &text, err));
    while (text.size > 0 && isspace((unsigned char)text.data[text.size - 1]))
        text.data[--text.size] = '\0';
    if (text.size != COMMIT_DIGITS || !is_commit(text.data)) {
        rc = vf_fail(err, VF_ERR_DATA, "%s does not hold a commit", path.data);
        hint_to_fetch(err, name, revision);
        goto out;
    }
    memcpy(ret, text.data, COMMIT_DIGITS + 1);
out:
    vf_buf_release(&text);
    vf_buf_release(&path);
    return rc;
}

/* Fails unless the snapshot has a config.json: without one it was never fetched whole. */
static int check_snapshot(
    const char *directory, const char *name, const char *revision, struct vf_err *err)
{
    struct vf_buf config = {0};
    int rc = 0;
    if (!vf_is_directory(directory)) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND,
            "the model %s is neither a directory nor in the Hub cache: there is no %s", name,
            directory);
        hint_to_fetch(err, name, revision);
        goto out;
    }
    VF_TRY(vf_buf_printf(&config, err, "%s/config.json", directory));
    if (!vf_is_file(config.data)) {
        rc = vf_fail(err, VF_ERR_DATA, "the model %s was not fetched whole: there is no %s", name,
            config.data);
        hint_to_fetch(err, name, revision);
    }
out:
    vf_buf_release(&config);
    return rc;
}

static int resolve_in_cache(const char *name, const char *revision, const char *cache_dir,
    struct vf_hub_location *ret, struct vf_err *err)
{
    int rc;
    char *root = NULL;
    char commit[COMMIT_DIGITS + 1];
    struct vf_buf repository = {0}, snapshot = {0};
    struct vf_hub_location location = {0};

    if (!is_hub_name(name)) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND,
            "there is no directory %s, and a name on the Hub looks like ORG/NAME", name);
        vf_hint(err, "give a directory that holds config.json, or a name such as "
                     "sentence-transformers/all-MiniLM-L6-v2");
        goto out;
    }
    if (!is_revision(revision)) {
        rc = vf_fail(
            err, VF_ERR_USAGE, "\"%s\" is not a revision: a branch, tag or commit", revision);
        goto out;
    }
    VF_TRY(vf_hub_cache_root(cache_dir, &root, err));
    VF_TRY(append_repository(root, name, &repository, err));
    VF_TRY(read_commit(repository.data, name, revision, commit, err));
    VF_TRY(vf_buf_printf(&snapshot, err, "%s/snapshots/%s", repository.data, commit));
    VF_TRY(check_snapshot(snapshot.data, name, revision, err));

    location.commit = strdup(commit);
    location.directory = vf_buf_detach(&snapshot);
    if (!location.commit || !location.directory) {
        vf_hub_location_release(&location);
        rc = vf_fail_memory(err, "a model's location");
        goto out;
    }
    *ret = location;
out:
    vf_buf_release(&snapshot);
    vf_buf_release(&repository);
    free(root);
    return rc;
}

int vf_hub_resolve(const char *name, const char *revision, const char *cache_dir,
    struct vf_hub_location *ret, struct vf_err *err)
{
    if (!*name)
        return vf_fail(err, VF_ERR_USAGE, "the model's name is empty");
    if (!vf_is_directory(name))
        return resolve_in_cache(name, revision ? revision : default_revision, cache_dir, ret, err);
    if (revision) {
        int rc = vf_fail(err, VF_ERR_USAGE,
            "the model %s is a directory, which has no revision \"%s\"", name, revision);
        vf_hint(err, "leave the revision out");
        return rc;
    }
    char *directory = strdup(name);
    if (!directory)
        return vf_fail_memory(err, "a model's location");
    *ret = (struct vf_hub_location){.directory = directory};
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
