#include "model/st_json.h"

#include "base/file.h"
#include "model/model_config.h"

#include <stdlib.h>
#include <string.h>

int vf_st_load(const char *path, json_type type, json_t **ret, struct vf_err *err)
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

int vf_st_load_optional(const char *directory, const char *name, json_type type, char **ret_path,
    json_t **ret, struct vf_err *err)
{
    json_t *json = NULL;
    char *path = vf_path_join(directory, name);
    if (!path)
        return vf_fail_memory(err, "a path");
    int rc = vf_is_file(path) ? vf_st_load(path, type, &json, err) : 0;
    if (rc) {
        free(path);
        return rc;
    }
    *ret_path = path;
    *ret = json;
    return 0;
}

int vf_st_expect(
    const json_t *json, const char *key, const char *path, const char *known, struct vf_err *err)
{
    const char *value;
    int rc = vf_json_get_string(json, key, path, known, &value, err);
    if (rc || strcmp(value, known) == 0)
        return rc;
    return vf_fail(
        err, VF_ERR_DATA, "%s: \"%s\" is \"%s\"; known here: %s", path, key, value, known);
}
