#include "model/model.h"

#include "base/buf.h"
#include "harness.h"
#include "unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tiny BERT: every size differs from the others, so that no two can be mixed up unseen. */
enum { HIDDEN = 6, INNER = 10, LAYERS = 2, VOCAB = 7, TYPES = 3, POSITIONS = 16 };

static const char config_json[] =
    "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"hidden_size\":6,\"intermediate_size\":10,"
    "\"num_hidden_layers\":2,\"num_attention_heads\":3,\"vocab_size\":7,\"type_vocab_size\":3,"
    "\"max_position_embeddings\":16,\"layer_norm_eps\":1e-12,"
    "\"position_embedding_type\":\"absolute\"}";
static const char modules_json[] = "[{\"idx\":0,\"name\":\"0\",\"path\":\"\",\"type\":\"sentence_"
                                   "transformers.models.Transformer\"},"
                                   "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":"
                                   "\"sentence_transformers.models.Pooling\"}]";

static struct scratch scratch;

static int set_up(void **state)
{
    (void)state;
    scratch_init(&scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_release(&scratch);
    return 0;
}

static void write_text(const char *name, const char *text)
{
    scratch_write(&scratch, name, text, strlen(text));
}

/* --- weights ---------------------------------------------------------------------------------- */

struct shape {
    const char *name;
    size_t rows, cols; /* cols 0: a vector of `rows` numbers */
};

static const struct shape embedding_tensors[] = {
    {"embeddings.word_embeddings.weight", VOCAB, HIDDEN},
    {"embeddings.position_embeddings.weight", POSITIONS, HIDDEN},
    {"embeddings.token_type_embeddings.weight", TYPES, HIDDEN},
    {"embeddings.LayerNorm.weight", HIDDEN, 0},
    {"embeddings.LayerNorm.bias", HIDDEN, 0},
};

static const struct shape layer_tensors[] = {
    {"attention.self.query.weight", HIDDEN, HIDDEN},
    {"attention.self.query.bias", HIDDEN, 0},
    {"attention.self.key.weight", HIDDEN, HIDDEN},
    {"attention.self.key.bias", HIDDEN, 0},
    {"attention.self.value.weight", HIDDEN, HIDDEN},
    {"attention.self.value.bias", HIDDEN, 0},
    {"attention.output.dense.weight", HIDDEN, HIDDEN},
    {"attention.output.dense.bias", HIDDEN, 0},
    {"attention.output.LayerNorm.weight", HIDDEN, 0},
    {"attention.output.LayerNorm.bias", HIDDEN, 0},
    {"intermediate.dense.weight", INNER, HIDDEN},
    {"intermediate.dense.bias", INNER, 0},
    {"output.dense.weight", HIDDEN, INNER},
    {"output.dense.bias", HIDDEN, 0},
    {"output.LayerNorm.weight", HIDDEN, 0},
    {"output.LayerNorm.bias", HIDDEN, 0},
};

enum { LAYER_TENSORS = VF_COUNT(layer_tensors), EMBEDDING_TENSORS = VF_COUNT(embedding_tensors) };

/* How a file of weights differs from the plain one; NULL for not at all. */
struct recipe {
    const char *prefix;
    const char *omit;         /* this tensor is left out */
    const char *misshape;     /* this one has a row too many */
    const char *gamma, *beta; /* what a LayerNorm's parts are called */
};

struct weights {
    struct recipe recipe;
    struct vf_buf header, data;
    float next; /* the value that fills the next tensor, so that each can be told apart */
};

static void append(struct vf_buf *buf, const void *bytes, size_t n)
{
    assert_int_equal(vf_buf_append(buf, bytes, n, NULL), 0);
}

static void append_tensor(struct weights *weights, const char *name, size_t rows, size_t cols)
{
    const struct recipe *recipe = &weights->recipe;
    float value = weights->next++;
    if (recipe->omit && strcmp(recipe->omit, name) == 0)
        return;
    if (recipe->misshape && strcmp(recipe->misshape, name) == 0)
        rows++;
    size_t begin = weights->data.size;
    for (size_t i = 0; i < rows * (cols ? cols : 1); i++)
        append(&weights->data, &value, sizeof value);
    char shape[64];
    snprintf(shape, sizeof shape, cols ? "%zu,%zu" : "%zu", rows, cols);
    assert_int_equal(vf_buf_printf(&weights->header, NULL,
                         "%s\"%s%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                         weights->header.size ? "," : "{", recipe->prefix ? recipe->prefix : "",
                         name, shape, begin, weights->data.size),
        0);
}

/* `name`, with the last part of a LayerNorm's replaced where the recipe says so. */
static void append_named(struct weights *weights, const char *name, size_t rows, size_t cols)
{
    char renamed[128];
    const char *norm = strstr(name, "LayerNorm.");
    snprintf(renamed, sizeof renamed, "%s", name);
    if (norm && weights->recipe.gamma)
        snprintf(renamed, sizeof renamed, "%.*s.%s", (int)(norm + 9 - name), name,
            norm[10] == 'w' ? weights->recipe.gamma : weights->recipe.beta);
    append_tensor(weights, renamed, rows, cols);
}

static void write_weights(struct recipe recipe)
{
    struct weights weights = {.recipe = recipe};
    for (size_t i = 0; i < EMBEDDING_TENSORS; i++)
        append_named(&weights, embedding_tensors[i].name, embedding_tensors[i].rows,
            embedding_tensors[i].cols);
    for (size_t layer = 0; layer < LAYERS; layer++) {
        for (size_t i = 0; i < LAYER_TENSORS; i++) {
            char name[128];
            snprintf(name, sizeof name, "encoder.layer.%zu.%s", layer, layer_tensors[i].name);
            append_named(&weights, name, layer_tensors[i].rows, layer_tensors[i].cols);
        }
    }
    append_tensor(&weights, "pooler.dense.weight", HIDDEN, HIDDEN);
    append_tensor(&weights, "encoder.layer.2.output.LayerNorm.bias", HIDDEN, 0);
    append(&weights.header, "}", 1);

    struct vf_buf file = {0};
    uint8_t length[8] = {(uint8_t)weights.header.size, (uint8_t)(weights.header.size >> 8)};
    append(&file, length, sizeof length);
    append(&file, weights.header.data, weights.header.size);
    append(&file, weights.data.data, weights.data.size);
    scratch_write(&scratch, "model.safetensors", file.data, file.size);
    vf_buf_release(&file);
    vf_buf_release(&weights.header);
    vf_buf_release(&weights.data);
}

static void check_tensor(
    const char *row, const struct vf_tensor *tensor, size_t rows, size_t cols, float expected)
{
    float values[16];
    vf_check(tensor->rows == (cols ? rows : 1) && tensor->cols == (cols ? cols : rows),
        "%s: [%zu, %zu]", row, tensor->rows, tensor->cols);
    for (size_t r = 0; r < tensor->rows; r++) {
        vf_tensor_read_row(tensor, r, values);
        vf_check(values[0] == expected && values[tensor->cols - 1] == expected, "%s: %g", row,
            (double)values[0]);
    }
}

/* Every tensor of the plain file is where it belongs. */
static void check_weights(const struct vf_network_tensors *weights)
{
    const struct vf_tensor *embeddings[EMBEDDING_TENSORS] = {&weights->word_embeddings,
        &weights->position_embeddings, &weights->token_type_embeddings,
        &weights->embeddings_norm.weight, &weights->embeddings_norm.bias};
    float expected = 0;
    for (size_t i = 0; i < EMBEDDING_TENSORS; i++)
        check_tensor(embedding_tensors[i].name, embeddings[i], embedding_tensors[i].rows,
            embedding_tensors[i].cols, expected++);
    for (size_t layer = 0; layer < LAYERS; layer++) {
        const struct vf_layer_tensors *l = &weights->layers[layer];
        const struct vf_tensor *tensors[LAYER_TENSORS] = {&l->query.weight, &l->query.bias,
            &l->key.weight, &l->key.bias, &l->value.weight, &l->value.bias,
            &l->attention_output.weight, &l->attention_output.bias, &l->attention_norms.sum.weight,
            &l->attention_norms.sum.bias, &l->up.weight, &l->up.bias, &l->down.weight,
            &l->down.bias, &l->ffn_norms.sum.weight, &l->ffn_norms.sum.bias};
        for (size_t i = 0; i < LAYER_TENSORS; i++)
            check_tensor(layer_tensors[i].name, tensors[i], layer_tensors[i].rows,
                layer_tensors[i].cols, expected++);
    }
}

static void test_weights(void **state)
{
    static const struct {
        const char *name;
        struct recipe recipe;
    } cases[] = {
        {"plain", {0}},
        {"prefix", {.prefix = "bert."}},
        {"older LayerNorm", {.prefix = "bert.", .gamma = "gamma", .beta = "beta"}},
    };
    (void)state;
    write_text("config.json", config_json);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_model *model = NULL;
        write_weights(cases[i].recipe);
        int rc = vf_model_open(scratch.path, NULL, true, &model, &err);
        vf_check(rc == 0, "%s: %s", cases[i].name, err.msg);
        check_weights(vf_model_tensors(model));
        const size_t layer = 4 * HIDDEN * HIDDEN + 2 * HIDDEN * INNER + 9 * HIDDEN + INNER;
        const size_t embeddings = (VOCAB + POSITIONS + TYPES + 2) * HIDDEN;
        assert_int_equal(vf_model_parameters(model), embeddings + LAYERS * layer);
        assert_true(vf_model_file_bytes(model) > 4 * vf_model_parameters(model));
        vf_model_close(model);
    }
}

static void check_open_fails(
    const char *row, bool with_weights, int code, const char *in_message, const char *in_hint)
{
    struct vf_err err = {0};
    struct vf_model *model = NULL;
    int rc = vf_model_open(scratch.path, NULL, with_weights, &model, &err);
    vf_check(rc == code, "%s: %d: %s", row, rc, err.msg);
    vf_check(strstr(err.msg, in_message), "%s: %s", row, err.msg);
    vf_check(strstr(err.hint, in_hint), "%s: %s", row, err.hint);
    vf_check(!model, "%s: output is touched", row);
}

/* Each tensor that is used must be there, in its shape. */
static void test_weights_that_do_not_fit(void **state)
{
    (void)state;
    write_text("config.json", config_json);
    for (size_t i = 0; i < EMBEDDING_TENSORS + LAYER_TENSORS; i++) {
        char name[128];
        if (i < EMBEDDING_TENSORS)
            snprintf(name, sizeof name, "%s", embedding_tensors[i].name);
        else
            snprintf(
                name, sizeof name, "encoder.layer.1.%s", layer_tensors[i - EMBEDDING_TENSORS].name);
        write_weights((struct recipe){.omit = name});
        check_open_fails(name, true, VF_ERR_DATA, name, "");
        write_weights((struct recipe){.misshape = name});
        check_open_fails(name, true, VF_ERR_DATA, name, "");
    }
}

static void test_weights_in_other_files(void **state)
{
    (void)state;
    write_text("config.json", config_json);
    check_open_fails("none", true, VF_ERR_NOT_FOUND, "there are no weights", "fetch");
    write_text("pytorch_model.bin", "");
    check_open_fails(
        "pickle", true, VF_ERR_DATA, "pytorch_model.bin: not an archive", "safetensors");
    write_text("model.safetensors.index.json", "{}");
    check_open_fails("shards", true, VF_ERR_DATA, "model.safetensors.index.json", "");

    struct vf_model *model = NULL;
    assert_int_equal(vf_model_open(scratch.path, NULL, false, &model, NULL), 0);
    assert_null(vf_model_tensors(model));
    assert_int_equal(vf_model_parameters(model), 0);
    assert_int_equal(vf_model_file_bytes(model), 0);
    vf_model_close(model);
    vf_model_close(NULL);
}

/* --- config.json ------------------------------------------------------------------------------ */

/* Writes config.json with the first `from` replaced by `to`. */
static void write_config(const char *from, const char *to)
{
    char text[1024];
    const char *at = strstr(config_json, from);
    assert_non_null(at);
    snprintf(
        text, sizeof text, "%.*s%s%s", (int)(at - config_json), config_json, to, at + strlen(from));
    write_text("config.json", text);
}

static void test_config_that_is_refused(void **state)
{
    static const struct {
        const char *name, *from, *to, *in_message;
    } cases[] = {
        {"model_type", "\"bert\"", "\"gpt2\"", "\"model_type\" is \"gpt2\""},
        {"no model_type", "\"model_type\"", "\"x\"", "\"model_type\""},
        {"model_type is a number", "\"bert\"", "1", "\"model_type\""},
        {"activation", "\"gelu\"", "\"mish\"", "\"hidden_act\" is \"mish\""},
        {"positions", "\"absolute\"", "\"relative_key\"",
            "\"position_embedding_type\" is \"relative_key\""},
        {"decoder", "{", "{\"is_decoder\":true,", "\"is_decoder\""},
        {"cross attention", "{", "{\"add_cross_attention\":true,", "\"add_cross_attention\""},
        {"own code", "{", "{\"auto_map\":{},", "\"auto_map\""},
        {"quantised", "{", "{\"quantization_config\":{},", "\"quantization_config\""},
        {"no hidden_size", "\"hidden_size\"", "\"x\"", "\"hidden_size\" is missing"},
        {"no intermediate_size", "\"intermediate_size\"", "\"x\"", "\"intermediate_size\""},
        {"no layers", "\"num_hidden_layers\"", "\"x\"", "\"num_hidden_layers\""},
        {"no heads", "\"num_attention_heads\"", "\"x\"", "\"num_attention_heads\""},
        {"no vocab_size", "\"vocab_size\"", "\"x\"", "\"vocab_size\""},
        {"no type_vocab_size", "\"type_vocab_size\"", "\"x\"", "\"type_vocab_size\""},
        {"no positions", "\"max_position_embeddings\"", "\"x\"", "\"max_position_embeddings\""},
        {"zero", "\"vocab_size\":7", "\"vocab_size\":0", "\"vocab_size\" is 0"},
        {"null", "\"vocab_size\":7", "\"vocab_size\":null", "\"vocab_size\""},
        {"negative", "\"vocab_size\":7", "\"vocab_size\":-7", "\"vocab_size\" is -7"},
        {"text", "\"vocab_size\":7", "\"vocab_size\":\"7\"", "\"vocab_size\" is a string"},
        {"huge", "\"vocab_size\":7", "\"vocab_size\":9223372036854775807", "\"vocab_size\""},
        {"too many layers", "\"num_hidden_layers\":2", "\"num_hidden_layers\":257", "layers"},
        {"heads", "\"num_attention_heads\":3", "\"num_attention_heads\":4", "does not divide"},
        {"head size", "\"hidden_size\":6", "\"hidden_size\":771", "over the limit of 256"},
        {"eps 0", "1e-12", "0", "\"layer_norm_eps\" is 0"},
        {"eps negative", "1e-12", "-1e-12", "\"layer_norm_eps\""},
        {"eps large", "1e-12", "1", "\"layer_norm_eps\" is 1"},
        {"duplicate key", "{", "{\"vocab_size\":7,", "duplicate"},
        {"an array", config_json, "[]", "\"model_type\""},
        {"nothing", config_json, "", "not valid JSON"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        write_config(cases[i].from, cases[i].to);
        check_open_fails(cases[i].name, false, VF_ERR_DATA, cases[i].in_message, "");
        check_open_fails(cases[i].name, false, VF_ERR_DATA, "config.json", "");
    }
    write_config("{", "{");
    write_text("adapter_config.json", "{}");
    check_open_fails("adapter", false, VF_ERR_DATA, "adapter_config.json", "merge");
    remove(scratch_path(&scratch, "adapter_config.json"));
    remove(scratch_path(&scratch, "config.json"));
    check_open_fails("no file", false, VF_ERR_NOT_FOUND, "config.json", "directory");
}

static struct vf_model *open_model(const char *row)
{
    struct vf_err err = {0};
    struct vf_model *model = NULL;
    int rc = vf_model_open(scratch.path, NULL, false, &model, &err);
    vf_check(rc == 0, "%s: %s", row, err.msg);
    return model;
}

static void test_config(void **state)
{
    (void)state;
    write_text("config.json", config_json);
    struct vf_model *model = open_model("plain");
    const struct vf_model_config *config = vf_model_config(model);
    const struct vf_network *network = &config->network;
    assert_string_equal(network->architecture, "bert");
    assert_int_equal(network->hidden_size, HIDDEN);
    assert_int_equal(network->intermediate_size, INNER);
    assert_int_equal(network->layers, LAYERS);
    assert_int_equal(network->heads, 3);
    assert_int_equal(network->vocab_size, VOCAB);
    assert_int_equal(network->type_vocab_size, TYPES);
    assert_int_equal(network->max_positions, POSITIONS);
    assert_true(network->norm_eps == 1e-12f);
    assert_false(config->has_modules);
    assert_false(config->do_lower_case);
    assert_int_equal(config->head.n_poolings, 1);
    assert_int_equal(config->head.poolings[0], VF_POOL_MEAN);
    assert_int_equal(config->head.n_steps, 0);
    assert_int_equal(config->head.dimensions, HIDDEN);
    assert_false(config->head.normalized);
    assert_int_equal(config->st_max_seq_length, 0);
    vf_model_close(model);
}

static void test_activations(void **state)
{
    static const struct {
        const char *name, *to;
        enum vf_activation activation;
    } cases[] = {
        {"gelu", "\"hidden_act\":\"gelu\"", VF_ACT_GELU_ERF},
        {"absent", "\"x\":1", VF_ACT_GELU_ERF},
        {"gelu_python", "\"hidden_act\":\"gelu_python\"", VF_ACT_GELU_ERF},
        {"gelu_new", "\"hidden_act\":\"gelu_new\"", VF_ACT_GELU_TANH},
        {"gelu_fast", "\"hidden_act\":\"gelu_fast\"", VF_ACT_GELU_TANH},
        {"gelu_pytorch_tanh", "\"hidden_act\":\"gelu_pytorch_tanh\"", VF_ACT_GELU_TANH},
        {"relu", "\"hidden_act\":\"relu\"", VF_ACT_RELU},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        write_config("\"hidden_act\":\"gelu\"", cases[i].to);
        struct vf_model *model = open_model(cases[i].name);
        vf_check(
            vf_model_config(model)->network.activation == cases[i].activation, "%s", cases[i].name);
        vf_model_close(model);
    }
}

/* --- tokenizer_config.json -------------------------------------------------------------------- */

static void test_max_seq_length(void **state)
{
    static const struct {
        const char *name, *text; /* NULL: no such file */
        size_t expected;
        const char *source;
    } cases[] = {
        {"no file", NULL, POSITIONS, "config.json"},
        {"no key", "{}", POSITIONS, "config.json"},
        {"null", "{\"model_max_length\":null}", POSITIONS, "config.json"},
        {"below", "{\"model_max_length\":9}", 9, "tokenizer_config.json"},
        {"equal", "{\"model_max_length\":16}", POSITIONS, "tokenizer_config.json"},
        {"above", "{\"model_max_length\":17}", POSITIONS, "config.json"},
        {"sentinel", "{\"model_max_length\":1000000000000000019884624838656}", POSITIONS,
            "config.json"},
        {"real sentinel", "{\"model_max_length\":1e30}", POSITIONS, "config.json"},
        {"older key", "{\"max_len\":8}", 8, "tokenizer_config.json"},
        {"both keys", "{\"max_len\":8,\"model_max_length\":5}", 5, "tokenizer_config.json"},
    };
    (void)state;
    write_text("config.json", config_json);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        if (cases[i].text)
            write_text("tokenizer_config.json", cases[i].text);
        struct vf_model *model = open_model(cases[i].name);
        const struct vf_model_config *config = vf_model_config(model);
        vf_check(config->max_seq_length == cases[i].expected, "%s: %zu", cases[i].name,
            config->max_seq_length);
        vf_check(strcmp(config->max_seq_length_source, cases[i].source) == 0, "%s: %s",
            cases[i].name, config->max_seq_length_source);
        vf_model_close(model);
    }
}

/* --- the files of sentence-transformers ------------------------------------------------------- */

#define CLASSIC "sentence_transformers.models."
#define MODULE(type, path) "{\"type\":\"" type "\",\"path\":\"" path "\"}"
#define FIRST_TWO "[" MODULE(CLASSIC "Transformer", "") "," MODULE(CLASSIC "Pooling", "1_Pooling")

static void test_modules(void **state)
{
    static const struct {
        const char *name, *text;
        bool normalize;
    } cases[] = {
        {"two", FIRST_TWO "]", false},
        {"three", FIRST_TWO "," MODULE(CLASSIC "Normalize", "2_Normalize") "]", true},
        {"newer names",
            "[" MODULE("sentence_transformers.base.modules.transformer.Transformer", "") "," MODULE(
                "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
                "1_Pooling") "," MODULE("sentence_transformers.base.modules.normalize.Normalize",
                "2_Normalize") "]",
            true},
        {"other newer name",
            FIRST_TWO "," MODULE("sentence_transformers.sentence_transformer.modules.normalize."
                                 "Normalize",
                "2_Normalize") "]",
            true},
        {"empty kwargs",
            FIRST_TWO ",{\"type\":\"" CLASSIC "Normalize\",\"path\":\"\",\"kwargs\":[]}]", true},
    };
    (void)state;
    write_text("config.json", config_json);
    write_text("1_Pooling/config.json", "{\"pooling_mode\":\"cls\"}");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        write_text("modules.json", cases[i].text);
        struct vf_model *model = open_model(cases[i].name);
        const struct vf_model_config *config = vf_model_config(model);
        vf_check(config->has_modules && config->head.normalized == cases[i].normalize &&
                     config->head.poolings[0] == VF_POOL_CLS,
            "%s", cases[i].name);
        vf_model_close(model);
    }
}

static void test_pooling(void **state)
{
    static const struct {
        const char *name, *text, *expected;
    } cases[] = {
        {"none", "{}", "mean"},
        {"legacy mean",
            "{\"word_embedding_dimension\":6,\"pooling_mode_cls_token\":false,"
            "\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":false,"
            "\"pooling_mode_mean_sqrt_len_tokens\":false,"
            "\"pooling_mode_weightedmean_tokens\":false,\"pooling_mode_lasttoken\":false,"
            "\"include_prompt\":true}",
            "mean"},
        {"legacy cls", "{\"pooling_mode_cls_token\":true}", "cls"},
        {"legacy max", "{\"pooling_mode_max_tokens\":true}", "max"},
        {"all booleans, in their own order",
            "{\"pooling_mode_lasttoken\":true,\"pooling_mode_weightedmean_tokens\":true,"
            "\"pooling_mode_mean_sqrt_len_tokens\":true,\"pooling_mode_mean_tokens\":true,"
            "\"pooling_mode_max_tokens\":true,\"pooling_mode_cls_token\":true}",
            "cls+max+mean+mean_sqrt_len_tokens+weightedmean+lasttoken"},
        {"mean", "{\"embedding_dimension\":6,\"pooling_mode\":\"mean\"}", "mean"},
        {"lasttoken", "{\"pooling_mode\":\"lasttoken\"}", "lasttoken"},
        {"list of one", "{\"pooling_mode\":[\"max\"]}", "max"},
        {"list in its own order", "{\"pooling_mode\":[\"weightedmean\",\"cls\"]}",
            "weightedmean+cls"},
        {"null", "{\"pooling_mode\":null,\"pooling_mode_cls_token\":true}", "cls"},
        {"both forms", "{\"pooling_mode\":\"max\",\"pooling_mode_cls_token\":true}", "max"},
        {"without prompt", "{\"include_prompt\":false}", "mean without prompt"},
    };
    (void)state;
    write_text("config.json", config_json);
    write_text("modules.json", modules_json);
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char found[128];
        size_t n = 0;
        write_text("1_Pooling/config.json", cases[i].text);
        struct vf_model *model = open_model(cases[i].name);
        const struct vf_sentence_head *head = &vf_model_config(model)->head;
        for (size_t k = 0; k < head->n_poolings; k++)
            n += (size_t)snprintf(found + n, sizeof found - n, "%s%s", k ? "+" : "",
                vf_pooling_name(head->poolings[k]));
        snprintf(found + n, sizeof found - n, "%s", head->include_prompt ? "" : " without prompt");
        vf_check(strcmp(found, cases[i].expected) == 0, "%s: %s", cases[i].name, found);
        vf_check(head->dimensions == head->n_poolings * HIDDEN, "%s: %zu", cases[i].name,
            head->dimensions);
        vf_model_close(model);
    }
}

/* Dense and Normalize in any number and order. */
static void test_steps(void **state)
{
    (void)state;
    write_text("config.json", config_json);
    write_text("1_Pooling/config.json", "{\"pooling_mode\":[\"cls\",\"mean\"]}");
    write_text("modules.json",
        FIRST_TWO "," MODULE(CLASSIC "Dense", "2_Dense") "," MODULE(CLASSIC "Normalize",
            "n") "," MODULE("sentence_transformers.base.modules.dense.Dense", "3_Dense") "]");
    write_text("2_Dense/config.json",
        "{\"in_features\":12,\"out_features\":5,\"bias\":false,\"activation_function\":"
        "\"torch.nn.modules.linear.Identity\"}");
    write_text("3_Dense/config.json", "{\"in_features\":5,\"out_features\":7,\"use_residual\":true,"
                                      "\"module_input_name\":\"sentence_embedding\"}");
    struct vf_model *model = open_model("steps");
    const struct vf_sentence_head *head = &vf_model_config(model)->head;
    assert_int_equal(head->n_steps, 3);
    assert_int_equal(head->dimensions, 7);
    assert_false(head->normalized);
    const struct vf_head_step *steps = head->steps;
    assert_true(steps[0].kind == VF_HEAD_DENSE && steps[0].activation == VF_DENSE_IDENTITY);
    assert_true(!steps[0].has_bias && !steps[0].adds_input);
    assert_true(steps[1].kind == VF_HEAD_NORMALIZE && steps[1].outputs == 5);
    assert_true(steps[2].kind == VF_HEAD_DENSE && steps[2].activation == VF_DENSE_TANH);
    assert_true(steps[2].has_bias && steps[2].adds_input);
    vf_model_close(model);
}

static void test_dense_activations(void **state)
{
    static const struct {
        const char *name;
        enum vf_dense_activation expected;
    } cases[] = {
        {"torch.nn.modules.linear.Identity", VF_DENSE_IDENTITY},
        {"torch.nn.modules.activation.Tanh", VF_DENSE_TANH},
        {"torch.nn.Tanh", VF_DENSE_TANH},
        {"torch.nn.modules.activation.GELU", VF_DENSE_GELU},
        {"torch.nn.modules.activation.ReLU", VF_DENSE_RELU},
        {"torch.nn.modules.activation.SiLU", VF_DENSE_SILU},
        {"torch.nn.modules.activation.Sigmoid", VF_DENSE_SIGMOID},
    };
    (void)state;
    write_text("config.json", config_json);
    write_text("1_Pooling/config.json", "{}");
    write_text("modules.json", FIRST_TWO "," MODULE(CLASSIC "Dense", "2_Dense") "]");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char text[256];
        snprintf(text, sizeof text,
            "{\"in_features\":6,\"out_features\":2,\"activation_function\":\"%s\"}", cases[i].name);
        write_text("2_Dense/config.json", text);
        struct vf_model *model = open_model(cases[i].name);
        enum vf_dense_activation found = vf_model_config(model)->head.steps[0].activation;
        vf_check(
            found == cases[i].expected, "%s: %s", cases[i].name, vf_dense_activation_name(found));
        vf_model_close(model);
    }
}

/* Without modules.json the last token of a network that tells the next one is the vector. */
static void test_causal(void **state)
{
    static const struct {
        const char *name, *keys;
        enum vf_pooling expected;
    } cases[] = {
        {"no class", "", VF_POOL_MEAN},
        {"encoder", "\"architectures\":[\"BertModel\"],", VF_POOL_MEAN},
        {"causal", "\"architectures\":[\"XForCausalLM\"],", VF_POOL_LAST},
        {"only the second", "\"architectures\":[\"X\",\"XForCausalLM\"],", VF_POOL_MEAN},
        {"not causal", "\"architectures\":[\"XForCausalLM\"],\"is_causal\":false,", VF_POOL_MEAN},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char text[1024];
        snprintf(text, sizeof text, "{%s%s", cases[i].keys, strchr(config_json, '{') + 1);
        write_text("config.json", text);
        struct vf_model *model = open_model(cases[i].name);
        enum vf_pooling found = vf_model_config(model)->head.poolings[0];
        vf_check(found == cases[i].expected, "%s: %s", cases[i].name, vf_pooling_name(found));
        vf_model_close(model);
    }
}

static void test_settings(void **state)
{
    static const struct {
        const char *name, *file, *text;
        size_t length;
        bool lower;
    } cases[] = {
        {"usual", "sentence_bert_config.json", "{\"max_seq_length\":256,\"do_lower_case\":false}",
            256, false},
        {"lower", "sentence_bert_config.json", "{\"max_seq_length\":null,\"do_lower_case\":true}",
            0, true},
        {"newer", "sentence_bert_config.json",
            "{\"transformer_task\":\"feature-extraction\",\"config_args\":{},"
            "\"processing_kwargs\":{\"text\":{\"max_length\":99}}}",
            99, false},
        {"legacy name", "sentence_roberta_config.json", "{\"max_seq_length\":11}", 11, false},
        {"last legacy name", "sentence_xlnet_config.json", "{\"max_seq_length\":12}", 12, false},
    };
    (void)state;
    write_text("config.json", config_json);
    write_text("modules.json", modules_json);
    write_text("1_Pooling/config.json", "{}");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        write_text(cases[i].file, cases[i].text);
        struct vf_model *model = open_model(cases[i].name);
        const struct vf_model_config *config = vf_model_config(model);
        vf_check(config->st_max_seq_length == cases[i].length &&
                     config->do_lower_case == cases[i].lower && config->max_seq_length == POSITIONS,
            "%s: %zu", cases[i].name, config->st_max_seq_length);
        vf_model_close(model);
        remove(scratch_path(&scratch, cases[i].file));
    }
}

static void test_library_config(void **state)
{
    static const struct {
        const char *name, *text;
        size_t n_prompts, truncate_dim;
        const char *query, *fallback;
    } cases[] = {
        {"empty", "{}", 0, 0, NULL, NULL},
        {"all keys",
            "{\"__version__\":{\"sentence_transformers\":\"2.0.0\"},\"prompts\":{},"
            "\"default_prompt_name\":null,\"similarity_fn_name\":\"cosine\",\"truncate_dim\":null,"
            "\"model_type\":\"SentenceTransformer\"}",
            0, 0, NULL, NULL},
        {"prompts", "{\"prompts\":{\"query\":\"query: \",\"document\":\"\"}}", 2, 0,
            "query: ", NULL},
        {"default", "{\"prompts\":{\"a\":\"x\",\"query\":\"y\"},\"default_prompt_name\":\"query\"}",
            2, 0, "y", "query"},
        {"null prompt", "{\"prompts\":{\"a\":null}}", 0, 0, NULL, NULL},
        {"cut", "{\"truncate_dim\":4}", 0, 4, NULL, NULL},
        {"cut to more than there is", "{\"truncate_dim\":400}", 0, 0, NULL, NULL},
    };
    (void)state;
    write_text("config.json", config_json);
    write_text("modules.json", modules_json);
    write_text("1_Pooling/config.json", "{}");
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        write_text("config_sentence_transformers.json", cases[i].text);
        struct vf_model *model = open_model(cases[i].name);
        const struct vf_prompts *prompts = vf_model_prompts(model);
        const char *query = vf_prompts_find(prompts, "query");
        vf_check(prompts->n == cases[i].n_prompts, "%s: %zu", cases[i].name, prompts->n);
        vf_check(strcmp(query ? query : "-", cases[i].query ? cases[i].query : "-") == 0, "%s: %s",
            cases[i].name, query);
        vf_check(!prompts->default_name == !cases[i].fallback, "%s: default", cases[i].name);
        vf_check(vf_model_config(model)->truncate_dim == cases[i].truncate_dim, "%s: %zu",
            cases[i].name, vf_model_config(model)->truncate_dim);
        vf_model_close(model);
    }
}

static void test_files_that_are_refused(void **state)
{
    static const char modules[] = "modules.json", pooling[] = "1_Pooling/config.json",
                      settings[] = "sentence_bert_config.json",
                      library[] = "config_sentence_transformers.json",
                      tokenizer[] = "tokenizer_config.json", dense[] = "2_Dense/config.json",
                      normalize[] = "3_Normalize/config.json";
    static const struct {
        const char *name, *file, *text, *in_message;
    } cases[] = {
        {"modules: an object", modules, "{}", "not an array"},
        {"modules: none", modules, "[]", "Transformer and Pooling"},
        {"modules: Transformer alone", modules, "[" MODULE(CLASSIC "Transformer", "") "]",
            "Transformer and Pooling"},
        {"modules: not an object inside", modules, "[1,2]", "module \"\""},
        {"modules: another author's", modules,
            "[" MODULE("custom_st.Transformer", "") "," MODULE(CLASSIC "Pooling", "") "]",
            "\"custom_st.Transformer\""},
        {"modules: order", modules,
            "[" MODULE(CLASSIC "Pooling", "1_Pooling") "," MODULE(CLASSIC "Transformer", "") "]",
            "Pooling as module 0"},
        {"modules: no Pooling", modules,
            "[" MODULE(CLASSIC "Transformer", "") "," MODULE(CLASSIC "Normalize", "") "]",
            "Normalize as module 1"},
        {"modules: path up", modules,
            "[" MODULE(CLASSIC "Transformer", "") "," MODULE(CLASSIC "Pooling", "../p") "]",
            "\"../p\""},
        {"modules: absolute path", modules,
            "[" MODULE(CLASSIC "Transformer", "") "," MODULE(CLASSIC "Pooling", "/etc") "]",
            "\"/etc\""},
        {"modules: Transformer elsewhere", modules,
            "[" MODULE(CLASSIC "Transformer", "0_T") "," MODULE(CLASSIC "Pooling", "") "]",
            "\"0_T\""},
        {"modules: kwargs", modules,
            FIRST_TWO ",{\"type\":\"" CLASSIC "Normalize\",\"kwargs\":[\"task\"]}]", "\"kwargs\""},
        {"pooling: an array", pooling, "[]", "not an object"},
        {"pooling: new boolean", pooling, "{\"pooling_mode_median\":true}", "\"median\""},
        {"pooling: a number as boolean", pooling, "{\"pooling_mode_cls_token\":1}",
            "\"pooling_mode_cls_token\""},
        {"pooling: name", pooling, "{\"pooling_mode\":\"median\"}", "\"median\""},
        {"pooling: list of seven", pooling,
            "{\"pooling_mode\":[\"cls\",\"cls\",\"cls\",\"cls\",\"cls\",\"cls\",\"cls\"]}",
            "more than 6"},
        {"pooling: empty list", pooling, "{\"pooling_mode\":[]}", "empty list"},
        {"pooling: number", pooling, "{\"pooling_mode\":1}", "\"pooling_mode\""},
        {"pooling: dimension", pooling, "{\"word_embedding_dimension\":7}",
            "\"word_embedding_dimension\" is 7"},
        {"pooling: newer dimension", pooling, "{\"embedding_dimension\":7}",
            "\"embedding_dimension\" is 7"},
        {"normalize: input", normalize, "{\"module_input_name\":\"token_embeddings\"}",
            "\"module_input_name\" is \"token_embeddings\""},
        {"settings: length", settings, "{\"max_seq_length\":-1}", "\"max_seq_length\" is -1"},
        {"settings: length as text", settings, "{\"max_seq_length\":\"256\"}",
            "\"max_seq_length\""},
        {"settings: lower", settings, "{\"do_lower_case\":\"no\"}", "\"do_lower_case\""},
        {"settings: task", settings, "{\"transformer_task\":\"fill-mask\"}", "\"fill-mask\""},
        {"settings: model_args", settings, "{\"model_args\":{\"a\":1}}", "\"model_args\""},
        {"settings: processor_kwargs", settings, "{\"processor_kwargs\":{\"a\":1}}",
            "\"processor_kwargs\" has \"a\""},
        {"settings: messages", settings, "{\"modality_config\":{\"message\":{}}}", "\"message\""},
        {"settings: method", settings,
            "{\"modality_config\":{\"text\":{\"method\":\"get_text_features\"}}}",
            "\"method\" is \"get_text_features\""},
        {"dense: sizes", dense, "{\"in_features\":7,\"out_features\":2}", "\"in_features\" is 7"},
        {"dense: no size", dense, "{\"in_features\":6}", "\"out_features\" is missing"},
        {"dense: activation", dense,
            "{\"in_features\":6,\"out_features\":2,\"activation_function\":\"torch.nn.Mish\"}",
            "\"activation_function\" is \"torch.nn.Mish\""},
        {"dense: another's activation", dense,
            "{\"in_features\":6,\"out_features\":2,\"activation_function\":\"mine.Tanh\"}",
            "\"mine.Tanh\""},
        {"dense: input", dense,
            "{\"in_features\":6,\"out_features\":2,\"module_input_name\":\"token_embeddings\"}",
            "\"module_input_name\""},
        {"library: prompt name", library, "{\"default_prompt_name\":\"query\"}",
            "\"default_prompt_name\" is \"query\""},
        {"library: prompt as number", library, "{\"prompts\":{\"a\":1}}", "prompt \"a\""},
        {"library: prompts as list", library, "{\"prompts\":[]}", "\"prompts\""},
        {"library: type", library, "{\"model_type\":\"SparseEncoder\"}", "\"SparseEncoder\""},
        {"tokenizer: zero", tokenizer, "{\"model_max_length\":0}", "\"model_max_length\" is 0"},
        {"tokenizer: fraction", tokenizer, "{\"model_max_length\":1.5}", "\"model_max_length\""},
        {"tokenizer: text", tokenizer, "{\"model_max_length\":\"512\"}", "\"model_max_length\""},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        write_text("config.json", config_json);
        write_text(modules, FIRST_TWO "," MODULE(CLASSIC "Dense", "2_Dense") "," MODULE(
                                CLASSIC "Normalize", "3_Normalize") "]");
        write_text(pooling, "{}");
        write_text(dense, "{\"in_features\":6,\"out_features\":2}");
        write_text(normalize, "{}");
        write_text(cases[i].file, cases[i].text);
        check_open_fails(cases[i].name, false, VF_ERR_DATA, cases[i].in_message, "");
        check_open_fails(cases[i].name, false, VF_ERR_DATA, cases[i].file, "");
        remove(scratch_path(&scratch, cases[i].file));
    }
}

static void test_missing_pooling_file(void **state)
{
    (void)state;
    write_text("config.json", config_json);
    write_text("modules.json", modules_json);
    check_open_fails("absent", false, VF_ERR_NOT_FOUND, "1_Pooling/config.json", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_weights, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_weights_that_do_not_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_weights_in_other_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_config_that_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_config, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_activations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_max_seq_length, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_modules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pooling, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dense_activations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_causal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_library_config, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_that_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_pooling_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
