#include "tokenizer/tokenizer_config.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CONFIG_BYTES ((size_t)4 << 20)

static const char file_name[] = "tokenizer_config.json";

int vf_tokenizer_config_load(const char *directory, json_t **ret, struct vf_err *err)
{
    json_t *json = NULL;
    char *path = vf_path_join(directory, file_name);
    if (!path)
        return vf_fail_memory(err, "a path");
    int rc = vf_is_file(path) ? vf_json_load_reals(path, MAX_CONFIG_BYTES, &json, err) : 0;
    free(path);
    if (rc == 0)
        *ret = json;
    return rc;
}

/* Sets `to` of a step by `from` of the file; null there, and nothing, is the default. */
static int set_flag(const json_t *config, const char *from, bool fallback, json_t *step,
    const char *to, struct vf_err *err)
{
    bool value;
    int rc = vf_json_get_bool(config, from, file_name, fallback, &value, err);
    if (rc == 0 && json_object_set_new(step, to, json_boolean(value)))
        rc = vf_fail_memory(err, "the tokenizer");
    return rc;
}

int vf_tokenizer_config_normalizer(const json_t *config, json_t *normalizer, struct vf_err *err)
{
    static const char strip[] = "strip_accents";
    const json_t *strips = json_object_get(config, strip);
    int rc;
    VF_TRY(set_flag(config, "do_lower_case", true, normalizer, "lowercase", err));
    VF_TRY(
        set_flag(config, "tokenize_chinese_chars", true, normalizer, "handle_chinese_chars", err));
    if (strips && !json_is_null(strips))
        VF_TRY(set_flag(config, strip, false, normalizer, strip, err));
    else if (json_object_set_new(normalizer, strip, json_null()))
        rc = vf_fail_memory(err, "the tokenizer");
out:
    return rc;
}

/* Whether "tokenizer_class" is one of `names`, "Fast" or not. */
static bool is_class(const char *class_name, const char *const *names)
{
    for (; *names; names++) {
        size_t n = strlen(*names);
        if (strncmp(class_name, *names, n) == 0 &&
            (class_name[n] == '\0' || strcmp(class_name + n, "Fast") == 0))
            return true;
    }
    return false;
}

static bool is_step(const json_t *step, const char *type)
{
    const char *name = json_string_value(json_object_get(step, "type"));
    return name && strcmp(name, type) == 0;
}

int vf_tokenizer_config_apply(const json_t *config, json_t *root, struct vf_err *err)
{
    static const char *const berts[] = {
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MPNetTokenizer", NULL};
    static const char *const robertas[] = {"RobertaTokenizer", NULL};
    const char *class_name;
    if (!config)
        return 0;
    int rc = vf_json_get_string(config, "tokenizer_class", file_name, berts[0], &class_name, err);
    if (rc)
        return rc;
    json_t *normalizer = json_object_get(root, "normalizer");
    if (is_class(class_name, berts) && is_step(normalizer, "BertNormalizer"))
        return vf_tokenizer_config_normalizer(config, normalizer, err);
    json_t *pretokenizer = json_object_get(root, "pre_tokenizer");
    if (is_class(class_name, robertas) && is_step(pretokenizer, "ByteLevel"))
        return set_flag(config, "add_prefix_space", false, pretokenizer, "add_prefix_space", err);
    return 0;
}
