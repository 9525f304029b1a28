/* An architecture: what the keys of its config.json mean, and what its tensors are called. Each has
 * one file of this folder and a line in architectures.c.
 *
 * A reader sees to every key that changes the result: it is read, or refused by file and key. */
#ifndef VF_MODEL_ARCHITECTURES_ARCHITECTURE_H
#define VF_MODEL_ARCHITECTURES_ARCHITECTURE_H

#include "model/config_json.h"
#include "model/network_tensors.h"

struct vf_architecture {
    const char *model_type; /* as config.json has it; the network's `architecture` */
    const char *positions;  /* "position_embedding_type" of the files that are meant; NULL: any */
    const char *class_name; /* how the names of its classes begin, e.g. "Bert" in "BertModel" */

    /* Fills what differs from the defaults of a network. What is left 0 follows from the
     * rest: head_size and embedding_size from hidden_size, kv_heads from heads, attention_scale
     * from head_size, and layers of weights one by one from layers. */
    int (*read)(
        const struct vf_config_json *config, struct vf_network *network, struct vf_err *err);

    struct vf_tensor_names names;
};

extern const struct vf_architecture vf_albert_architecture, vf_bert_architecture,
    vf_camembert_architecture, vf_deberta_v2_architecture, vf_distilbert_architecture,
    vf_electra_architecture, vf_eurobert_architecture, vf_gemma3_text_architecture,
    vf_gte_architecture, vf_jina_adapters_architecture, vf_jina_embeddings_v3_architecture,
    vf_modernbert_architecture, vf_mpnet_architecture, vf_new_architecture,
    vf_nomic_bert_architecture, vf_qwen3_architecture, vf_roberta_architecture,
    vf_xlm_roberta_architecture;

/* The architecture of a config.json, by "model_type", or by "architectures" when that is missing.
 * *ret is static. */
VF_MUST_CHECK int vf_architecture_find(
    const struct vf_config_json *config, const struct vf_architecture **ret, struct vf_err *err);

/* For readers: refuses what none computes: decoders, pruned heads, quantised weights. */
VF_MUST_CHECK int vf_config_refuse_variants(
    const struct vf_config_json *config, struct vf_err *err);

/* For readers: refuses code of the model's own other than the class that the reader stands for,
 * which "auto_map" names as "…module.CLASS". */
VF_MUST_CHECK int vf_config_expect_own_code(
    const struct vf_config_json *config, const char *class_name, struct vf_err *err);

#endif
