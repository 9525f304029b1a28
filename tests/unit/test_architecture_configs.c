/* config.json of every architecture, as files of other times and other hands have it: the small
 * models of tests/parity/architectures/ with some keys changed. */
#include "harness.h"
#include "model/model.h"
#include "unit/scratch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes config.json of `model` with the keys of the object `changes`; null removes a key. */
static void write_config(const struct scratch *scratch, const char *model, const char *changes)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, VF_TEST_DATA "/../parity/architectures/%s/config.json", model);
    json_t *config = json_load_file(path, 0, &error);
    vf_check(config, "%s: %s", path, error.text);
    json_t *changed = json_loads(changes, 0, &error);
    vf_check(changed, "%s: %s", changes, error.text);
    json_object_update(config, changed);
    char *text = json_dumps(config, 0);
    scratch_write(scratch, "config.json", text, strlen(text));
    free(text);
    json_decref(changed);
    json_decref(config);
}

static void test_refused(void **state)
{
    static const struct {
        const char *name, *model, *changes, *in_message;
    } cases[] = {
        {"rope type", "eurobert", "{\"rope_parameters\":{\"rope_type\":\"yarn\"}}",
            "\"rope_type\" is \"yarn\""},
        {"no object", "eurobert", "{\"rope_parameters\":\"yarn\"}", "not an object"},
        {"older rope type", "qwen3", "{\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2.0}}",
            "\"rope_type\" is \"dynamic\""},
        {"rope type of one kind of layers", "modernbert",
            "{\"rope_parameters\":{\"sliding_attention\":{\"rope_type\":\"llama3\"}}}",
            "\"rope_type\" is \"llama3\""},
        {"ntk elsewhere", "eurobert", "{\"rope_parameters\":{\"rope_type\":\"ntk\",\"factor\":2}}",
            "\"rope_type\" is \"ntk\""},
        {"mixed ntk", "gte_remote", "{\"rope_scaling\":{\"type\":\"ntk\",\"mixed_b\":0.6}}",
            "\"mixed_b\""},
        {"base", "eurobert", "{\"rope_parameters\":{\"rope_theta\":0.5}}", "is 0.5"},
        {"factor", "gte_remote", "{\"rope_scaling\":{\"type\":\"ntk\",\"factor\":0.5}}",
            "\"factor\""},
        {"rotated in part", "qwen3", "{\"rope_parameters\":{\"partial_rotary_factor\":0.5}}",
            "\"partial_rotary_factor\" is 0.5"},
        {"odd heads", "qwen3", "{\"head_dim\":23}", "heads of 23"},
        {"groups", "qwen3", "{\"num_key_value_heads\":3}", "3 heads of keys"},
        {"heads", "eurobert", "{\"head_dim\":null,\"num_attention_heads\":7}", "does not divide"},
        {"layer types", "modernbert", "{\"num_hidden_layers\":4}", "\"layer_types\""},
        {"layer type", "qwen3", "{\"num_hidden_layers\":1,\"layer_types\":[\"chunked\"]}",
            "\"layer_types\" is \"chunked\""},
        {"no activation", "qwen3", "{\"hidden_act\":null}", "\"hidden_act\""},
        {"windows that are not causal", "qwen3",
            "{\"is_causal\":false,\"use_sliding_window\":true,\"sliding_window\":8}",
            "\"is_causal\""},
        {"capped scores", "gemma3_text", "{\"attn_logit_softcapping\":50.0}",
            "\"attn_logit_softcapping\""},
        {"scale", "gemma3_text", "{\"query_pre_attn_scalar\":0}", "\"query_pre_attn_scalar\""},
        {"no window", "gemma3_text", "{\"sliding_window\":null}", "\"sliding_window\""},
        {"not causal", "gemma3_text", "{\"use_bidirectional_attention\":false,\"is_causal\":false}",
            "\"is_causal\""},
        {"own code", "qwen3", "{\"auto_map\":{\"AutoModel\":\"a.Qwen3Model\"}}", "\"auto_map\""},
        {"other code", "nomic_bert_remote", "{\"auto_map\":{\"AutoModel\":\"a.MoeModel\"}}",
            "\"AutoModel\" is \"a.MoeModel\""},
        {"norms first", "nomic_bert_remote", "{\"prenorm\":true}", "\"prenorm\""},
        {"causal", "nomic_bert_remote", "{\"causal\":true}", "\"causal\""},
        {"experts", "nomic_bert_remote", "{\"num_experts\":8}", "\"num_experts\""},
        {"gate", "nomic_bert_remote", "{\"activation_function\":\"gelu\"}",
            "\"activation_function\" is \"gelu\""},
        {"part", "nomic_bert_remote", "{\"rotary_emb_fraction\":0.5}",
            "\"rotary_emb_fraction\" is 0.5"},
        {"scaled by length", "nomic_bert_remote", "{\"rotary_scaling_factor\":2.0}",
            "\"rotary_scaling_factor\""},
        {"norm", "gte_remote", "{\"layer_norm_type\":\"rms_norm\"}",
            "\"layer_norm_type\" is \"rms_norm\""},
        {"log n", "gte_remote", "{\"logn_attention_scale\":true}", "\"logn_attention_scale\""},
        {"positions", "gte_remote", "{\"position_embedding_type\":\"absolute\"}",
            "\"position_embedding_type\" is \"absolute\""},
        {"quantised", "gemma3_text", "{\"quantization_config\":{}}", "\"quantization_config\""},
        {"DistilBERT's sizes", "distilbert", "{\"dim\":null}", "\"dim\""},
        {"DistilBERT's activation", "distilbert", "{\"activation\":\"tanh\"}",
            "\"activation\" is \"tanh\""},
        {"DistilBERT's own code", "distilbert", "{\"auto_map\":{}}", "\"auto_map\""},
        {"pruned", "distilbert", "{\"pruned_heads\":{\"1\":[0]}}", "\"pruned_heads\""},
        {"padding", "roberta", "{\"pad_token_id\":701}", "\"pad_token_id\""},
        {"no position left", "roberta", "{\"max_position_embeddings\":2}",
            "\"max_position_embeddings\" is 2"},
        {"decoder", "roberta", "{\"is_decoder\":true}", "\"is_decoder\""},
        {"token types", "camembert", "{\"type_vocab_size\":0}", "\"type_vocab_size\""},
        {"buckets of biases", "mpnet", "{\"relative_attention_num_buckets\":64}",
            "\"relative_attention_num_buckets\" is 64"},
        {"no groups", "albert", "{\"num_hidden_groups\":0}", "\"num_hidden_groups\""},
        {"more groups than layers", "albert", "{\"num_hidden_groups\":4}", "\"num_hidden_groups\""},
        {"layers in groups", "albert", "{\"inner_group_num\":200}", "\"inner_group_num\""},
        {"embeddings", "electra", "{\"embedding_size\":null}", "\"embedding_size\""},
        {"convolution", "deberta_v2", "{\"conv_kernel_size\":3}", "\"conv_kernel_size\" is 3"},
        {"narrow embeddings", "deberta_v2", "{\"embedding_size\":30}", "\"embedding_size\" is 30"},
        {"other heads", "deberta_v2", "{\"attention_head_size\":30}",
            "\"attention_head_size\" is 30"},
        {"products", "deberta_v2", "{\"pos_att_type\":[\"c2p\",\"p2p\"]}",
            "\"pos_att_type\" is \"p2p\""},
        {"no list", "deberta_v2", "{\"pos_att_type\":1}", "\"pos_att_type\" is not a list"},
        {"one bucket", "deberta_v2", "{\"position_buckets\":1}", "\"position_buckets\" 1"},
        {"buckets behind the end", "deberta_v2", "{\"max_relative_positions\":9}",
            "\"max_relative_positions\" 9"},
        {"half a bucket", "deberta_v2", "{\"position_buckets\":2.5}", "2.5"},
    };
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_model *model = NULL;
        write_config(&scratch, cases[i].model, cases[i].changes);
        int rc = vf_model_open(scratch.path, NULL, false, &model, &err);
        vf_check(rc == VF_ERR_DATA && !model, "%s: %d", cases[i].name, rc);
        vf_check(strstr(err.msg, "config.json") && strstr(err.msg, cases[i].in_message), "%s: %s",
            cases[i].name, err.msg);
    }
    scratch_release(&scratch);
}

static struct vf_network read_network(
    const struct scratch *scratch, const char *model, const char *changes)
{
    struct vf_err err = {0};
    struct vf_model *opened = NULL;
    write_config(scratch, model, changes);
    int rc = vf_model_open(scratch->path, NULL, false, &opened, &err);
    vf_check(rc == 0, "%s: %s", model, err.msg);
    struct vf_network network = vf_model_config(opened)->network;
    vf_model_close(opened);
    return network;
}

/* Files written before transformers 5, whose rotary positions and layers have other keys. */
static void test_older_files(void **state)
{
    static const struct {
        const char *model, *changes;
    } cases[] = {
        {"modernbert", "{\"layer_types\":null,\"rope_parameters\":null,"
                       "\"global_attn_every_n_layers\":3,\"global_rope_theta\":160000.0,"
                       "\"local_rope_theta\":10000.0}"},
        {"gemma3_text", "{\"layer_types\":null,\"rope_parameters\":null,\"rope_theta\":1000000,"
                        "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":8},"
                        "\"rope_local_base_freq\":10000,\"sliding_window_pattern\":3}"},
        {"qwen3", "{\"layer_types\":null,\"rope_parameters\":null,\"rope_theta\":1000000,"
                  "\"rope_scaling\":null}"},
        {"eurobert", "{\"rope_parameters\":null,\"rope_theta\":250000,\"head_dim\":null}"},
        {"nomic_bert", "{\"rope_parameters\":null,\"head_dim\":null}"},
        {"gte", "{\"rope_parameters\":null,\"rope_theta\":160000}"},
    };
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_network now = read_network(&scratch, cases[i].model, "{}");
        struct vf_network then = read_network(&scratch, cases[i].model, cases[i].changes);
        assert_int_equal(now.head_size, then.head_size);
        assert_memory_equal(
            now.attention_of_layer, then.attention_of_layer, sizeof now.attention_of_layer);
        for (size_t kind = 0; kind < VF_ATTENTION_KINDS; kind++) {
            const struct vf_attention_kind *a = &now.attention[kind], *b = &then.attention[kind];
            vf_check(a->before == b->before && a->after == b->after, "%s: window %zu",
                cases[i].model, kind);
            vf_check(memcmp(&a->rotary, &b->rotary, sizeof a->rotary) == 0, "%s: positions %zu",
                cases[i].model, kind);
        }
    }
    scratch_release(&scratch);
}

/* A model with adapters needs a task for its weights, and no other takes one. */
static void test_tasks(void **state)
{
    static const struct {
        const char *name, *model, *task;
        bool with_weights;
        const char *in_message, *in_hint; /* NULL: it is opened */
        size_t index;
    } cases[] = {
        {"first", "jina_v3_remote", "retrieval.query", false, NULL, NULL, 0},
        {"last", "jina_v3_remote", "text-matching", false, NULL, NULL, 2},
        {"none, to look at it", "jina_v3_remote", NULL, false, NULL, NULL, 0},
        {"none", "jina_v3_remote", NULL, true, "none is chosen",
            "retrieval.query, retrieval.passage, text-matching", 0},
        {"unknown", "jina_v3_remote", "retrieval", false, "\"retrieval\"", "text-matching", 0},
        {"elsewhere", "bert", "retrieval.query", false, "no adapters", "leave out", 0},
    };
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_model *model = NULL;
        write_config(&scratch, cases[i].model, "{}");
        int rc = vf_model_open(scratch.path, cases[i].task, cases[i].with_weights, &model, &err);
        if (cases[i].in_message) {
            vf_check(rc == VF_ERR_CONFIG && !model, "%s: %d", cases[i].name, rc);
            vf_check(strstr(err.msg, cases[i].in_message) && strstr(err.hint, cases[i].in_hint),
                "%s: %s, %s", cases[i].name, err.msg, err.hint);
            continue;
        }
        vf_check(rc == 0, "%s: %s", cases[i].name, err.msg);
        assert_int_equal(vf_model_config(model)->network.adapter.index, cases[i].index);
        vf_model_close(model);
    }
    scratch_release(&scratch);
}

/* Very old files do not say their model_type, but the class. */
static void test_classes(void **state)
{
    static const struct {
        const char *class_name, *model; /* NULL: refused */
    } cases[] = {
        {"RobertaModel", "roberta"},
        {"RobertaForMaskedLM", "roberta"},
        {"XLMRobertaModel", "xlm-roberta"},
        {"BertModel", "bert"},
        {"RobertaSeriesModel", NULL},
        {"GPT2Model", NULL},
    };
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char changes[128];
        struct vf_err err = {0};
        struct vf_model *model = NULL;
        snprintf(changes, sizeof changes, "{\"model_type\":null,\"architectures\":[\"%s\"]}",
            cases[i].class_name);
        write_config(&scratch, "roberta", changes);
        int rc = vf_model_open(scratch.path, NULL, false, &model, &err);
        vf_check((rc == 0) == (cases[i].model != NULL), "%s: %d", cases[i].class_name, rc);
        if (rc)
            vf_check(strstr(err.msg, "\"architectures\" is \""), "%s", err.msg);
        else
            assert_string_equal(vf_model_config(model)->network.architecture, cases[i].model);
        vf_model_close(model);
    }
    scratch_release(&scratch);
}

/* Who sees whom. */
static void test_windows(void **state)
{
    static const struct {
        const char *name, *model, *changes;
        size_t layer, before, after;
    } cases[] = {
        {"half a window on each side", "modernbert", "{}", 1, 8, 8},
        {"every third layer sees all", "modernbert", "{}", 3, SIZE_MAX, SIZE_MAX},
        {"bidirectional", "gemma3_text", "{}", 0, 9, 9},
        {"all", "gemma3_text", "{}", 2, SIZE_MAX, SIZE_MAX},
        {"causal window", "gemma3_text", "{\"use_bidirectional_attention\":false}", 0, 17, 0},
        {"causal", "gemma3_text", "{\"use_bidirectional_attention\":false}", 2, SIZE_MAX, 0},
        {"Qwen3", "qwen3", "{}", 0, SIZE_MAX, 0},
        {"Qwen3 made bidirectional", "qwen3", "{\"is_causal\":false}", 0, SIZE_MAX, SIZE_MAX},
        {"below max_window_layers", "qwen3",
            "{\"use_sliding_window\":true,\"sliding_window\":8,\"max_window_layers\":1,"
            "\"layer_types\":null}",
            0, SIZE_MAX, 0},
        {"from max_window_layers", "qwen3",
            "{\"use_sliding_window\":true,\"sliding_window\":8,\"max_window_layers\":1,"
            "\"layer_types\":null}",
            2, 7, 0},
        {"all of a BERT", "bert", "{}", 2, SIZE_MAX, SIZE_MAX},
    };
    (void)state;
    struct scratch scratch;
    scratch_init(&scratch);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_network network = read_network(&scratch, cases[i].model, cases[i].changes);
        const struct vf_attention_kind *kind =
            &network.attention[network.attention_of_layer[cases[i].layer]];
        vf_check(kind->before == cases[i].before && kind->after == cases[i].after, "%s: %zu, %zu",
            cases[i].name, kind->before, kind->after);
    }
    scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_older_files),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
