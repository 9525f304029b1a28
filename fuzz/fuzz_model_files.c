/* Any bytes as one of a model's small files, which the first byte chooses, beside others that are
 * sound: they are refused, or make a description that holds together. */
#include "base/file.h"
#include "model/checkpoint_files.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name, *content; /* NULL: absent */
} files[] = {
    {"config.json", "{\"model_type\":\"bert\",\"hidden_size\":6,\"num_hidden_layers\":1,"
                    "\"num_attention_heads\":2,\"intermediate_size\":8,\"vocab_size\":9,"
                    "\"type_vocab_size\":2,\"max_position_embeddings\":10}"},
    {"modules.json", "[{\"type\":\"sentence_transformers.models.Transformer\",\"path\":\"\"},"
                     "{\"type\":\"sentence_transformers.models.Pooling\",\"path\":\"1_Pooling\"},"
                     "{\"type\":\"sentence_transformers.models.Dense\",\"path\":\"2_Dense\"},"
                     "{\"type\":\"sentence_transformers.models.Normalize\",\"path\":\"\"}]"},
    {"1_Pooling/config.json", "{\"pooling_mode\":[\"mean\",\"cls\"]}"},
    {"2_Dense/config.json", "{\"in_features\":12,\"out_features\":3}"},
    {"sentence_bert_config.json", "{\"max_seq_length\":5}"},
    {"config_sentence_transformers.json", "{\"prompts\":{\"query\":\"q: \"}}"},
    {"tokenizer_config.json", "{\"model_max_length\":8}"},
    {"model.safetensors.index.json", NULL},
};

enum { N_FILES = sizeof files / sizeof files[0] };

static char folder[] = "/tmp/vecfill-fuzz-XXXXXX";

static const char *const folders[] = {"1_Pooling", "2_Dense"};

enum { N_FOLDERS = sizeof folders / sizeof folders[0] };

static void remove_folder(void)
{
    for (size_t i = 0; i < N_FILES + N_FOLDERS + 1; i++) {
        char *path = i < N_FILES               ? vf_path_join(folder, files[i].name)
                     : i < N_FILES + N_FOLDERS ? vf_path_join(folder, folders[i - N_FILES])
                                               : strdup(folder);
        if (path)
            (void)remove(path);
        free(path);
    }
}

static void write_file(size_t i, const void *bytes, size_t n)
{
    char *path = vf_path_join(folder, files[i].name);
    FILE *file = path ? fopen(path, "wb") : NULL;
    if (!file || fwrite(bytes, 1, n, file) != n || fclose(file))
        abort();
    free(path);
}

static void restore_file(size_t i)
{
    char *path = vf_path_join(folder, files[i].name);
    if (files[i].content)
        write_file(i, files[i].content, strlen(files[i].content));
    else if (!path || unlink(path))
        abort();
    free(path);
}

static void set_up(void)
{
    if (!mkdtemp(folder) || atexit(remove_folder))
        abort();
    for (size_t i = 0; i < N_FOLDERS; i++) {
        char *path = vf_path_join(folder, folders[i]);
        if (!path || mkdir(path, 0700))
            abort();
        free(path);
    }
    for (size_t i = 0; i < N_FILES; i++)
        if (files[i].content)
            restore_file(i);
}

static void check_head(const struct vf_model_config *config)
{
    const struct vf_sentence_head *head = &config->head;
    size_t floats = head->n_poolings * config->network.hidden_size;
    for (size_t i = 0; i < head->n_steps; i++) {
        if (head->steps[i].inputs != floats)
            abort();
        floats = head->steps[i].outputs;
    }
    if (head->dimensions != floats || floats == 0 || config->truncate_dim > floats)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static bool is_set_up;
    struct vf_model *model = NULL;
    struct vf_checkpoint_files weights = {0};
    if (!is_set_up)
        set_up();
    is_set_up = true;
    if (n == 0)
        return 0;
    size_t chosen = data[0] % N_FILES;
    write_file(chosen, data + 1, n - 1);
    if (vf_model_open(folder, NULL, false, &model, NULL) == 0)
        check_head(vf_model_config(model));
    if (vf_checkpoint_files_list(folder, &weights, NULL) == 0 && weights.n == 0)
        abort();
    vf_checkpoint_files_release(&weights);
    vf_model_close(model);
    restore_file(chosen);
    return 0;
}
