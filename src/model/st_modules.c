#include "model/st_modules.h"

#include "base/file.h"
#include "model/st_dense.h"
#include "model/st_json.h"
#include "model/st_pooling.h"

#include <stdlib.h>
#include <string.h>

static const char package_prefix[] = "sentence_transformers.";

/* Its config.json is mostly absent and may only name the sentence's vector, in and out. */
static int check_normalize(const char *directory, struct vf_err *err)
{
    static const char known[] = "sentence_embedding";
    json_t *json = NULL;
    char *path = NULL;
    int rc;
    VF_TRY(vf_st_load_optional(directory, "config.json", JSON_OBJECT, &path, &json, err));
    VF_TRY(vf_st_expect(json, "module_input_name", path, known, err));
    VF_TRY(vf_st_expect(json, "module_output_name", path, known, err));
out:
    json_decref(json);
    free(path);
    return rc;
}

enum module { MODULE_TRANSFORMER, MODULE_POOLING, MODULE_DENSE, MODULE_NORMALIZE, MODULES };
static const char *const module_names[MODULES] = {"Transformer", "Pooling", "Dense", "Normalize"};

/* The class by the last part of its dotted name; only the library's own classes are known, and with
 * adapters the one of Jina's that hands the task to the network. */
static int read_module_type(
    const json_t *entry, const char *path, bool has_adapters, enum module *ret, struct vf_err *err)
{
    const char *type;
    int rc = vf_json_get_string(entry, "type", path, "", &type, err);
    if (rc)
        return rc;
    if (has_adapters && strcmp(type, "custom_st.Transformer") == 0) {
        *ret = MODULE_TRANSFORMER;
        return 0;
    }
    const char *dot = strrchr(type, '.');
    bool own = strncmp(type, package_prefix, strlen(package_prefix)) == 0;
    for (size_t i = 0; own && i < MODULES; i++) {
        if (strcmp(dot + 1, module_names[i]) == 0) {
            *ret = (enum module)i;
            return 0;
        }
    }
    return vf_fail(err, VF_ERR_DATA,
        "%s: the module \"%s\" is not supported; known here: Transformer, Pooling, Dense, "
        "Normalize",
        path, type);
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

/* Where the reading of modules.json is. */
struct reader {
    const char *path, *directory;
    size_t hidden_size;
    bool has_adapters;
    struct vf_st_modules *modules;
};

/* Appends a step behind pooling. Its folder becomes the list's. */
static int add_step(
    const struct reader *reader, enum module module, char **folder, struct vf_err *err)
{
    struct vf_sentence_head *head = &reader->modules->head;
    struct vf_head_step step = {.kind = VF_HEAD_NORMALIZE, .inputs = head->dimensions};
    if (head->n_steps == VF_HEAD_MAX_STEPS)
        return vf_fail(err, VF_ERR_DATA, "%s: more than %d modules behind Pooling", reader->path,
            (int)VF_HEAD_MAX_STEPS);
    step.outputs = step.inputs;
    int rc = module == MODULE_DENSE ? vf_st_dense_load(*folder, head->dimensions, &step, err)
                                    : check_normalize(*folder, err);
    if (rc)
        return rc;
    reader->modules->folders[head->n_steps] = *folder;
    *folder = NULL;
    head->steps[head->n_steps++] = step;
    head->dimensions = step.outputs;
    head->normalized = module == MODULE_NORMALIZE;
    return 0;
}

/* Transformer, Pooling, then any number of Dense and Normalize. */
static int check_order(
    const struct reader *reader, enum module module, size_t i, struct vf_err *err)
{
    bool fits = i == 0   ? module == MODULE_TRANSFORMER
                : i == 1 ? module == MODULE_POOLING
                         : module > MODULE_POOLING;
    if (fits)
        return 0;
    return vf_fail(err, VF_ERR_DATA,
        "%s: %s as module %zu is not supported; the order is Transformer, Pooling, then Dense and "
        "Normalize",
        reader->path, module_names[module], i);
}

/* Arguments that the module takes with each text: none but the adapter's task. */
static int check_arguments(
    const struct reader *reader, const json_t *entry, enum module module, struct vf_err *err)
{
    const json_t *names = json_object_get(entry, "kwargs");
    const char *first = json_string_value(json_array_get(names, 0));
    size_t n = json_array_size(names);
    bool is_task = reader->has_adapters && n == 1 && first && strcmp(first, "task") == 0;
    return n == 0 || is_task ? 0
                             : vf_fail(err, VF_ERR_DATA, "%s: \"kwargs\" of %s is not supported",
                                   reader->path, module_names[module]);
}

static int load_module(
    const struct reader *reader, const json_t *entry, size_t i, struct vf_err *err)
{
    int rc;
    char *folder = NULL;
    enum module module = MODULES;
    struct vf_sentence_head *head = &reader->modules->head;
    VF_TRY(read_module_type(entry, reader->path, reader->has_adapters, &module, err));
    VF_TRY(check_order(reader, module, i, err));
    VF_TRY(check_arguments(reader, entry, module, err));
    VF_TRY(read_module_folder(entry, reader->path, reader->directory, module, &folder, err));
    if (module == MODULE_POOLING) {
        VF_TRY(vf_st_pooling_load(folder, reader->hidden_size, head, err));
        head->dimensions = head->n_poolings * reader->hidden_size;
    } else if (module != MODULE_TRANSFORMER) {
        VF_TRY(add_step(reader, module, &folder, err));
    }
out:
    free(folder);
    return rc;
}

int vf_st_modules_load(const char *directory, const struct vf_network *network,
    enum vf_pooling fallback, struct vf_st_modules *ret, struct vf_err *err)
{
    int rc;
    json_t *json = NULL;
    char *path = NULL;
    size_t i;
    const json_t *entry;
    struct vf_st_modules modules = {0};
    size_t hidden_size = network->hidden_size;
    struct reader reader = {.directory = directory,
        .hidden_size = hidden_size,
        .has_adapters = network->adapter.count > 0,
        .modules = &modules};
    VF_TRY(vf_st_load_optional(directory, "modules.json", JSON_ARRAY, &path, &json, err));
    reader.path = path;
    modules.is_there = json != NULL;
    if (!json)
        modules.head = (struct vf_sentence_head){.poolings = {fallback},
            .n_poolings = 1,
            .include_prompt = true,
            .dimensions = hidden_size};
    else if (json_array_size(json) < MODULE_DENSE)
        VF_TRY(vf_fail(
            err, VF_ERR_DATA, "%s: not a list that begins with Transformer and Pooling", path));
    json_array_foreach(json, i, entry) VF_TRY(load_module(&reader, entry, i, err));
    *ret = modules;
    modules = (struct vf_st_modules){0};
out:
    vf_st_modules_release(&modules);
    json_decref(json);
    free(path);
    return rc;
}

void vf_st_modules_release(struct vf_st_modules *modules)
{
    if (!modules)
        return;
    for (size_t i = 0; i < VF_HEAD_MAX_STEPS; i++)
        free(modules->folders[i]);
    *modules = (struct vf_st_modules){0};
}
