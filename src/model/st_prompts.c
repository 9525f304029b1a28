#include "model/st_prompts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int add(struct vf_prompts *prompts, const char *name, const json_t *text, const char *path,
    struct vf_err *err)
{
    const char *value = json_string_value(text);
    if (!value || strlen(value) != json_string_length(text))
        return vf_fail(err, VF_ERR_DATA, "%s: the prompt \"%s\" is not a text", path, name);
    struct vf_prompt *prompt = &prompts->list[prompts->n++];
    *prompt = (struct vf_prompt){.name = strdup(name), .text = strdup(value)};
    return prompt->name && prompt->text ? 0 : vf_fail_memory(err, "the prompts");
}

static int read_list(
    const json_t *json, const char *path, struct vf_prompts *prompts, struct vf_err *err)
{
    const json_t *object = json_object_get(json, "prompts");
    const char *name;
    json_t *text;
    if (!object || json_is_null(object))
        return 0;
    if (!json_is_object(object) || json_object_size(object) > VF_MAX_PROMPTS)
        return vf_fail(err, VF_ERR_DATA, "%s: \"prompts\" is not an object of at most %d texts",
            path, (int)VF_MAX_PROMPTS);
    prompts->list = calloc(json_object_size(object) + 1, sizeof *prompts->list);
    if (!prompts->list)
        return vf_fail_memory(err, "the prompts");
    json_object_foreach((json_t *)(uintptr_t)object, name, text)
    {
        int rc = json_is_null(text) ? 0 : add(prompts, name, text, path, err);
        if (rc)
            return rc;
    }
    return 0;
}

int vf_prompts_read(
    const json_t *json, const char *path, struct vf_prompts *ret, struct vf_err *err)
{
    static const char key[] = "default_prompt_name";
    struct vf_prompts prompts = {0};
    const char *name;
    int rc;
    VF_TRY(read_list(json, path, &prompts, err));
    VF_TRY(vf_json_get_string(json, key, path, NULL, &name, err));
    if (name && !vf_prompts_find(&prompts, name)) {
        rc = vf_fail(
            err, VF_ERR_DATA, "%s: \"%s\" is \"%s\", which \"prompts\" lacks", path, key, name);
        goto out;
    }
    if (name && !(prompts.default_name = strdup(name))) {
        rc = vf_fail_memory(err, "the prompts");
        goto out;
    }
    *ret = prompts;
    prompts = (struct vf_prompts){0};
out:
    vf_prompts_release(&prompts);
    return rc;
}

void vf_prompts_release(struct vf_prompts *prompts)
{
    if (!prompts)
        return;
    for (size_t i = 0; i < prompts->n; i++) {
        free(prompts->list[i].name);
        free(prompts->list[i].text);
    }
    free(prompts->list);
    free(prompts->default_name);
    *prompts = (struct vf_prompts){0};
}

const char *vf_prompts_find(const struct vf_prompts *prompts, const char *name)
{
    for (size_t i = 0; i < prompts->n; i++)
        if (strcmp(prompts->list[i].name, name) == 0)
            return prompts->list[i].text;
    return NULL;
}
