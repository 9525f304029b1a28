#include "model/checkpoint_files.h"

#include "base/file.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_INDEX_BYTES ((size_t)64 << 20)
enum { MAX_FILES = 4096 };

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

/* The distinct names of files under "weight_map", borrowed and sorted. */
static int read_names(const char *path, const json_t *index, const char ***ret_names, size_t *ret_n,
    struct vf_err *err)
{
    const json_t *map = json_object_get(index, "weight_map");
    const char *key;
    json_t *value;
    size_t n = 0, kept = 0;
    if (json_object_size(map) == 0)
        return vf_fail(err, VF_ERR_DATA, "%s: \"weight_map\" names no tensors", path);
    const char **names = calloc(json_object_size(map), sizeof *names);
    if (!names)
        return vf_fail_memory(err, "the names of the weights");
    json_object_foreach((json_t *)(uintptr_t)map, key, value)
    {
        const char *name = json_string_value(value);
        if (!name || strlen(name) != json_string_length(value) || !is_plain_name(name)) {
            free(names);
            return vf_fail(err, VF_ERR_DATA,
                "%s: \"weight_map\" has for \"%s\" what is no file beside it", path, key);
        }
        names[n++] = name;
    }
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            names[kept++] = names[i];
    *ret_names = names;
    *ret_n = kept;
    return 0;
}

static int set_paths(const char *directory, const char *const *names, size_t n,
    struct vf_checkpoint_files *ret, struct vf_err *err)
{
    struct vf_checkpoint_files files = {.paths = calloc(n, sizeof *files.paths)};
    for (; files.paths && files.n < n; files.n++)
        if (!(files.paths[files.n] = vf_path_join(directory, names[files.n])))
            break;
    if (files.n < n) {
        vf_checkpoint_files_release(&files);
        return vf_fail_memory(err, "the names of the weights");
    }
    *ret = files;
    return 0;
}

static int list_of_index(
    const char *directory, const char *path, struct vf_checkpoint_files *ret, struct vf_err *err)
{
    int rc;
    json_t *index = NULL;
    const char **names = NULL;
    size_t n = 0;
    VF_TRY(vf_json_load(path, MAX_INDEX_BYTES, &index, err));
    VF_TRY(read_names(path, index, &names, &n, err));
    rc = n > MAX_FILES ? vf_fail(err, VF_ERR_DATA, "%s: more than %d files", path, (int)MAX_FILES)
                       : set_paths(directory, names, n, ret, err);
out:
    free(names);
    json_decref(index);
    return rc;
}

static int fail_nothing(const char *directory, struct vf_err *err)
{
    int rc = vf_fail(err, VF_ERR_NOT_FOUND,
        "%s: there are no weights: neither model.safetensors nor pytorch_model.bin", directory);
    vf_hint(err, "fetch the model anew, or give a directory that holds all of it");
    return rc;
}

int vf_checkpoint_files_list(
    const char *directory, struct vf_checkpoint_files *ret, struct vf_err *err)
{
    static const struct {
        const char *name;
        bool is_index, is_safetensors;
    } choices[] = {
        {"model.safetensors", false, true},
        {"model.safetensors.index.json", true, true},
        {"pytorch_model.bin", false, false},
        {"pytorch_model.bin.index.json", true, false},
    };
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        char *path = vf_path_join(directory, choices[i].name);
        if (!path)
            return vf_fail_memory(err, "a path");
        bool found = vf_is_file(path);
        int rc = 0;
        if (found)
            rc = choices[i].is_index ? list_of_index(directory, path, ret, err)
                                     : set_paths(directory, &choices[i].name, 1, ret, err);
        free(path);
        if (rc)
            return rc;
        if (found) {
            ret->is_safetensors = choices[i].is_safetensors;
            return 0;
        }
    }
    return fail_nothing(directory, err);
}

void vf_checkpoint_files_release(struct vf_checkpoint_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; files->paths && i < files->n; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct vf_checkpoint_files){0};
}
