#include "support/tiny_model.h"

#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { N_SPECIALS = 5, N_CHARACTERS = 36, PATH_BYTES = 512 };

static const char *const specials[N_SPECIALS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char *const words[] = {"bank", "rate", "oil", "market", "profit", "loss", "shares",
    "up", "down", "the", "of", "poison", "crop", "port", "ship", "vote"};

enum { N_WORDS = VF_COUNT(words), N_TOKENS = N_SPECIALS + 2 * N_CHARACTERS + N_WORDS };

/* Where one token of the vocabulary begins: specials, words, characters, continuations. */
enum { FIRST_WORD = N_SPECIALS, FIRST_CHARACTER = FIRST_WORD + N_WORDS };

void tiny_model_init(struct tiny_model *model)
{
    *model = (struct tiny_model){.hidden = 32,
        .intermediate = 64,
        .layers = 2,
        .heads = 2,
        .max_positions = 64,
        .model_max_length = 64,
        .pooling = "mean",
        .activation = "gelu",
        .normalize = true,
        .seed = 1};
}

const char *const *tiny_model_words(size_t *ret_n)
{
    *ret_n = N_WORDS;
    return words;
}

static size_t vocab_rows(const struct tiny_model *model)
{
    return model->vocab_size ? model->vocab_size : N_TOKENS;
}

/* ---- the small files ---- */

static FILE *create(const char *directory, const char *name)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/%s", directory, name);
    vf_check(n > 0 && (size_t)n < sizeof path, "%s", directory);
    FILE *file = fopen(path, "wb");
    vf_check(file, "%s", path);
    return file;
}

static void finish(FILE *file, const char *name)
{
    vf_check(!ferror(file), "%s", name);
    vf_check(fclose(file) == 0, "%s", name);
}

static void write_config(const struct tiny_model *m, const char *directory)
{
    FILE *f = create(directory, "config.json");
    fprintf(f,
        "{\"architectures\": [\"BertModel\"], \"model_type\": \"bert\", \"hidden_act\": \"%s\",\n"
        " \"hidden_size\": %zu, \"intermediate_size\": %zu, \"num_hidden_layers\": %zu,\n"
        " \"num_attention_heads\": %zu, \"max_position_embeddings\": %zu, \"vocab_size\": %zu,\n"
        " \"type_vocab_size\": 2, \"layer_norm_eps\": 1e-12, \"pad_token_id\": 0,\n"
        " \"position_embedding_type\": \"absolute\", \"hidden_dropout_prob\": 0.1,\n"
        " \"attention_probs_dropout_prob\": 0.1, \"initializer_range\": 0.02}\n",
        m->activation, m->hidden, m->intermediate, m->layers, m->heads, m->max_positions,
        vocab_rows(m));
    finish(f, "config.json");
}

static void write_modules(const struct tiny_model *m, const char *directory)
{
    FILE *f = create(directory, "modules.json");
    fprintf(f, "[{\"idx\": 0, \"name\": \"0\", \"path\": \"\","
               " \"type\": \"sentence_transformers.models.Transformer\"},\n"
               " {\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\","
               " \"type\": \"sentence_transformers.models.Pooling\"}");
    if (m->normalize)
        fprintf(f, ",\n {\"idx\": 2, \"name\": \"2\", \"path\": \"2_Normalize\","
                   " \"type\": \"sentence_transformers.models.Normalize\"}");
    fprintf(f, "]\n");
    finish(f, "modules.json");
}

static void write_pooling(const struct tiny_model *m, const char *directory)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof path, "%s/1_Pooling", directory);
    vf_check(n > 0 && (size_t)n < sizeof path, "%s", directory);
    vf_check(mkdir(path, 0777) == 0, "%s", path);
    FILE *f = create(path, "config.json");
    fprintf(f,
        "{\"word_embedding_dimension\": %zu, \"pooling_mode_cls_token\": %s,\n"
        " \"pooling_mode_mean_tokens\": %s, \"pooling_mode_max_tokens\": %s,\n"
        " \"pooling_mode_mean_sqrt_len_tokens\": false}\n",
        m->hidden, strcmp(m->pooling, "cls") == 0 ? "true" : "false",
        strcmp(m->pooling, "mean") == 0 ? "true" : "false",
        strcmp(m->pooling, "max") == 0 ? "true" : "false");
    finish(f, "1_Pooling/config.json");
}

static void write_limits(const struct tiny_model *m, const char *directory)
{
    FILE *f = create(directory, "sentence_bert_config.json");
    fprintf(f, "{\"max_seq_length\": 32, \"do_lower_case\": %s}\n",
        m->do_lower_case ? "true" : "false");
    finish(f, "sentence_bert_config.json");
    f = create(directory, "tokenizer_config.json");
    fprintf(f,
        "{\"do_lower_case\": true, \"unk_token\": \"[UNK]\", \"sep_token\": \"[SEP]\",\n"
        " \"pad_token\": \"[PAD]\", \"cls_token\": \"[CLS]\", \"mask_token\": \"[MASK]\",\n"
        " \"tokenize_chinese_chars\": true, \"strip_accents\": null,\n"
        " \"model_max_length\": %zu, \"tokenizer_class\": \"BertTokenizer\"}\n",
        m->model_max_length);
    finish(f, "tokenizer_config.json");
}

/* ---- the tokenizer ---- */

static void write_vocabulary(FILE *f)
{
    size_t id = 0;
    for (size_t i = 0; i < N_SPECIALS; i++)
        fprintf(f, "%s\"%s\": %zu", id ? ", " : "", specials[i], id), id++;
    for (size_t i = 0; i < N_WORDS; i++)
        fprintf(f, ", \"%s\": %zu", words[i], id++);
    for (size_t i = 0; i < N_CHARACTERS; i++)
        fprintf(f, ", \"%c\": %zu", characters[i], id++);
    for (size_t i = 0; i < N_CHARACTERS; i++)
        fprintf(f, ", \"##%c\": %zu", characters[i], id++);
}

static void write_tokenizer(const char *directory)
{
    FILE *f = create(directory, "tokenizer.json");
    fprintf(f, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null,\n"
               " \"added_tokens\": [");
    for (size_t i = 0; i < N_SPECIALS; i++)
        fprintf(f,
            "%s{\"id\": %zu, \"content\": \"%s\", \"single_word\": false, \"lstrip\": false,"
            " \"rstrip\": false, \"normalized\": false, \"special\": true}",
            i ? ",\n  " : "", i, specials[i]);
    fprintf(f, "],\n"
               " \"normalizer\": {\"type\": \"BertNormalizer\", \"clean_text\": true,"
               " \"handle_chinese_chars\": true, \"strip_accents\": null, \"lowercase\": true},\n"
               " \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},\n"
               " \"post_processor\": {\"type\": \"TemplateProcessing\",\n"
               "  \"single\": [{\"SpecialToken\": {\"id\": \"[CLS]\", \"type_id\": 0}},"
               " {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}},"
               " {\"SpecialToken\": {\"id\": \"[SEP]\", \"type_id\": 0}}],\n"
               "  \"pair\": [{\"SpecialToken\": {\"id\": \"[CLS]\", \"type_id\": 0}},"
               " {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}},"
               " {\"SpecialToken\": {\"id\": \"[SEP]\", \"type_id\": 0}},"
               " {\"Sequence\": {\"id\": \"B\", \"type_id\": 1}},"
               " {\"SpecialToken\": {\"id\": \"[SEP]\", \"type_id\": 1}}],\n"
               "  \"special_tokens\": {"
               "\"[CLS]\": {\"id\": \"[CLS]\", \"ids\": [2], \"tokens\": [\"[CLS]\"]},"
               " \"[SEP]\": {\"id\": \"[SEP]\", \"ids\": [3], \"tokens\": [\"[SEP]\"]}}},\n"
               " \"decoder\": {\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": true},\n"
               " \"model\": {\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\",\n"
               "  \"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 100,\n"
               "  \"vocab\": {");
    write_vocabulary(f);
    fprintf(f, "}}}\n");
    finish(f, "tokenizer.json");
}

/* ---- the weights ---- */

/* The tensors are walked twice in the same order: once for the header, once for the data. */
struct tensor_writer {
    FILE *file;
    bool header; /* this walk writes the header's entries */
    size_t offset;
    uint64_t random;
    const struct tiny_model *model;
};

static float next_random(struct tensor_writer *w)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (float)(w->random >> 40) / (float)(1 << 24) - 0.5f;
}

/* Writes rows x cols values: `mean` and a random part of at most `spread` / 2. */
static void tensor(
    struct tensor_writer *w, const char *name, size_t rows, size_t cols, float mean, float spread)
{
    size_t bytes = rows * cols * sizeof(float);
    if (w->header) {
        fprintf(w->file, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", w->offset ? "," : "", name);
        if (rows > 1)
            fprintf(w->file, "%zu,", rows);
        fprintf(w->file, "%zu],\"data_offsets\":[%zu,%zu]}", cols, w->offset, w->offset + bytes);
        w->offset += bytes;
        return;
    }
    const struct tiny_model *m = w->model;
    bool poisoned = m->nan_word && strcmp(name, "embeddings.word_embeddings.weight") == 0;
    for (size_t row = 0; row < rows; row++) {
        bool is_nan = poisoned && row >= FIRST_WORD && row < FIRST_CHARACTER &&
                      strcmp(words[row - FIRST_WORD], m->nan_word) == 0;
        for (size_t col = 0; col < cols; col++) {
            float value = mean + spread * next_random(w);
            if (is_nan)
                value = NAN;
            fwrite(&value, sizeof value, 1, w->file);
        }
    }
}

static void linear(struct tensor_writer *w, const char *prefix, size_t outputs, size_t inputs)
{
    char name[128];
    snprintf(name, sizeof name, "%s.weight", prefix);
    tensor(w, name, outputs, inputs, 0.0f, 2.0f / sqrtf((float)inputs));
    snprintf(name, sizeof name, "%s.bias", prefix);
    tensor(w, name, 1, outputs, 0.0f, 0.2f);
}

static void layer_norm(struct tensor_writer *w, const char *prefix, bool zero)
{
    char name[128];
    snprintf(name, sizeof name, "%s.weight", prefix);
    tensor(w, name, 1, w->model->hidden, zero ? 0.0f : 1.0f, zero ? 0.0f : 0.2f);
    snprintf(name, sizeof name, "%s.bias", prefix);
    tensor(w, name, 1, w->model->hidden, 0.0f, zero ? 0.0f : 0.2f);
}

static void layer(struct tensor_writer *w, size_t index)
{
    static const char *const attention[] = {"self.query", "self.key", "self.value", "output.dense"};
    const struct tiny_model *m = w->model;
    char prefix[96];
    for (size_t i = 0; i < VF_COUNT(attention); i++) {
        snprintf(prefix, sizeof prefix, "encoder.layer.%zu.attention.%s", index, attention[i]);
        linear(w, prefix, m->hidden, m->hidden);
    }
    snprintf(prefix, sizeof prefix, "encoder.layer.%zu.attention.output.LayerNorm", index);
    layer_norm(w, prefix, false);
    snprintf(prefix, sizeof prefix, "encoder.layer.%zu.intermediate.dense", index);
    linear(w, prefix, m->intermediate, m->hidden);
    snprintf(prefix, sizeof prefix, "encoder.layer.%zu.output.dense", index);
    linear(w, prefix, m->hidden, m->intermediate);
    snprintf(prefix, sizeof prefix, "encoder.layer.%zu.output.LayerNorm", index);
    layer_norm(w, prefix, m->zero_output && index + 1 == m->layers);
}

static void all_tensors(struct tensor_writer *w)
{
    const struct tiny_model *m = w->model;
    tensor(w, "embeddings.word_embeddings.weight", vocab_rows(m), m->hidden, 0.0f, 1.0f);
    tensor(w, "embeddings.position_embeddings.weight", m->max_positions, m->hidden, 0.0f, 0.5f);
    tensor(w, "embeddings.token_type_embeddings.weight", 2, m->hidden, 0.0f, 0.1f);
    layer_norm(w, "embeddings.LayerNorm", false);
    for (size_t i = 0; i < m->layers; i++)
        layer(w, i);
}

static void write_weights(const struct tiny_model *m, const char *directory)
{
    FILE *f = create(directory, "model.safetensors");
    uint64_t n_header = 0;
    fwrite(&n_header, sizeof n_header, 1, f);
    fputc('{', f);
    struct tensor_writer w = {.file = f, .header = true, .random = m->seed, .model = m};
    all_tensors(&w);
    fputc('}', f);
    while (ftell(f) % 8 != 0)
        fputc(' ', f);
    n_header = (uint64_t)ftell(f) - sizeof n_header;
    w.header = false;
    all_tensors(&w);
    rewind(f);
    fwrite(
        &n_header, sizeof n_header, 1, f); /* little-endian, as every machine that we build for */
    finish(f, "model.safetensors");
}

void tiny_model_write(const struct tiny_model *model, const char *directory)
{
    write_config(model, directory);
    write_modules(model, directory);
    write_pooling(model, directory);
    write_limits(model, directory);
    write_tokenizer(directory);
    write_weights(model, directory);
}
