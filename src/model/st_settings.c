#include "model/st_settings.h"

#include "model/st_json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SEQ_LENGTH = 1 << 20 };

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
        int rc = vf_st_load_optional(directory, names[i], JSON_OBJECT, ret_path, ret, err);
        if (rc || *ret)
            return rc;
        free(*ret_path);
        *ret_path = NULL;
    }
    return 0;
}

/* Refuses arguments that change how the network or the tokenizer is loaded; some do not. */
static int check_arguments(
    const json_t *json, const char *key, const char *path, struct vf_err *err)
{
    static const char *const harmless[] = {
        "trust_remote_code", "add_pooling_layer", "attn_implementation", NULL};
    const char *argument;
    json_t *value;
    json_object_foreach(json_object_get(json, key), argument, value)
    {
        size_t i = 0;
        while (harmless[i] && strcmp(harmless[i], argument) != 0)
            i++;
        if (!harmless[i])
            return vf_fail(err, VF_ERR_DATA, "%s: \"%s\" has \"%s\", which is not supported", path,
                key, argument);
    }
    return 0;
}

/* A text must go to the network as it is, and not as a message of a conversation. */
static int check_modality(const json_t *json, const char *path, struct vf_err *err)
{
    const json_t *modalities = json_object_get(json, "modality_config");
    const json_t *text = json_object_get(modalities, "text");
    int rc;
    VF_TRY(vf_st_expect(json, "transformer_task", path, "feature-extraction", err));
    VF_TRY(vf_st_expect(json, "module_output_name", path, "token_embeddings", err));
    VF_TRY(vf_st_expect(text, "method", path, "forward", err));
    VF_TRY(vf_st_expect(text, "method_output_name", path, "last_hidden_state", err));
    if (json_object_get(modalities, "message"))
        rc = vf_fail(err, VF_ERR_DATA,
            "%s: \"modality_config\" has \"message\": a template for conversations, which is not "
            "supported",
            path);
out:
    return rc;
}

static int load_transformer(const char *directory, struct vf_st_settings *ret, struct vf_err *err)
{
    static const char *const arguments[] = {"model_args", "tokenizer_args", "config_args",
        "model_kwargs", "processor_kwargs", "config_kwargs"};
    char *path = NULL;
    json_t *json = NULL;
    int rc;
    VF_TRY(load_transformer_settings(directory, &path, &json, err));
    if (!json)
        goto out;
    VF_TRY(vf_json_get_bool(json, "do_lower_case", path, false, &ret->do_lower_case, err));
    const json_t *text = json_object_get(json_object_get(json, "processing_kwargs"), "text");
    VF_TRY(
        vf_json_get_size(text, "max_length", path, 0, MAX_SEQ_LENGTH, &ret->max_seq_length, err));
    VF_TRY(vf_json_get_size(json, "max_seq_length", path, ret->max_seq_length, MAX_SEQ_LENGTH,
        &ret->max_seq_length, err));
    VF_TRY(check_modality(json, path, err));
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++)
        VF_TRY(check_arguments(json, arguments[i], path, err));
out:
    json_decref(json);
    free(path);
    return rc;
}

/* --- config_sentence_transformers.json -------------------------------------------------------- */

static int load_library(const char *directory, struct vf_st_settings *ret, struct vf_err *err)
{
    char *path = NULL;
    json_t *json = NULL;
    int rc;
    VF_TRY(vf_st_load_optional(
        directory, "config_sentence_transformers.json", JSON_OBJECT, &path, &json, err));
    if (!json)
        goto out;
    VF_TRY(vf_st_expect(json, "model_type", path, "SentenceTransformer", err));
    VF_TRY(vf_json_get_size(json, "truncate_dim", path, 0, SIZE_MAX, &ret->truncate_dim, err));
    VF_TRY(vf_prompts_read(json, path, &ret->prompts, err));
out:
    json_decref(json);
    free(path);
    return rc;
}

int vf_st_settings_load(const char *directory, struct vf_st_settings *ret, struct vf_err *err)
{
    struct vf_st_settings settings = {0};
    int rc;
    VF_TRY(load_transformer(directory, &settings, err));
    VF_TRY(load_library(directory, &settings, err));
    *ret = settings;
    settings = (struct vf_st_settings){0};
out:
    vf_st_settings_release(&settings);
    return rc;
}

void vf_st_settings_release(struct vf_st_settings *settings)
{
    if (!settings)
        return;
    vf_prompts_release(&settings->prompts);
    *settings = (struct vf_st_settings){0};
}
