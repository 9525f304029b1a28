#include "model/torch_file.h"

#include "base/file.h"
#include "harness.h"
#include "model/checkpoint.h"
#include "unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER VF_TEST_DATA "/torch_files/"
#define MAX_FILE_BYTES ((size_t)1 << 20)

static const struct vf_stored_tensor *find(const struct vf_torch_file *file, const char *name)
{
    size_t n;
    const struct vf_stored_tensor *tensors = vf_torch_file_tensors(file, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(tensors[i].name, name) == 0)
            return &tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

/* ---- what torch writes ---- */

static void check_state_dict(const char *path)
{
    static const struct {
        const char *name, *dtype;
        size_t rank, shape[VF_STORED_DIMENSIONS], n_bytes;
        bool contiguous;
    } tensors[] = {
        {"matrix", "F32", 2, {2, 3}, 24, true},
        {"vector", "F32", 1, {3}, 12, true},
        {"half", "F16", 2, {3, 2}, 12, true},
        {"brain", "BF16", 1, {3}, 6, true},
        {"parameter", "F32", 2, {2, 2}, 16, true},
        {"ids", "I64", 2, {1, 5}, 40, true},
        {"scalar", "F32", 0, {0}, 4, true},
        {"empty", "F32", 2, {0, 4}, 0, true},
        {"rows", "F32", 2, {2, 6}, 48, true},
        {"transposed", "F32", 2, {6, 4}, 96, false},
        {"same", "F32", 2, {2, 3}, 24, true},
    };
    struct vf_torch_file *file = NULL;
    struct vf_err err = {0};
    size_t n;
    int rc = vf_torch_file_open(path, &file, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_torch_file_tensors(file, &n);
    assert_int_equal(n, VF_COUNT(tensors));
    for (size_t i = 0; i < VF_COUNT(tensors); i++) {
        const struct vf_stored_tensor *t = find(file, tensors[i].name);
        vf_check(strcmp(t->dtype, tensors[i].dtype) == 0, "%s: %s", t->name, t->dtype);
        vf_check(t->rank == tensors[i].rank, "%s: rank %zu", t->name, t->rank);
        vf_check(memcmp(t->shape, tensors[i].shape, sizeof t->shape) == 0, "%s: shape", t->name);
        vf_check(t->n_bytes == tensors[i].n_bytes, "%s: %zu bytes", t->name, t->n_bytes);
        vf_check((t->data != NULL) == tensors[i].contiguous, "%s: place", t->name);
    }
    static const float rows[] = {0.5f, 0.75f, 1.0f, 1.25f, 1.5f, 1.75f, 2.0f};
    assert_memory_equal(find(file, "rows")->data, rows, sizeof rows);
    static const float matrix[] = {-1.0f, -0.75f, -0.5f, -0.25f, 0.0f, 0.25f};
    assert_memory_equal(find(file, "matrix")->data, matrix, sizeof matrix);
    assert_ptr_equal(find(file, "same")->data, find(file, "matrix")->data);
    assert_true(vf_torch_file_bytes(file) > 1000);
    vf_torch_file_close(file);
}

static void test_state_dicts(void **state)
{
    (void)state;
    check_state_dict(FOLDER "state_dict.bin");
    check_state_dict(FOLDER "plain_dict.bin");
}

/* An archive without 64-bit records. */
static void test_zip32(void **state)
{
    static const float expected[] = {1, 2, 3, 4};
    struct vf_torch_file *file = NULL;
    (void)state;
    assert_int_equal(vf_torch_file_open(FOLDER "zip32.bin", &file, NULL), 0);
    assert_memory_equal(find(file, "w")->data, expected, sizeof expected);
    vf_torch_file_close(file);
}

/* A dict in a dict is no state dict; the values that are no tensors are left out. */
static void test_nested(void **state)
{
    struct vf_torch_file *file = NULL;
    size_t n;
    (void)state;
    assert_int_equal(vf_torch_file_open(FOLDER "nested.bin", &file, NULL), 0);
    vf_torch_file_tensors(file, &n);
    assert_int_equal(n, 0);
    vf_torch_file_close(file);
}

static void test_as_checkpoint(void **state)
{
    struct scratch scratch;
    struct vf_buf content = {0};
    struct vf_checkpoint *checkpoint = NULL;
    struct vf_tensor tensor;
    struct vf_err err = {0};
    float row[3];
    (void)state;
    scratch_init(&scratch);
    assert_int_equal(vf_read_file(FOLDER "state_dict.bin", MAX_FILE_BYTES, &content, NULL), 0);
    scratch_write(&scratch, "pytorch_model.bin", content.data, content.size);
    int rc = vf_checkpoint_open(scratch.path, &checkpoint, &err);
    vf_check(rc == 0, "%s", err.msg);
    assert_int_equal(vf_checkpoint_bytes(checkpoint), content.size);
    assert_int_equal(vf_checkpoint_vector(checkpoint, "brain", 3, &tensor, NULL), 0);
    vf_tensor_read_row(&tensor, 0, row);
    assert_true(row[0] == -1.0f && row[1] == -0.75f && row[2] == -0.5f);
    assert_int_equal(
        vf_checkpoint_matrix(checkpoint, "transposed", 6, 4, &tensor, &err), VF_ERR_DATA);
    assert_non_null(strstr(err.msg, "one behind the other"));
    assert_int_equal(vf_checkpoint_matrix(checkpoint, "ids", 1, 5, &tensor, &err), VF_ERR_DATA);
    assert_non_null(strstr(err.msg, "I64"));
    vf_checkpoint_close(checkpoint);
    vf_buf_release(&content);
    scratch_release(&scratch);
}

/* ---- what is refused ---- */

static void test_hostile(void **state)
{
    static const struct {
        const char *name, *in_message;
    } cases[] = {
        {"legacy", "before 1.6"},
        {"hostile/runs_a_command", "import posix.system"},
        {"hostile/protocol_4", "protocol 2"},
        {"hostile/unknown_operation", "operation 0x69"},
        {"hostile/unknown_storage", "import torch.QInt8Storage"},
        {"hostile/no_dict", "no dict of tensors"},
        {"hostile/no_stop", "cut short"},
        {"hostile/stack_underflow", "not there"},
        {"hostile/no_mark", "without a mark"},
        {"hostile/memo_missing", "has not kept"},
        {"hostile/memo_far", "out of turn"},
        {"hostile/self_in_tuple", "no storage"},
        {"hostile/long_text", "cut short"},
        {"hostile/huge_number", "64 bits"},
        {"hostile/deep", "too much"},
        {"hostile/shape_overflows", "\"w\": reaches behind"},
        {"hostile/strides_overflow", "\"w\": reaches behind"},
        {"hostile/negative_offset", "of what is none"},
        {"hostile/behind_the_storage", "\"w\": reaches behind"},
        {"hostile/storage_too_short", "\"w\": its storage is cut short"},
        {"hostile/storage_overflows", "\"w\": its storage is cut short"},
        {"hostile/no_storage", "\"w\": its storage is not in the file"},
        {"hostile/long_key", "\"w\": the name of its storage"},
        {"hostile/name_with_nul", "holds a NUL"},
        {"hostile/big_endian", "little-endian"},
        {"hostile/no_pickle", "no data.pkl"},
        {"hostile/compressed", "compressed"},
        {"hostile/no_end", "its end is missing"},
        {"hostile/directory_outside", "lies outside"},
        {"hostile/too_many_members", "too many members"},
        {"hostile/member_outside", "lies outside"},
        {"hostile/two_names", "two names"},
        {"hostile/folder_with_nul", "name holds a NUL"},
        {"hostile/wrong_size", "lies outside"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        char path[512];
        struct vf_torch_file *file = NULL;
        struct vf_err err = {0};
        snprintf(path, sizeof path, "%s%s.bin", FOLDER, cases[i].name);
        int rc = vf_torch_file_open(path, &file, &err);
        vf_check(rc == VF_ERR_DATA && !file, "%s: %d %s", cases[i].name, rc, err.msg);
        vf_check(strstr(err.msg, cases[i].in_message), "%s: %s", cases[i].name, err.msg);
    }
}

/* A file cut anywhere is refused, and one with a byte changed anywhere does no harm. */
static void test_damage(void **state)
{
    struct vf_buf content = {0};
    (void)state;
    assert_int_equal(vf_read_file(FOLDER "state_dict.bin", MAX_FILE_BYTES, &content, NULL), 0);
    const uint8_t *bytes = (const uint8_t *)content.data;
    for (size_t n = 0; n < content.size; n++) {
        struct vf_torch_file *file = NULL;
        uint8_t *part = malloc(n + 1);
        assert_non_null(part);
        memcpy(part, bytes, n);
        int rc = vf_torch_file_parse(part, n, "part", &file, NULL);
        vf_check(rc == VF_ERR_DATA, "%zu bytes: %d", n, rc);
        free(part);
    }
    for (size_t i = 0; i < content.size; i++) {
        struct vf_torch_file *file = NULL;
        content.data[i] = (char)(content.data[i] ^ 0x55);
        int rc = vf_torch_file_parse(bytes, content.size, "damaged", &file, NULL);
        vf_check(rc == 0 || rc == VF_ERR_DATA, "byte %zu: %d", i, rc);
        vf_torch_file_close(file);
        content.data[i] = (char)(content.data[i] ^ 0x55);
    }
    vf_buf_release(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_dicts),
        cmocka_unit_test(test_zip32),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_as_checkpoint),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
