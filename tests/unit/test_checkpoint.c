#include "model/checkpoint.h"

#include "harness.h"
#include "model/checkpoint_files.h"
#include "unit/scratch.h"

#include <stdio.h>
#include <string.h>

/* A safetensors file of one vector of two numbers. */
static void write_file(struct scratch *scratch, const char *name, const char *tensor, float first)
{
    char bytes[256];
    const float numbers[2] = {first, first + 1};
    int n = snprintf(bytes + 8, sizeof bytes - 8,
        "{\"%s\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", tensor);
    memset(bytes, 0, 8);
    bytes[0] = (char)n;
    memcpy(bytes + 8 + n, numbers, sizeof numbers);
    scratch_write(scratch, name, bytes, 8 + (size_t)n + sizeof numbers);
}

static void write_text(struct scratch *scratch, const char *name, const char *text)
{
    scratch_write(scratch, name, text, strlen(text));
}

#define INDEX "model.safetensors.index.json"

static void test_shards(void **state)
{
    struct scratch scratch;
    struct vf_checkpoint *checkpoint = NULL;
    struct vf_tensor tensor;
    struct vf_err err = {0};
    float row[2];
    (void)state;
    scratch_init(&scratch);
    write_file(&scratch, "one.safetensors", "b", 1);
    write_file(&scratch, "two.safetensors", "a", 5);
    write_text(&scratch, INDEX,
        "{\"metadata\":{},\"weight_map\":{\"a\":\"two.safetensors\",\"b\":\"one.safetensors\"}}");
    int rc = vf_checkpoint_open(scratch.path, &checkpoint, &err);
    vf_check(rc == 0, "%s", err.msg);
    assert_int_equal(vf_checkpoint_vector(checkpoint, "a", 2, &tensor, NULL), 0);
    vf_tensor_read_row(&tensor, 0, row);
    assert_true(row[0] == 5 && row[1] == 6);
    assert_int_equal(vf_checkpoint_vector(checkpoint, "b", 2, &tensor, NULL), 0);
    vf_tensor_read_row(&tensor, 0, row);
    assert_true(row[0] == 1 && row[1] == 2);
    assert_int_equal(vf_checkpoint_vector(checkpoint, "c", 2, &tensor, &err), VF_ERR_DATA);
    assert_non_null(strstr(err.msg, scratch.path));
    vf_checkpoint_close(checkpoint);

    /* One file alone is preferred. */
    write_file(&scratch, "model.safetensors", "whole", 0);
    assert_int_equal(vf_checkpoint_open(scratch.path, &checkpoint, &err), 0);
    assert_true(vf_checkpoint_has(checkpoint, "whole"));
    assert_false(vf_checkpoint_has(checkpoint, "a"));
    vf_checkpoint_close(checkpoint);
    scratch_release(&scratch);
}

static void test_indexes_that_are_refused(void **state)
{
    static const struct {
        const char *name, *index;
        int rc;
        const char *in_message;
    } cases[] = {
        {"no JSON", "{", VF_ERR_DATA, "not valid JSON"},
        {"no map", "{}", VF_ERR_DATA, "names no tensors"},
        {"empty map", "{\"weight_map\":{}}", VF_ERR_DATA, "names no tensors"},
        {"map is a list", "{\"weight_map\":[1]}", VF_ERR_DATA, "names no tensors"},
        {"no name", "{\"weight_map\":{\"a\":1}}", VF_ERR_DATA, "no file beside it"},
        {"empty name", "{\"weight_map\":{\"a\":\"\"}}", VF_ERR_DATA, "no file beside it"},
        {"another folder", "{\"weight_map\":{\"a\":\"x/one.safetensors\"}}", VF_ERR_DATA,
            "no file beside it"},
        {"the folder above", "{\"weight_map\":{\"a\":\"..\"}}", VF_ERR_DATA, "no file beside it"},
        {"a NUL", "{\"weight_map\":{\"a\":\"one.safetensors\\u0000\"}}", VF_ERR_DATA,
            "no file beside it"},
        {"missing file", "{\"weight_map\":{\"a\":\"three.safetensors\"}}", VF_ERR_NOT_FOUND,
            "three.safetensors"},
        {"one tensor twice",
            "{\"weight_map\":{\"b\":\"one.safetensors\",\"x\":\"same.safetensors\"}}", VF_ERR_DATA,
            "tensor \"b\" is also in"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct scratch scratch;
        struct vf_checkpoint *checkpoint = NULL;
        struct vf_err err = {0};
        scratch_init(&scratch);
        write_file(&scratch, "one.safetensors", "b", 1);
        write_file(&scratch, "same.safetensors", "b", 1);
        write_text(&scratch, INDEX, cases[i].index);
        int rc = vf_checkpoint_open(scratch.path, &checkpoint, &err);
        vf_check(rc == cases[i].rc && !checkpoint, "%s: %d %s", cases[i].name, rc, err.msg);
        vf_check(strstr(err.msg, cases[i].in_message), "%s: %s", cases[i].name, err.msg);
        scratch_release(&scratch);
    }
}

/* Files are listed by preference, each once and sorted, whether they exist or not. */
static void test_lists(void **state)
{
    struct scratch scratch;
    struct vf_checkpoint_files files;
    struct vf_err err = {0};
    (void)state;
    scratch_init(&scratch);
    assert_int_equal(vf_checkpoint_files_list(scratch.path, &files, &err), VF_ERR_NOT_FOUND);
    write_text(&scratch, "pytorch_model.bin.index.json",
        "{\"weight_map\":{\"a\":\"2.bin\",\"b\":\"1.bin\",\"c\":\"2.bin\"}}");
    assert_int_equal(vf_checkpoint_files_list(scratch.path, &files, &err), 0);
    assert_int_equal(files.n, 2);
    assert_false(files.is_safetensors);
    assert_string_equal(files.paths[0], scratch_path(&scratch, "1.bin"));
    assert_string_equal(files.paths[1], scratch_path(&scratch, "2.bin"));
    vf_checkpoint_files_release(&files);
    write_text(&scratch, "pytorch_model.bin", "");
    assert_int_equal(vf_checkpoint_files_list(scratch.path, &files, &err), 0);
    assert_int_equal(files.n, 1);
    assert_string_equal(files.paths[0], scratch_path(&scratch, "pytorch_model.bin"));
    vf_checkpoint_files_release(&files);
    scratch_release(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_indexes_that_are_refused),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
