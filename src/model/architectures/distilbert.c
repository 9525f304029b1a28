/* Sanh et al., DistilBERT, https://arxiv.org/abs/1910.01108: BERT without token types, under keys
 * and names of its own. Sinusoidal positions lie in the file like learned ones. */
#include "model/architectures/architecture.h"

static int read_config(
    const struct vf_config_json *config, struct vf_network *n, struct vf_err *err)
{
    int rc;
    VF_TRY(vf_config_refuse_variants(config, err));
    VF_TRY(vf_config_refuse_present(config, "auto_map", err));
    VF_TRY(vf_config_activation(config, "activation", &n->activation, err));
    VF_TRY(vf_config_size(config, "dim", VF_MAX_HIDDEN_SIZE, &n->hidden_size, err));
    VF_TRY(
        vf_config_size(config, "hidden_dim", VF_MAX_INTERMEDIATE_SIZE, &n->intermediate_size, err));
    VF_TRY(vf_config_size(config, "n_layers", VF_MAX_LAYERS, &n->layers, err));
    VF_TRY(vf_config_size(config, "n_heads", VF_MAX_HEADS, &n->heads, err));
    VF_TRY(vf_config_size(config, "vocab_size", VF_MAX_VOCAB_SIZE, &n->vocab_size, err));
    VF_TRY(vf_config_size(
        config, "max_position_embeddings", VF_MAX_POSITIONS, &n->max_positions, err));
    n->position_rows = n->max_positions;
    n->norm_eps = 1e-12f;
    n->biases = (struct vf_biases){.norm = true,
        .query_key_value = true,
        .attention_output = true,
        .ffn_input = true,
        .ffn_output = true};
out:
    return rc;
}

const struct vf_architecture vf_distilbert_architecture = {
    .model_type = "distilbert",
    .class_name = "DistilBert",
    .read = read_config,
    .names =
        {
            .prefix = "distilbert.",
            .word_embeddings = "embeddings.word_embeddings",
            .position_embeddings = "embeddings.position_embeddings",
            .embeddings_norm = "embeddings.LayerNorm",
            .layer = "transformer.layer.",
            .query = "attention.q_lin",
            .key = "attention.k_lin",
            .value = "attention.v_lin",
            .attention_output = "attention.out_lin",
            .attention_sum_norm = "sa_layer_norm",
            .up = "ffn.lin1",
            .down = "ffn.lin2",
            .ffn_sum_norm = "output_layer_norm",
        },
};
