#include "model/st_modules.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "model/model_config.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SEQ_LENGTH = 1 << 20 };

static const char package_prefix[] = "sentence_transformers.";

/* The file at `path`, whose top must be of `type`. */
static int load_typed(const char *path, json_type type, json_t **ret, struct vf_err *err)
{
    json_t *json = NULL;
    int rc = vf_json_load(path, VF_MODEL_JSON_MAX_BYTES, &json, err);
    if (rc)
        return rc;
    if (json_typeof(json) != type) {
        json_decref(json);
        return vf_fail(
            err, VF_ERR_DATA, "%s: not %s", path, type == JSON_OBJECT ? "an object" : "an array");
    }
    *ret = json;
    return 0;
}

/* A file that may be absent: *ret is NULL then. *ret_path names it in messages; both are the
 * caller's. */
static int load_optional(const char *directory, const char *name, json_type type, char **ret_path,
    json_t **ret, struct vf_err *err)
{
    json_t *json = NULL;
    char *path = vf_path_join(directory, name);
    if (!path)
        return vf_fail_memory(err, "a path");
    int rc = vf_is_file(path) ? load_typed(path, type, &json, err) : 0;
    if (rc) {
        free(path);
        return rc;
    }
    *ret_path = path;
    *ret = json;
    return 0;
}

/* --- Pooling ---------------------------------------------------------------------------------- */

/* Each way to pool under its name and the boolean that stood for it before. */
static const struct pooling_name {
    const char *name, *legacy;
    bool known;
    enum vf_pooling pooling;
} pooling_names[] = {
    {"cls", "pooling_mode_cls_token", true, VF_POOL_CLS},
    {"max", "pooling_mode_max_tokens", true, VF_POOL_MAX},
    {"mean", "pooling_mode_mean_tokens", true, VF_POOL_MEAN},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", false, 0},
    {"weightedmean", "pooling_mode_weightedmean_tokens", false, 0},
    {"lasttoken", "pooling_mode_lasttoken", false, 0},
};
enum { POOLING_NAMES = sizeof(pooling_names) / sizeof(pooling_names[0]) };

const char *vf_pooling_name(enum vf_pooling pooling)
{
    for (size_t i = 0; i < POOLING_NAMES; i++)
        if (pooling_names[i].known && pooling_names[i].pooling == pooling)
            return pooling_names[i].name;
    return "unknown";
}

static int fail_pooling(const char *path, const char *key, const char *name, struct vf_err *err)
{
    return vf_fail(err, VF_ERR_DATA,
        "%s: \"%s\" asks for pooling by \"%s\"; known here: mean, cls, max", path, key, name);
}

/* "pooling_mode": a name or a list of one. */
static int read_pooling_mode(
    const json_t *mode, const char *path, enum vf_pooling *ret, struct vf_err *err)
{
    static const char key[] = "pooling_mode";
    if (json_is_array(mode) && json_array_size(mode) != 1)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"%s\" lists %zu ways to pool; exactly one is supported", path, key,
            json_array_size(mode));
    const char *name = json_string_value(json_is_array(mode) ? json_array_get(mode, 0) : mode);
    if (!name)
        return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is not a name", path, key);
    for (size_t i = 0; i < POOLING_NAMES; i++) {
        if (pooling_names[i].known && strcmp(pooling_names[i].name, name) == 0) {
            *ret = pooling_names[i].pooling;
            return 0;
        }
    }
    return fail_pooling(path, key, name, err);
}

/* The booleans: none of them means mean. */
static int read_pooling_booleans(
    const json_t *json, const char *path, enum vf_pooling *ret, struct vf_err *err)
{
    const struct pooling_name *chosen = NULL;
    for (size_t i = 0; i < POOLING_NAMES; i++) {
        const struct pooling_name *candidate = &pooling_names[i];
        bool wanted;
        int rc = vf_json_get_bool(json, candidate->legacy, path, false, &wanted, err);
        if (rc)
            return rc;
        if (!wanted)
            continue;
        if (!candidate->known)
            return fail_pooling(path, candidate->legacy, candidate->name, err);
        if (chosen)
            return vf_fail(err, VF_ERR_DATA,
                "%s: \"%s\" and \"%s\" are both true; exactly one way to pool is supported", path,
                chosen->legacy, candidate->legacy);
        chosen = candidate;
    }
    *ret = chosen ? chosen->pooling : VF_POOL_MEAN;
    return 0;
}

/* Refuses a boolean "pooling_mode_…" of a kind that is not in the table. */
static int check_pooling_keys(const json_t *json, const char *path, struct vf_err *err)
{
    static const char prefix[] = "pooling_mode_";
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        bool listed = strncmp(key, prefix, strlen(prefix)) != 0;
        for (size_t i = 0; i < POOLING_NAMES && !listed; i++)
            listed = strcmp(key, pooling_names[i].legacy) == 0;
        if (!listed && !json_is_false(value))
            return fail_pooling(path, key, key + strlen(prefix), err);
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

static int load_pooling(const char *directory, struct vf_model_config *config, struct vf_err *err)
{
    int rc;
    json_t *json = NULL;
    char *path = vf_path_join(directory, "config.json");
    if (!path) {
        rc = vf_fail_memory(err, "a path");
        goto out;
    }
    VF_TRY(load_typed(path, JSON_OBJECT, &json, err));
    VF_TRY(check_pooling_keys(json, path, err));
    VF_TRY(
        check_dimension(json, "word_embedding_dimension", path, config->network.hidden_size, err));
    VF_TRY(check_dimension(json, "embedding_dimension", path, config->network.hidden_size, err));
    const json_t *mode = json_object_get(json, "pooling_mode");
    if (mode && !json_is_null(mode))
        VF_TRY(read_pooling_mode(mode, path, &config->pooling, err));
    else
        VF_TRY(read_pooling_booleans(json, path, &config->pooling, err));
out:
    json_decref(json);
    free(path);
    return rc;
}

/* --- Normalize -------------------------------------------------------------------------------- */

/* Its config.json is mostly absent and may only name the sentence's vector, in and out. */
static int load_normalize(const char *directory, struct vf_err *err)
{
    static const char *const keys[] = {"module_input_name", "module_output_name"};
    static const char known[] = "sentence_embedding";
    json_t *json = NULL;
    char *path = NULL;
    int rc = load_optional(directory, "config.json", JSON_OBJECT, &path, &json, err);
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        const char *name;
        VF_TRY(vf_json_get_string(json, keys[i], path, known, &name, err));
        if (strcmp(name, known) != 0)
            rc = vf_fail(err, VF_ERR_DATA, "%s: \"%s\" is \"%s\"; known here: %s", path, keys[i],
                name, known);
    }
out:
    json_decref(json);
    free(path);
    return rc;
}

/* --- modules.json ----------------------------------------------------------------------------- */

enum module { MODULE_TRANSFORMER, MODULE_POOLING, MODULE_NORMALIZE, MODULES };
static const char *const module_names[MODULES] = {"Transformer", "Pooling", "Normalize"};

/* The class by the last part of its dotted name; only the library's own classes are known. */
static int read_module_type(
    const json_t *entry, const char *path, enum module *ret, struct vf_err *err)
{
    const char *type;
    int rc = vf_json_get_string(entry, "type", path, "", &type, err);
    if (rc)
        return rc;
    const char *dot = strrchr(type, '.');
    bool own = strncmp(type, package_prefix, strlen(package_prefix)) == 0;
    for (size_t i = 0; own && i < MODULES; i++) {
        if (strcmp(dot + 1, module_names[i]) == 0) {
            *ret = (enum module)i;
            return 0;
        }
    }
    return vf_fail(err, VF_ERR_DATA,
        "%s: the module \"%s\" is not supported; known here: Transformer, Pooling, Normalize", path,
        type);
}

/* The module's own folder below `directory`, for the caller to free. */
static int read_module_folder(const json_t *entry, const char *path, const char *directory,
    enum module module, char **ret, struct vf_err *err)
{
    const char *folder;
    int rc = vf_json_get_string(entry, "path", path, "", &folder, err);
    if (rc)
        return rc;
    if (folder[0] == '/' || strstr(folder, "..") ||
        (module == MODULE_TRANSFORMER && folder[0] != '\0'))
        return vf_fail(err, VF_ERR_DATA, "%s: the %s lies in \"%s\", which is not supported", path,
            module_names[module], folder);
    char *joined = vf_path_join(directory, folder);
    if (!joined)
        return vf_fail_memory(err, "a path");
    *ret = joined;
    return 0;
}

static int load_module(const json_t *entry, const char *path, const char *directory,
    enum module module, struct vf_model_config *config, struct vf_err *err)
{
    int rc;
    char *folder = NULL;
    if (json_array_size(json_object_get(entry, "kwargs")) > 0) {
        rc = vf_fail(
            err, VF_ERR_DATA, "%s: \"kwargs\" of %s is not supported", path, module_names[module]);
        goto out;
    }
    VF_TRY(read_module_folder(entry, path, directory, module, &folder, err));
    if (module == MODULE_POOLING)
        VF_TRY(load_pooling(folder, config, err));
    if (module == MODULE_NORMALIZE) {
        VF_TRY(load_normalize(folder, err));
        config->normalize = true;
    }
out:
    free(folder);
    return rc;
}

/* Transformer, Pooling, then perhaps Normalize: the module at `index` must be the one whose turn
 * it is. */
static int load_modules(const char *directory, struct vf_model_config *config, struct vf_err *err)
{
    json_t *json = NULL;
    char *path = NULL;
    size_t i;
    const json_t *entry;
    config->pooling = VF_POOL_MEAN;
    config->normalize = false;
    int rc = load_optional(directory, "modules.json", JSON_ARRAY, &path, &json, err);
    config->has_modules = json != NULL;
    if (rc || !json)
        goto out;
    if (json_array_size(json) < MODULE_NORMALIZE) {
        rc = vf_fail(
            err, VF_ERR_DATA, "%s: not a list that begins with Transformer and Pooling", path);
        goto out;
    }
    json_array_foreach(json, i, entry)
    {
        enum module module = MODULES;
        VF_TRY(read_module_type(entry, path, &module, err));
        if (module != i) {
            rc = vf_fail(err, VF_ERR_DATA,
                "%s: %s as module %zu is not supported; the order is Transformer, Pooling, "
                "Normalize",
                path, module_names[module], i);
            goto out;
        }
        VF_TRY(load_module(entry, path, directory, module, config, err));
    }
out:
    json_decref(json);
    free(path);
    return rc;
}

/* --- sentence_bert_config.json ---------------------------------------------------------------- */

/* The first of the names that is there. */
static int load_transformer_settings(
    const char *directory, char **ret_path, json_t **ret, struct vf_err *err)
{
    static const char *const names[] = {"sentence_bert_config.json", "sentence_roberta_config.json",
        "sentence_distilbert_config.json", "sentence_camembert_config.json",
        "sentence_albert_config.json", "sentence_xlm-roberta_config.json",
        "sentence_xlnet_config.json"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int rc = load_optional(directory, names[i], JSON_OBJECT, ret_path, ret, err);
        if (rc || *ret)
            return rc;
        free(*ret_path);
        *ret_path = NULL;
    }
    return 0;
}

/* Refuses an object under `key` that changes how the network is loaded. */
static int refuse_settings(
    const json_t *json, const char *key, const char *path, struct vf_err *err)
{
    return json_object_size(json_object_get(json, key)) > 0
               ? vf_fail(
                     err, VF_ERR_DATA, "%s: \"%s\" is not empty, which is not supported", path, key)
               : 0;
}

static int load_settings(const char *directory, struct vf_model_config *config, struct vf_err *err)
{
    static const char *const refused[] = {"model_args", "tokenizer_args", "config_args"};
    char *path = NULL;
    json_t *json = NULL;
    const char *task;
    int rc = load_transformer_settings(directory, &path, &json, err);
    config->do_lower_case = false;
    config->st_max_seq_length = 0;
    if (rc || !json)
        goto out;
    VF_TRY(vf_json_get_bool(json, "do_lower_case", path, false, &config->do_lower_case, err));
    const json_t *text = json_object_get(json_object_get(json, "processing_kwargs"), "text");
    VF_TRY(vf_json_get_size(
        text, "max_length", path, 0, MAX_SEQ_LENGTH, &config->st_max_seq_length, err));
    VF_TRY(vf_json_get_size(json, "max_seq_length", path, config->st_max_seq_length, MAX_SEQ_LENGTH,
        &config->st_max_seq_length, err));
    VF_TRY(vf_json_get_string(json, "transformer_task", path, "feature-extraction", &task, err));
    if (strcmp(task, "feature-extraction") != 0) {
        rc = vf_fail(err, VF_ERR_DATA,
            "%s: \"transformer_task\" is \"%s\"; known here: feature-extraction", path, task);
        goto out;
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        VF_TRY(refuse_settings(json, refused[i], path, err));
out:
    json_decref(json);
    free(path);
    return rc;
}

/* --- config_sentence_transformers.json -------------------------------------------------------- */

static int check_prompts(const json_t *json, const char *path, struct vf_err *err)
{
    static const char *const of_documents[] = {"document", "passage", "corpus"};
    const json_t *prompts = json_object_get(json, "prompts");
    const char *name;
    int rc = vf_json_get_string(json, "default_prompt_name", path, NULL, &name, err);
    if (rc)
        return rc;
    if (name)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"default_prompt_name\" is \"%s\"; prompts are not supported", path, name);
    for (size_t i = 0; i < sizeof(of_documents) / sizeof(of_documents[0]); i++) {
        const json_t *prompt = json_object_get(prompts, of_documents[i]);
        if (json_string_length(prompt) > 0)
            return vf_fail(err, VF_ERR_DATA,
                "%s: \"prompts\" has one for \"%s\"; prompts are not supported", path,
                of_documents[i]);
    }
    return 0;
}

static int check_library_config(const char *directory, struct vf_err *err)
{
    static const char known_type[] = "SentenceTransformer";
    char *path = NULL;
    json_t *json = NULL;
    const char *type;
    size_t dimensions;
    int rc = load_optional(
        directory, "config_sentence_transformers.json", JSON_OBJECT, &path, &json, err);
    if (rc || !json)
        goto out;
    VF_TRY(vf_json_get_string(json, "model_type", path, known_type, &type, err));
    if (strcmp(type, known_type) != 0) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"model_type\" is \"%s\"; known here: %s", path, type,
            known_type);
        goto out;
    }
    VF_TRY(vf_json_get_size(json, "truncate_dim", path, 0, SIZE_MAX, &dimensions, err));
    if (dimensions > 0) {
        rc = vf_fail(err, VF_ERR_DATA, "%s: \"truncate_dim\" is %zu, which is not supported", path,
            dimensions);
        goto out;
    }
    VF_TRY(check_prompts(json, path, err));
out:
    json_decref(json);
    free(path);
    return rc;
}

int vf_st_modules_load(const char *directory, struct vf_model_config *config, struct vf_err *err)
{
    int rc;
    VF_TRY(load_modules(directory, config, err));
    VF_TRY(load_settings(directory, config, err));
    VF_TRY(check_library_config(directory, err));
out:
    return rc;
}
