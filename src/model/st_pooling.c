#include "model/st_pooling.h"

#include "base/file.h"
#include "model/st_json.h"

#include <stdlib.h>
#include <string.h>

/* Each way to pool under its name and the boolean that stood for it before. */
static const struct {
    const char *name, *legacy;
} modes[VF_POOLINGS] = {
    [VF_POOL_CLS] = {"cls", "pooling_mode_cls_token"},
    [VF_POOL_MAX] = {"max", "pooling_mode_max_tokens"},
    [VF_POOL_MEAN] = {"mean", "pooling_mode_mean_tokens"},
    [VF_POOL_MEAN_SQRT_LEN] = {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens"},
    [VF_POOL_WEIGHTED_MEAN] = {"weightedmean", "pooling_mode_weightedmean_tokens"},
    [VF_POOL_LAST] = {"lasttoken", "pooling_mode_lasttoken"},
};

const char *vf_pooling_name(enum vf_pooling pooling)
{
    return modes[pooling].name;
}

static int fail_mode(const char *path, const char *key, const char *name, struct vf_err *err)
{
    return vf_fail(err, VF_ERR_DATA,
        "%s: \"%s\" asks for pooling by \"%s\"; known here: cls, max, mean, mean_sqrt_len_tokens, "
        "weightedmean, lasttoken",
        path, key, name);
}

static const char mode_key[] = "pooling_mode";

static int add_mode(
    const json_t *json, const char *path, struct vf_sentence_head *head, struct vf_err *err)
{
    const char *name = json_string_value(json);
    if (!name)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is not a name", path, mode_key);
    for (size_t i = 0; i < VF_POOLINGS; i++) {
        if (strcmp(modes[i].name, name) != 0)
            continue;
        if (head->n_poolings == VF_POOLINGS)
            return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" lists more than %d ways to pool", path,
                mode_key, (int)VF_POOLINGS);
        head->poolings[head->n_poolings++] = (enum vf_pooling)i;
        return 0;
    }
    return fail_mode(path, mode_key, name, err);
}

/* "pooling_mode": a name or a list of them. */
static int read_modes(
    const json_t *mode, const char *path, struct vf_sentence_head *head, struct vf_err *err)
{
    if (!json_is_array(mode))
        return add_mode(mode, path, head, err);
    if (json_array_size(mode) == 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is an empty list", path, mode_key);
    size_t i;
    const json_t *one;
    json_array_foreach(mode, i, one)
    {
        int rc = add_mode(one, path, head, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* The booleans: none of them means mean. */
static int read_booleans(
    const json_t *json, const char *path, struct vf_sentence_head *head, struct vf_err *err)
{
    for (size_t i = 0; i < VF_POOLINGS; i++) {
        bool wanted;
        int rc = vf_json_get_bool(json, modes[i].legacy, path, false, &wanted, err);
        if (rc)
            return rc;
        if (wanted)
            head->poolings[head->n_poolings++] = (enum vf_pooling)i;
    }
    if (head->n_poolings == 0)
        head->poolings[head->n_poolings++] = VF_POOL_MEAN;
    return 0;
}

/* Refuses a boolean "pooling_mode_…" of a kind that is not in the table. */
static int check_keys(const json_t *json, const char *path, struct vf_err *err)
{
    static const char prefix[] = "pooling_mode_";
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        bool listed = strncmp(key, prefix, strlen(prefix)) != 0;
        for (size_t i = 0; i < VF_POOLINGS && !listed; i++)
            listed = strcmp(key, modes[i].legacy) == 0;
        if (!listed && !json_is_false(value))
            return fail_mode(path, key, key + strlen(prefix), err);
    }
    return 0;
}

static int check_dimension(
    const json_t *json, const char *key, const char *path, size_t hidden_size, struct vf_err *err)
{
    size_t dimension;
    int rc = vf_json_get_size(json, key, path, hidden_size, SIZE_MAX, &dimension, err);
    if (rc)
        return rc;
    return dimension == hidden_size
               ? 0
               : vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is %zu, but the model's hidden size is %zu",
                     path, key, dimension, hidden_size);
}

int vf_st_pooling_load(
    const char *directory, size_t hidden_size, struct vf_sentence_head *head, struct vf_err *err)
{
    int rc;
    json_t *json = NULL;
    char *path = vf_path_join(directory, "config.json");
    if (!path) {
        rc = vf_fail_memory(err, "a path");
        goto out;
    }
    VF_TRY(vf_st_load(path, JSON_OBJECT, &json, err));
    VF_TRY(check_keys(json, path, err));
    VF_TRY(check_dimension(json, "word_embedding_dimension", path, hidden_size, err));
    VF_TRY(check_dimension(json, "embedding_dimension", path, hidden_size, err));
    VF_TRY(vf_json_get_bool(json, "include_prompt", path, true, &head->include_prompt, err));
    const json_t *mode = json_object_get(json, mode_key);
    if (mode && !json_is_null(mode))
        VF_TRY(read_modes(mode, path, head, err));
    else
        VF_TRY(read_booleans(json, path, head, err));
out:
    json_decref(json);
    free(path);
    return rc;
}
