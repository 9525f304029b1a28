#include "model/safetensors.h"

#include "harness.h"
#include "model/checkpoint.h"
#include "unit/scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 4096 };

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

/* Writes length, header and `data_bytes` of data, and opens the file. */
static int open_file(uint64_t length, const char *header, const void *data, size_t data_bytes,
    struct vf_safetensors **ret, struct vf_err *err)
{
    uint8_t bytes[MAX_FILE];
    size_t n = strlen(header);
    assert_true(8 + n + data_bytes <= sizeof bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(length >> 8 * i);
    memcpy(bytes + 8, header, n);
    memcpy(bytes + 8 + n, data, data_bytes);
    scratch_write(&scratch, "model.safetensors", bytes, 8 + n + data_bytes);
    return vf_safetensors_open(scratch_path(&scratch, "model.safetensors"), ret, err);
}

#define TENSOR(name, dtype, shape, begin, end)                                                     \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end \
    "]}"
#define A_TENSOR TENSOR("a", "F32", "[2]", 0, 8)

static void test_broken_headers(void **state)
{
    /* Each header alone is wrong in one way; the data has 8 bytes. */
    static const struct {
        const char *name, *header, *in_message;
    } cases[] = {
        {"not JSON", "{\"a\":", "not valid JSON"},
        {"empty", "", "not valid JSON"},
        {"array", "[]", "object"},
        {"space before the object", " {" A_TENSOR "}", "object"},
        {"something behind the object", "{" A_TENSOR "}x", "not valid JSON"},
        {"duplicate tensor", "{" A_TENSOR "," A_TENSOR "}", "duplicate"},
        {"tensor is a number", "{\"a\":1}", "\"a\": is not an object"},
        {"tensor is null", "{\"a\":null}", "\"a\": is not an object"},
        {"no dtype", "{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "\"dtype\""},
        {"dtype with a NUL",
            "{\"a\":{\"dtype\":\"F32\\u0000\",\"shape\":[2],\"data_offsets\":[0,8]}}", "\"dtype\""},
        {"no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", "\"shape\""},
        {"shape is a number", "{" TENSOR("a", "F32", "2", 0, 8) "}", "\"shape\""},
        {"negative shape", "{" TENSOR("a", "F32", "[-2]", 0, 8) "}", "\"shape\""},
        {"real shape", "{" TENSOR("a", "F32", "[2.0]", 0, 8) "}", "\"shape\""},
        {"shape beyond 64 bits", "{" TENSOR("a", "F32", "[36893488147419103232]", 0, 8) "}",
            "not valid JSON"},
        {"shape product overflows", "{" TENSOR("a", "F32", "[4294967296,4294967296,4]", 0, 8) "}",
            "too large"},
        {"shape bytes overflow", "{" TENSOR("a", "F32", "[4611686018427387906]", 0, 8) "}",
            "has 8 bytes"},
        {"no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", "\"data_offsets\""},
        {"one offset", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]}}",
            "\"data_offsets\""},
        {"negative offset", "{" TENSOR("a", "F32", "[4]", -8, 8) "}", "\"data_offsets\""},
        {"real offset", "{" TENSOR("a", "F32", "[2]", 0, 8.0) "}", "\"data_offsets\""},
        {"reversed offsets", "{" TENSOR("a", "F32", "[2]", 8, 0) "}", "ends before it begins"},
        {"end behind the file", "{" TENSOR("a", "F32", "[3]", 0, 12) "}", "behind the file's end"},
        {"both behind the file",
            "{" TENSOR("a", "F32", "[2]", 9223372036854775799, 9223372036854775807) "}",
            "behind the file's end"},
        {"size is not the shape's", "{" TENSOR("a", "F32", "[3]", 0, 8) "}", "has 8 bytes"},
        {"size is not the dtype's", "{" TENSOR("a", "F16", "[2]", 0, 8) "}", "of F16"},
        {"overlap", "{" A_TENSOR "," TENSOR("b", "F32", "[1]", 4, 8) "}", "overlaps"},
        {"same place twice", "{" A_TENSOR "," TENSOR("b", "F32", "[2]", 0, 8) "}", "overlaps"},
        {"hole at the start", "{" TENSOR("a", "F32", "[1]", 4, 8) "}", "hole"},
        {"hole between", "{" TENSOR("a", "U8", "[2]", 0, 2) "," TENSOR("b", "F32", "[1]", 4, 8) "}",
            "hole"},
        {"data that belongs to none", "{" TENSOR("a", "F32", "[1]", 0, 4) "}", "4 bytes behind"},
        {"no tensor but data", "{}", "8 bytes behind"},
        {"metadata is not an object", "{\"__metadata__\":1," A_TENSOR "}", "__metadata__"},
        {"metadata is not text", "{\"__metadata__\":{\"k\":1}," A_TENSOR "}", "\"k\""},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_safetensors *file = NULL;
        int rc = open_file(strlen(cases[i].header), cases[i].header, "01234567", 8, &file, &err);
        vf_check(rc == VF_ERR_DATA && err.code == VF_ERR_DATA, "%s: %d", cases[i].name, rc);
        vf_check(strstr(err.msg, cases[i].in_message), "%s: %s", cases[i].name, err.msg);
        vf_check(strstr(err.msg, scratch.path), "%s: %s", cases[i].name, err.msg);
        vf_check(!file, "%s: output is touched", cases[i].name);
    }
}

static void test_broken_lengths(void **state)
{
    static const char header[] = "{" A_TENSOR "}";
    static const struct {
        const char *name;
        uint64_t length;
        const char *in_message;
    } cases[] = {
        {"all ones", UINT64_MAX, "limit"},
        {"over the limit", VF_SAFETENSORS_MAX_HEADER + 1u, "limit"},
        {"at the limit", VF_SAFETENSORS_MAX_HEADER, "cut short"},
        {"one behind the file", sizeof header - 1 + 9, "cut short"},
        {"into the data", sizeof header - 1 + 1, "not valid JSON"},
        {"one too short", sizeof header - 2, "not valid JSON"},
        {"zero", 0, "not valid JSON"},
    };
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_safetensors *file = NULL;
        int rc = open_file(cases[i].length, header, "01234567", 8, &file, &err);
        vf_check(rc == VF_ERR_DATA, "%s: %d", cases[i].name, rc);
        vf_check(strstr(err.msg, cases[i].in_message), "%s: %s", cases[i].name, err.msg);
    }
}

/* Cut anywhere, a file is refused. */
static void test_truncation(void **state)
{
    char whole[] = "\0\0\0\0\0\0\0\0{" A_TENSOR "}01234567";
    whole[0] = (char)strlen("{" A_TENSOR "}");
    struct vf_safetensors *file = NULL;
    (void)state;
    for (size_t n = 0; n < sizeof whole; n++) {
        struct vf_err err = {0};
        scratch_write(&scratch, "model.safetensors", whole, n);
        int rc = vf_safetensors_open(scratch_path(&scratch, "model.safetensors"), &file, &err);
        bool is_whole = n == sizeof whole - 1;
        vf_check(rc == (is_whole ? 0 : VF_ERR_DATA), "%zu bytes: %d %s", n, rc, err.msg);
    }
    vf_safetensors_close(file);
}

static void test_missing_file(void **state)
{
    struct vf_err err = {0};
    struct vf_safetensors *file = NULL;
    (void)state;
    assert_int_equal(
        vf_safetensors_open("/nonexistent/m.safetensors", &file, &err), VF_ERR_NOT_FOUND);
    assert_null(file);
    vf_safetensors_close(NULL);
}

/* One file with each kind of tensor, not in the order of its data, padded with spaces. */
static const char good_header[] = "{\"__metadata__\":{\"format\":\"pt\"}," TENSOR("vector", "F32",
    "[3]", 12, 24) "," TENSOR("matrix", "F16", "[3,2]", 0, 12) "," TENSOR("brain", "BF16", "[1,3]",
    24, 30) "," TENSOR("empty", "F32", "[0,5]", 12, 12) "," TENSOR("ids", "I64", "[1,1]", 30,
    38) "," TENSOR("odd", "F4_NEW", "[3]", 38, 40) "," TENSOR("scalar", "F32", "[]", 40, 44) "}   ";

static struct vf_checkpoint *open_good_file(void)
{
    static const uint16_t halves[6] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000, 0x7bff};
    static const float floats[3] = {1.5f, -0.0f, 3e-40f};
    static const uint16_t brains[3] = {0x3f80, 0xff80, 0x0001};
    uint8_t data[44] = {0};
    struct vf_err err = {0};
    struct vf_safetensors *file = NULL;
    struct vf_checkpoint *checkpoint = NULL;
    memcpy(data, halves, sizeof halves);
    memcpy(data + 12, floats, sizeof floats);
    memcpy(data + 24, brains, sizeof brains);
    int rc = open_file(strlen(good_header), good_header, data, sizeof data, &file, &err);
    vf_check(rc == 0, "%s", err.msg);
    vf_safetensors_close(file);
    rc = vf_checkpoint_open(scratch.path, &checkpoint, &err);
    vf_check(rc == 0, "%s", err.msg);
    return checkpoint;
}

static void test_lookups(void **state)
{
    struct vf_checkpoint *file = open_good_file();
    struct vf_tensor tensor;
    float row[3];
    (void)state;
    assert_int_equal(vf_checkpoint_bytes(file), 8 + strlen(good_header) + 44);
    assert_true(vf_checkpoint_has(file, "ids"));
    assert_false(vf_checkpoint_has(file, "__metadata__"));

    assert_int_equal(vf_checkpoint_matrix(file, "matrix", 3, 2, &tensor, NULL), 0);
    assert_true(tensor.dtype == VF_DTYPE_F16 && tensor.rows == 3 && tensor.cols == 2);
    static const float expected[3][2] = {{1, -2}, {0x1p-24f, INFINITY}, {-0.0f, 65504}};
    for (size_t r = 0; r < 3; r++) {
        vf_tensor_read_row(&tensor, r, row);
        assert_memory_equal(row, expected[r], sizeof expected[r]);
    }
    assert_int_equal(vf_checkpoint_vector(file, "vector", 3, &tensor, NULL), 0);
    assert_true(tensor.dtype == VF_DTYPE_F32 && tensor.rows == 1 && tensor.cols == 3);
    vf_tensor_read_row(&tensor, 0, row);
    assert_true(row[0] == 1.5f && signbit(row[1]) && row[2] == 3e-40f);

    assert_int_equal(vf_checkpoint_matrix(file, "brain", 1, 3, &tensor, NULL), 0);
    vf_tensor_read_row(&tensor, 0, row);
    assert_true(row[0] == 1 && row[1] == -INFINITY && row[2] == 0x1p-133f);
    vf_checkpoint_close(file);
}

static void test_half_precision_by_its_definition(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x10000; half++) {
        int exponent = (int)(half >> 10 & 31), fraction = (int)(half & 1023);
        double expected = exponent == 0    ? ldexp(fraction, -24)
                          : exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                                           : ldexp(1024 + fraction, exponent - 25);
        if (half & 0x8000)
            expected = -expected;
        uint16_t stored = (uint16_t)half;
        struct vf_tensor tensor = {.data = &stored, .dtype = VF_DTYPE_F16, .rows = 1, .cols = 1};
        float value;
        vf_tensor_read_row(&tensor, 0, &value);
        vf_check((double)value == expected || (isnan(value) && isnan(expected)), "0x%04x: %g", half,
            (double)value);
    }
}

static void test_lookups_that_fail(void **state)
{
    static const struct {
        const char *name, *tensor;
        bool matrix;
        size_t rows, cols;
        const char *in_message;
    } cases[] = {
        {"absent", "nothing", true, 1, 1, "no tensor \"nothing\""},
        {"metadata", "__metadata__", true, 1, 1, "no tensor"},
        {"known dtype that is not read", "ids", true, 1, 1, "dtype I64"},
        {"unknown dtype", "odd", false, 1, 3, "dtype F4_NEW"},
        {"rows and cols exchanged", "matrix", true, 2, 3, "[3, 2] where [2, 3]"},
        {"cols", "matrix", true, 3, 3, "[3, 2] where [3, 3]"},
        {"vector as matrix", "vector", true, 1, 3, "1 dimensions where [1, 3]"},
        {"matrix as vector", "matrix", false, 1, 6, "2 dimensions where [6]"},
        {"size", "vector", false, 1, 4, "[3] where [4]"},
        {"scalar", "scalar", false, 1, 1, "0 dimensions"},
    };
    struct vf_checkpoint *file = open_good_file();
    (void)state;
    for (size_t i = 0; i < VF_COUNT(cases); i++) {
        struct vf_err err = {0};
        struct vf_tensor tensor = {0};
        int rc = cases[i].matrix
                     ? vf_checkpoint_matrix(
                           file, cases[i].tensor, cases[i].rows, cases[i].cols, &tensor, &err)
                     : vf_checkpoint_vector(file, cases[i].tensor, cases[i].cols, &tensor, &err);
        vf_check(rc == VF_ERR_DATA, "%s: %d", cases[i].name, rc);
        vf_check(strstr(err.msg, cases[i].in_message), "%s: %s", cases[i].name, err.msg);
        vf_check(!tensor.data && tensor.cols == 0, "%s: output is touched", cases[i].name);
    }
    vf_checkpoint_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_broken_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_truncation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lookups, set_up, tear_down),
        cmocka_unit_test(test_half_precision_by_its_definition),
        cmocka_unit_test_setup_teardown(test_lookups_that_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
