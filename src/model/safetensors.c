#include "model/safetensors.h"

#include "base/checked.h"
#include "base/file.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };

static const char metadata_key[] = "__metadata__";

struct vf_safetensors {
    char *path;
    struct vf_mapping mapping; /* owned; empty when the bytes are the caller's */
    const uint8_t *data;       /* behind the header */
    size_t data_bytes;
    json_t *header;
    struct vf_stored_tensor *tensors; /* [count], in the order of the data */
    size_t count;
    size_t n_bytes; /* of the whole file */
};

/* The dtypes whose size can be checked; what is not here can be in the file but not be used. */
static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {{"BOOL", 1}, {"U8", 1}, {"I8", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"U16", 2},
    {"I16", 2}, {"F16", 2}, {"BF16", 2}, {"U32", 4}, {"I32", 4}, {"F32", 4}, {"U64", 8}, {"I64", 8},
    {"F64", 8}};

/* Bytes of one number, or 0 for a dtype that is not known. */
static size_t dtype_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return dtypes[i].bytes;
    return 0;
}

static int fail_tensor(const char *path, const char *name, const char *why, struct vf_err *err)
{
    return vf_fail(err, VF_ERR_DATA, "%s: tensor \"%s\": %s", path, name, why);
}

static bool as_size(const json_t *value, size_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uintmax_t)json_integer_value(value) > SIZE_MAX)
        return false;
    *ret = (size_t)json_integer_value(value);
    return true;
}

/* Fills rank and shape; *ret_numbers is the product of all dimensions. */
static int read_shape(const char *path, const json_t *shape, struct vf_stored_tensor *tensor,
    size_t *ret_numbers, struct vf_err *err)
{
    size_t numbers = 1, i;
    const json_t *value;
    if (!json_is_array(shape))
        return fail_tensor(path, tensor->name, "\"shape\" is not an array", err);
    tensor->rank = json_array_size(shape);
    json_array_foreach(shape, i, value)
    {
        size_t dimension;
        if (!as_size(value, &dimension))
            return fail_tensor(path, tensor->name, "\"shape\" holds what is not a size", err);
        if (!vf_size_mul(numbers, dimension, &numbers))
            return fail_tensor(path, tensor->name, "the product of \"shape\" is too large", err);
        if (i < VF_STORED_DIMENSIONS)
            tensor->shape[i] = dimension;
    }
    *ret_numbers = numbers;
    return 0;
}

static int read_offsets(const struct vf_safetensors *file, const json_t *offsets,
    struct vf_stored_tensor *tensor, struct vf_err *err)
{
    size_t begin, end;
    if (json_array_size(offsets) != 2 || !as_size(json_array_get(offsets, 0), &begin) ||
        !as_size(json_array_get(offsets, 1), &end))
        return fail_tensor(
            file->path, tensor->name, "\"data_offsets\" is not a pair of sizes", err);
    if (begin > end)
        return fail_tensor(file->path, tensor->name, "\"data_offsets\" ends before it begins", err);
    if (end > file->data_bytes)
        return fail_tensor(
            file->path, tensor->name, "\"data_offsets\" reaches behind the file's end", err);
    tensor->data = file->data + begin;
    tensor->n_bytes = end - begin;
    return 0;
}

static int read_tensor(const struct vf_safetensors *file, const char *name, const json_t *value,
    struct vf_stored_tensor *ret, struct vf_err *err)
{
    struct vf_stored_tensor tensor = {.name = name};
    size_t numbers = 0, bytes;
    const json_t *dtype = json_object_get(value, "dtype");
    if (!json_is_object(value))
        return fail_tensor(file->path, name, "is not an object", err);
    if (!json_is_string(dtype) || strlen(json_string_value(dtype)) != json_string_length(dtype))
        return fail_tensor(file->path, name, "\"dtype\" is not a string", err);
    tensor.dtype = json_string_value(dtype);
    int rc = read_shape(file->path, json_object_get(value, "shape"), &tensor, &numbers, err);
    if (rc)
        return rc;
    rc = read_offsets(file, json_object_get(value, "data_offsets"), &tensor, err);
    if (rc)
        return rc;
    size_t unit = dtype_bytes(tensor.dtype);
    if (unit > 0 && (!vf_size_mul(numbers, unit, &bytes) || bytes != tensor.n_bytes))
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has %zu bytes, not those of %zu numbers of %s", file->path, name,
            tensor.n_bytes, numbers, tensor.dtype);
    *ret = tensor;
    return 0;
}

static int check_metadata(const char *path, const json_t *metadata, struct vf_err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return fail_tensor(path, metadata_key, "is not an object", err);
    json_object_foreach(
        (json_t *)(uintptr_t)metadata, key, value) if (!json_is_string(value)) return vf_fail(err,
        VF_ERR_DATA, "%s: %s: \"%s\" is not a string", path, metadata_key, key);
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct vf_stored_tensor *x = a, *y = b;
    const uint8_t *x_data = x->data, *y_data = y->data;
    if (x_data != y_data)
        return x_data < y_data ? -1 : 1;
    return (x->n_bytes > y->n_bytes) - (x->n_bytes < y->n_bytes);
}

static int read_tensors(struct vf_safetensors *file, struct vf_err *err)
{
    const char *name;
    json_t *value;
    file->tensors = calloc(json_object_size(file->header) + 1, sizeof(*file->tensors));
    if (!file->tensors)
        return vf_fail_memory(err, "the tensors of a file");
    json_object_foreach(file->header, name, value)
    {
        int rc = strcmp(name, metadata_key) == 0
                     ? check_metadata(file->path, value, err)
                     : read_tensor(file, name, value, &file->tensors[file->count++], err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Fails unless the tensors lie one behind the other from the first byte to the last. */
static int check_cover(struct vf_safetensors *file, struct vf_err *err)
{
    size_t end = 0;
    qsort(file->tensors, file->count, sizeof(*file->tensors), by_place);
    for (size_t i = 0; i < file->count; i++) {
        const struct vf_stored_tensor *tensor = &file->tensors[i];
        size_t begin = (size_t)((const uint8_t *)tensor->data - file->data);
        if (begin < end)
            return fail_tensor(file->path, tensor->name, "overlaps another tensor", err);
        if (begin > end)
            return fail_tensor(file->path, tensor->name, "leaves a hole before it", err);
        end = begin + tensor->n_bytes;
    }
    if (end != file->data_bytes)
        return vf_fail(err, VF_ERR_DATA, "%s: %zu bytes behind the last tensor belong to none",
            file->path, file->data_bytes - end);
    return 0;
}

static int read_header(
    struct vf_safetensors *file, const uint8_t *bytes, size_t n, struct vf_err *err)
{
    if (n < LENGTH_BYTES)
        return vf_fail(
            err, VF_ERR_DATA, "%s: too short for a safetensors file: %zu bytes", file->path, n);
    uint64_t length = 0;
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | bytes[i];
    if (length > VF_SAFETENSORS_MAX_HEADER)
        return vf_fail(err, VF_ERR_DATA,
            "%s: a header of %" PRIu64 " bytes is over the limit of %u", file->path, length,
            VF_SAFETENSORS_MAX_HEADER);
    if (length > n - LENGTH_BYTES)
        return vf_fail(err, VF_ERR_DATA,
            "%s: the header of %" PRIu64 " bytes is cut short: the file has %zu", file->path,
            length, n);
    const char *text = (const char *)bytes + LENGTH_BYTES;
    int rc = vf_json_parse(text, (size_t)length, file->path, &file->header, err);
    if (rc)
        return rc;
    if (text[0] != '{')
        return vf_fail(
            err, VF_ERR_DATA, "%s: the header does not begin with an object", file->path);
    file->data = bytes + LENGTH_BYTES + length;
    file->data_bytes = n - LENGTH_BYTES - (size_t)length;
    file->n_bytes = n;
    return 0;
}

int vf_safetensors_parse(const uint8_t *bytes, size_t n, const char *path,
    struct vf_safetensors **ret, struct vf_err *err)
{
    int rc;
    struct vf_safetensors *file = calloc(1, sizeof(*file));
    if (!file || !(file->path = strdup(path))) {
        rc = vf_fail_memory(err, "a file of weights");
        goto out;
    }
    VF_TRY(read_header(file, bytes, n, err));
    VF_TRY(read_tensors(file, err));
    VF_TRY(check_cover(file, err));
    *ret = file;
    file = NULL;
out:
    vf_safetensors_close(file);
    return rc;
}

int vf_safetensors_open(const char *path, struct vf_safetensors **ret, struct vf_err *err)
{
    struct vf_mapping mapping = {0};
    int rc = vf_map(path, &mapping, err);
    if (rc)
        return rc;
    rc = vf_safetensors_parse(mapping.data, mapping.size, path, ret, err);
    if (rc)
        vf_unmap(&mapping);
    else
        (*ret)->mapping = mapping;
    return rc;
}

void vf_safetensors_close(struct vf_safetensors *file)
{
    if (!file)
        return;
    free(file->tensors);
    json_decref(file->header);
    vf_unmap(&file->mapping);
    free(file->path);
    free(file);
}

const struct vf_stored_tensor *vf_safetensors_tensors(
    const struct vf_safetensors *file, size_t *ret_n)
{
    *ret_n = file->count;
    return file->tensors;
}

size_t vf_safetensors_bytes(const struct vf_safetensors *file)
{
    return file->n_bytes;
}
