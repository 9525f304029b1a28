#include "base/buf.h"
#include "model/architectures/architecture.h"

#include <string.h>

static const struct vf_architecture *const architectures[] = {
    &vf_albert_architecture,
    &vf_bert_architecture,
    &vf_camembert_architecture,
    &vf_deberta_v2_architecture,
    &vf_distilbert_architecture,
    &vf_electra_architecture,
    &vf_eurobert_architecture,
    &vf_gemma3_text_architecture,
    &vf_gte_architecture,
    &vf_jina_adapters_architecture,
    &vf_jina_embeddings_v3_architecture,
    &vf_modernbert_architecture,
    &vf_mpnet_architecture,
    &vf_new_architecture,
    &vf_nomic_bert_architecture,
    &vf_qwen3_architecture,
    &vf_roberta_architecture,
    &vf_xlm_roberta_architecture,
};

enum { ARCHITECTURES = sizeof(architectures) / sizeof(architectures[0]) };

static const struct vf_architecture *find_model_type(const char *model_type, const char *positions)
{
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        const struct vf_architecture *found = architectures[i];
        if (strcmp(found->model_type, model_type) == 0 &&
            (!found->positions || strcmp(found->positions, positions) == 0))
            return found;
    }
    return NULL;
}

/* "BertModel" and "BertForMaskedLM" are classes of "Bert". */
static const struct vf_architecture *find_class(const char *class_name)
{
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        size_t n = strlen(architectures[i]->class_name);
        if (strncmp(class_name, architectures[i]->class_name, n) == 0 &&
            (strcmp(class_name + n, "Model") == 0 || strncmp(class_name + n, "For", 3) == 0))
            return architectures[i];
    }
    return NULL;
}

static int fail_unknown(
    const struct vf_config_json *config, const char *key, const char *value, struct vf_err *err)
{
    struct vf_buf known = {0};
    int rc = 0;
    for (size_t i = 0; i < ARCHITECTURES; i++)
        VF_TRY(vf_buf_printf(&known, err, "%s%s", i ? ", " : "", architectures[i]->model_type));
    rc = vf_config_fail_value(config, key, value, known.data, err);
out:
    vf_buf_release(&known);
    return rc;
}

int vf_architecture_find(
    const struct vf_config_json *config, const struct vf_architecture **ret, struct vf_err *err)
{
    const char *model_type;
    int rc = vf_json_get_string(config->json, "model_type", config->path, "", &model_type, err);
    if (rc)
        return rc;
    const char *positions =
        json_string_value(json_object_get(config->json, "position_embedding_type"));
    const char *class_name =
        json_string_value(json_array_get(json_object_get(config->json, "architectures"), 0));
    bool by_class = *model_type == '\0' && class_name;
    const struct vf_architecture *found =
        by_class ? find_class(class_name) : find_model_type(model_type, positions ? positions : "");
    if (!found)
        return by_class ? fail_unknown(config, "architectures", class_name, err)
                        : fail_unknown(config, "model_type", model_type, err);
    *ret = found;
    return 0;
}

int vf_config_refuse_variants(const struct vf_config_json *config, struct vf_err *err)
{
    static const char *const flags[] = {"is_decoder", "add_cross_attention"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        int rc = vf_config_refuse_true(config, flags[i], err);
        if (rc)
            return rc;
    }
    int rc = vf_config_refuse_present(config, "quantization_config", err);
    if (rc)
        return rc;
    if (json_object_size(json_object_get(config->json, "pruned_heads")) > 0)
        return vf_fail(err, VF_ERR_DATA,
            "%s: \"pruned_heads\" is not empty, which is not supported", config->path);
    return 0;
}

int vf_config_expect_own_code(
    const struct vf_config_json *config, const char *class_name, struct vf_err *err)
{
    const json_t *code = json_object_get(json_object_get(config->json, "auto_map"), "AutoModel");
    if (!code || json_is_null(code))
        return 0;
    const char *name = json_string_value(code) ? json_string_value(code) : "";
    const char *dot = strrchr(name, '.');
    return dot && strcmp(dot + 1, class_name) == 0
               ? 0
               : vf_config_fail_value(config, "AutoModel", name, class_name, err);
}
