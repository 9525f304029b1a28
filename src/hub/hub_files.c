#include "hub/hub_files.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_MODULES_BYTES = 1 << 20,
    MAX_INDEX_BYTES = 64 << 20,
    MAX_MODULES = 64,
    MAX_SHARDS = 4096,
    MAX_PATH_BYTES = 200
};

static const char modules_name[] = "modules.json";

/* The files of the weights in the order of preference; an index names others. */
static const char *const weights_names[] = {"model.safetensors", "model.safetensors.index.json",
    "pytorch_model.bin", "pytorch_model.bin.index.json", NULL};
static const char index_ending[] = ".index.json";

struct visit {
    const char *directory, *model;
    vf_hub_getter *get;
    void *context;
};

static int get(const struct visit *v, const char *path, bool *ret_found, struct vf_err *err)
{
    return v->get(v->context, path, ret_found, err);
}

static int get_all(const struct visit *v, const char *const *paths, struct vf_err *err)
{
    bool found;
    int rc = 0;
    for (; rc == 0 && *paths; paths++)
        rc = get(v, *paths, &found, err);
    return rc;
}

/* The first of `paths` that there is; VF_ERR_NOT_FOUND when there is none. */
static int get_first(
    const struct visit *v, const char *const *paths, const char **ret, struct vf_err *err)
{
    for (size_t i = 0; paths[i]; i++) {
        bool found;
        int rc = get(v, paths[i], &found, err);
        if (rc)
            return rc;
        if (found) {
            *ret = paths[i];
            return 0;
        }
    }
    return vf_fail(err, VF_ERR_NOT_FOUND, "%s has no %s", v->model, paths[0]);
}

/* True for names joined by single slashes, none of which begins with a dot. */
static bool is_safe_path(const char *path)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    const char *p = path;
    if (strlen(path) > MAX_PATH_BYTES)
        return false;
    for (;;) {
        size_t n = strspn(p, allowed);
        if (n == 0 || *p == '.')
            return false;
        if (p[n] == '\0')
            return true;
        if (p[n] != '/')
            return false;
        p += n + 1;
    }
}

static int check_path(const char *where, const char *path, struct vf_err *err)
{
    if (is_safe_path(path))
        return 0;
    int rc = vf_fail(
        err, VF_ERR_DATA, "%s names \"%s\", which is not the path of a file in it", where, path);
    vf_hint(err, "do not trust this repository");
    return rc;
}

/* Parses a file of the snapshot; *ret_path names it in messages. Both are the caller's. */
static int load(const struct visit *v, const char *name, size_t max_bytes, char **ret_path,
    json_t **ret, struct vf_err *err)
{
    char *path = vf_path_join(v->directory, name);
    if (!path)
        return vf_fail_memory(err, "a path");
    *ret_path = path;
    return vf_json_load(path, max_bytes, ret, err);
}

static bool is_index(const char *name)
{
    size_t n = strlen(name), n_ending = sizeof index_ending - 1;
    return n > n_ending && strcmp(name + n - n_ending, index_ending) == 0;
}

/* ---- modules ---- */

/* The modules that are nothing but their configuration, or lie at the top. */
static bool has_no_weights(const char *type)
{
    static const char *const names[] = {"Transformer", "Pooling", "Normalize"};
    const char *dot = strrchr(type, '.');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(dot ? dot + 1 : type, names[i]) == 0)
            return true;
    return false;
}

/* A module's weights are one file. */
static int get_module_weights(const struct visit *v, const char *folder, struct vf_err *err)
{
    int rc = 0;
    bool found = false;
    struct vf_buf path = {0};
    for (size_t i = 0; weights_names[i] && !found; i++) {
        if (is_index(weights_names[i]))
            continue;
        vf_buf_clear(&path);
        VF_TRY(vf_buf_printf(&path, err, "%s/%s", folder, weights_names[i]));
        VF_TRY(get(v, path.data, &found, err));
    }
out:
    vf_buf_release(&path);
    return rc;
}

static int get_module(
    const struct visit *v, const char *where, const json_t *module, struct vf_err *err)
{
    int rc;
    const char *folder, *type;
    bool found;
    struct vf_buf path = {0};
    VF_TRY(vf_json_get_string(module, "path", where, "", &folder, err));
    VF_TRY(vf_json_get_string(module, "type", where, "", &type, err));
    if (!*folder)
        goto out;
    VF_TRY(check_path(where, folder, err));
    VF_TRY(vf_buf_printf(&path, err, "%s/config.json", folder));
    VF_TRY(get(v, path.data, &found, err));
    if (has_no_weights(type))
        goto out;
    vf_buf_clear(&path);
    VF_TRY(get_module_weights(v, folder, err));
out:
    vf_buf_release(&path);
    return rc;
}

static int get_modules(const struct visit *v, struct vf_err *err)
{
    static const char *const settings[] = {"sentence_bert_config.json",
        "sentence_roberta_config.json", "sentence_distilbert_config.json",
        "sentence_camembert_config.json", "sentence_albert_config.json",
        "sentence_xlm-roberta_config.json", "sentence_xlnet_config.json", NULL};
    int rc;
    char *path = NULL;
    json_t *json = NULL;
    const char *chosen;
    size_t i;
    const json_t *module;
    VF_TRY(load(v, modules_name, MAX_MODULES_BYTES, &path, &json, err));
    if (!json_is_array(json) || json_array_size(json) > MAX_MODULES) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: not a list of at most %d modules", path, MAX_MODULES);
        goto out;
    }
    json_array_foreach(json, i, module) VF_TRY(get_module(v, path, module, err));
    rc = get_first(v, settings, &chosen, err);
    if (rc == VF_ERR_NOT_FOUND)
        rc = 0; /* the tokenizer's file says the longest input then */
out:
    json_decref(json);
    free(path);
    return rc;
}

/* ---- weights ---- */

static int get_shard(
    const struct visit *v, const char *where, const json_t *name, struct vf_err *err)
{
    bool found = false;
    const char *path = json_string_value(name);
    if (!path || strlen(path) != json_string_length(name))
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"weight_map\" holds something else than names of "
            "files",
            where);
    int rc = check_path(where, path, err);
    if (rc == 0)
        rc = get(v, path, &found, err);
    if (rc || found)
        return rc;
    return vf_fail(err, VF_ERR_NOT_FOUND, "%s has no %s", v->model, path);
}

/* Each file that the index names, once. */
static int get_shards(const struct visit *v, const char *index_name, struct vf_err *err)
{
    int rc;
    char *path = NULL;
    json_t *json = NULL, *seen = json_object();
    const char *key;
    json_t *name;
    VF_TRY(load(v, index_name, MAX_INDEX_BYTES, &path, &json, err));
    if (!json_is_object(json_object_get(json, "weight_map"))) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"weight_map\" is not an object", path);
        goto out;
    }
    json_object_foreach(json_object_get(json, "weight_map"), key, name)
    {
        const char *file = json_string_value(name);
        if (file && json_object_get(seen, file))
            continue;
        VF_TRY(get_shard(v, path, name, err));
        if (json_object_set_new(seen, file, json_true())) {
            rc = vf_fail_memory(err, "the names of the weights");
            goto out;
        }
        if (json_object_size(seen) > MAX_SHARDS) {
            rc = vf_fail(err, VF_ERR_DATA, "%s: more than %d files", path, MAX_SHARDS);
            goto out;
        }
    }
out:
    json_decref(seen);
    json_decref(json);
    free(path);
    return rc;
}

static int get_weights(const struct visit *v, struct vf_err *err)
{
    const char *chosen = NULL;
    int rc = get_first(v, weights_names, &chosen, err);
    if (rc == VF_ERR_NOT_FOUND) {
        rc = vf_fail(err, VF_ERR_NOT_FOUND, "%s has no %s and no %s", v->model, weights_names[0],
            weights_names[2]);
        vf_hint(
            err, "weights in another format are not read; look for a revision with safetensors");
    }
    return rc == 0 && is_index(chosen) ? get_shards(v, chosen, err) : rc;
}

int vf_hub_files_visit(const char *directory, const char *model, vf_hub_getter *get_file,
    void *context, struct vf_err *err)
{
    static const char *const config[] = {"config.json", NULL};
    static const char *const tokenizer[] = {"tokenizer.json", "vocab.txt", NULL};
    static const char *const others[] = {"tokenizer_config.json", "special_tokens_map.json",
        "config_sentence_transformers.json", "adapter_config.json", NULL};
    const struct visit v = {
        .directory = directory, .model = model, .get = get_file, .context = context};
    const char *chosen;
    bool modules = false;
    int rc;
    VF_TRY(get(&v, modules_name, &modules, err));
    VF_TRY(get_first(&v, config, &chosen, err));
    if (modules)
        VF_TRY(get_modules(&v, err));
    VF_TRY(get_first(&v, tokenizer, &chosen, err));
    VF_TRY(get_all(&v, others, err));
    VF_TRY(get_weights(&v, err));
out:
    return rc;
}
