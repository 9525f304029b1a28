#include "hub/hub_files.h"

#include "harness.h"
#include "unit/scratch.h"

#include <stdio.h>
#include <string.h>

enum { MAX_FILES = 16, MAX_LIST = 1024 };

/* A repository, and what was asked for. */
struct repository {
    const char *const *files;
    char asked[MAX_LIST]; /* with a space after each */
};

static bool has(const struct repository *r, const char *path)
{
    for (size_t i = 0; r->files[i]; i++)
        if (strcmp(r->files[i], path) == 0)
            return true;
    return false;
}

static int get(void *context, const char *path, bool *ret_found, struct vf_err *err)
{
    struct repository *r = context;
    (void)err;
    size_t used = strlen(r->asked);
    snprintf(r->asked + used, sizeof r->asked - used, "%s ", path);
    *ret_found = has(r, path);
    return 0;
}

#define REQUIRED "config.json", "tokenizer.json", "model.safetensors"
#define SMALL                                                                                      \
    "tokenizer_config.json special_tokens_map.json config_sentence_transformers.json "             \
    "adapter_config.json "
#define SETTINGS                                                                                   \
    "sentence_bert_config.json sentence_roberta_config.json sentence_distilbert_config.json "      \
    "sentence_camembert_config.json sentence_albert_config.json sentence_xlm-roberta_config.json " \
    "sentence_xlnet_config.json "

static void test_lists(void **state)
{
    static const struct {
        const char *name, *modules, *index;
        const char *files[MAX_FILES];
        int rc;
        const char *expected; /* what is asked for, or what the message says */
    } cases[] = {
        {"no modules", NULL, NULL, {REQUIRED}, 0,
            "modules.json config.json tokenizer.json " SMALL "model.safetensors "},
        {"modules",
            "[{\"path\": \"\", \"type\": \"a.Transformer\"},"
            " {\"path\": \"1_Pooling\", \"type\": \"a.Pooling\"}]",
            NULL, {REQUIRED, "modules.json", "sentence_bert_config.json"}, 0,
            "modules.json config.json 1_Pooling/config.json sentence_bert_config.json "
            "tokenizer.json " SMALL "model.safetensors "},
        {"module with weights", "[{\"path\": \"2_Dense\", \"type\": \"a.Dense\"}]", NULL,
            {REQUIRED, "modules.json", "2_Dense/model.safetensors"}, 0,
            "modules.json config.json 2_Dense/config.json 2_Dense/model.safetensors " SETTINGS
            "tokenizer.json " SMALL "model.safetensors "},
        {"module with a pickle", "[{\"path\": \"2_Dense\", \"type\": \"a.Dense\"}]", NULL,
            {REQUIRED, "modules.json", "sentence_bert_config.json", "2_Dense/pytorch_model.bin"}, 0,
            "modules.json config.json 2_Dense/config.json 2_Dense/model.safetensors "
            "2_Dense/pytorch_model.bin sentence_bert_config.json tokenizer.json " SMALL
            "model.safetensors "},
        {"only a pickle", NULL, NULL, {"config.json", "tokenizer.json", "pytorch_model.bin"}, 0,
            "modules.json config.json tokenizer.json " SMALL
            "model.safetensors model.safetensors.index.json pytorch_model.bin "},
        {"vocabulary", NULL, NULL, {"config.json", "vocab.txt", "model.safetensors"}, 0,
            "modules.json config.json tokenizer.json vocab.txt " SMALL "model.safetensors "},
        {"shards, each once", NULL,
            "{\"weight_map\": {\"a\": \"x-1.safetensors\", \"b\": \"x-2.safetensors\","
            " \"c\": \"x-1.safetensors\"}}",
            {"config.json", "tokenizer.json", "model.safetensors.index.json", "x-1.safetensors",
                "x-2.safetensors"},
            0,
            "modules.json config.json tokenizer.json " SMALL "model.safetensors "
            "model.safetensors.index.json x-1.safetensors x-2.safetensors "},
        {"no config", NULL, NULL, {"tokenizer.json", "model.safetensors"}, VF_ERR_NOT_FOUND,
            "a/b has no config.json"},
        {"no tokenizer", NULL, NULL, {"config.json", "model.safetensors"}, VF_ERR_NOT_FOUND,
            "a/b has no tokenizer.json"},
        {"no weights", NULL, NULL, {"config.json", "tokenizer.json"}, VF_ERR_NOT_FOUND,
            "a/b has no model.safetensors"},
        {"no shard", NULL, "{\"weight_map\": {\"a\": \"x-1.safetensors\"}}",
            {"config.json", "tokenizer.json", "model.safetensors.index.json"}, VF_ERR_NOT_FOUND,
            "a/b has no x-1.safetensors"},
        {"modules are no list", "{}", NULL, {REQUIRED, "modules.json"}, VF_ERR_DATA, "not a list"},
        {"modules are no JSON", "[", NULL, {REQUIRED, "modules.json"}, VF_ERR_DATA, "modules.json"},
        {"a path that is no text", "[{\"path\": 1}]", NULL, {REQUIRED, "modules.json"}, VF_ERR_DATA,
            "path"},
        {"an index without names", NULL, "{}",
            {"config.json", "tokenizer.json", "model.safetensors.index.json"}, VF_ERR_DATA,
            "weight_map"},
        {"a shard without a name", NULL, "{\"weight_map\": {\"a\": 1}}",
            {"config.json", "tokenizer.json", "model.safetensors.index.json"}, VF_ERR_DATA,
            "weight_map"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct scratch scratch;
        struct vf_err err = {0};
        struct repository r = {.files = cases[i].files};
        scratch_init(&scratch);
        if (cases[i].modules)
            scratch_write(&scratch, "modules.json", cases[i].modules, strlen(cases[i].modules));
        if (cases[i].index)
            scratch_write(
                &scratch, "model.safetensors.index.json", cases[i].index, strlen(cases[i].index));
        int rc = vf_hub_files_visit(scratch.path, "a/b", get, &r, &err);
        vf_check(rc == cases[i].rc, "%s: %d %s", cases[i].name, rc, err.msg);
        if (rc == 0)
            vf_check(strcmp(r.asked, cases[i].expected) == 0, "%s: %s", cases[i].name, r.asked);
        else
            vf_check(strstr(err.msg, cases[i].expected), "%s: %s", cases[i].name, err.msg);
        scratch_release(&scratch);
    }
}

/* Neither a module's folder nor a shard's name leads out of the snapshot. */
static void test_paths(void **state)
{
    static const char *const paths[] = {"..", "../a", "a/..", "a/../b", "/a", "a//b", "a/", ".a",
        "a/.b", "a b", "a\\\\b", "a\\u0000", "a\\n", "caf\\u00e9", "~", "C:", "a?b", "%2e%2e",
        "a/b/../../../c"};
    static const char *const with_modules[] = {REQUIRED, "modules.json", NULL};
    static const char *const with_index[] = {
        "config.json", "tokenizer.json", "model.safetensors.index.json", NULL};
    (void)state;
    for (size_t i = 0; i < 2 * VF_COUNT(paths); i++) {
        const char *path = paths[i / 2];
        bool module = i % 2;
        struct scratch scratch;
        struct vf_err err = {0};
        struct repository r = {.files = module ? with_modules : with_index};
        char text[256];
        snprintf(text, sizeof text,
            module ? "[{\"path\": \"%s\"}]" : "{\"weight_map\": {\"a\": \"%s\"}}", path);
        scratch_init(&scratch);
        scratch_write(
            &scratch, module ? "modules.json" : "model.safetensors.index.json", text, strlen(text));
        int rc = vf_hub_files_visit(scratch.path, "a/b", get, &r, &err);
        vf_check(rc == VF_ERR_DATA, "%s: %d %s", path, rc, err.msg);
        vf_check(!strstr(r.asked, ".."), "%s: %s", path, r.asked);
        scratch_release(&scratch);
    }
}

static int fail_at_the_third(void *context, const char *path, bool *ret_found, struct vf_err *err)
{
    int *calls = context;
    *ret_found = true;
    return ++*calls == 3 ? vf_fail(err, VF_ERR_UNAVAILABLE, "no more than %s", path) : 0;
}

static void test_failure_ends_the_visit(void **state)
{
    struct scratch scratch;
    struct vf_err err = {0};
    int calls = 0;
    (void)state;
    scratch_init(&scratch);
    scratch_write(&scratch, "modules.json", "[]", 2);
    assert_int_equal(vf_hub_files_visit(scratch.path, "a/b", fail_at_the_third, &calls, &err),
        VF_ERR_UNAVAILABLE);
    assert_int_equal(calls, 3);
    scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_failure_ends_the_visit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
