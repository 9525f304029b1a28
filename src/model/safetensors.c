#include "model/safetensors.h"

#include "base/checked.h"
#include "base/file.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, KEPT_DIMENSIONS = 2 };

static const char metadata_key[] = "__metadata__";

/* A tensor of the header. `name` and `dtype` are borrowed from the header's JSON. */
struct entry {
    const char *name, *dtype;
    size_t begin, end;             /* in bytes from the start of the data */
    size_t rank;                   /* number of dimensions */
    size_t shape[KEPT_DIMENSIONS]; /* the first ones */
};

struct vf_safetensors {
    char *path;
    struct vf_mapping mapping;
    const uint8_t *data; /* behind the header */
    size_t data_bytes;
    json_t *header;
    struct entry *entries; /* [count], sorted by name */
    size_t count;
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

static int fail_entry(const char *path, const char *name, const char *why, struct vf_err *err)
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
static int read_shape(const char *path, const json_t *shape, struct entry *entry,
    size_t *ret_numbers, struct vf_err *err)
{
    size_t numbers = 1, i;
    const json_t *value;
    if (!json_is_array(shape))
        return fail_entry(path, entry->name, "\"shape\" is not an array", err);
    entry->rank = json_array_size(shape);
    json_array_foreach(shape, i, value)
    {
        size_t dimension;
        if (!as_size(value, &dimension))
            return fail_entry(path, entry->name, "\"shape\" holds what is not a size", err);
        if (!vf_size_mul(numbers, dimension, &numbers))
            return fail_entry(path, entry->name, "the product of \"shape\" is too large", err);
        if (i < KEPT_DIMENSIONS)
            entry->shape[i] = dimension;
    }
    *ret_numbers = numbers;
    return 0;
}

static int read_offsets(const char *path, const json_t *offsets, size_t data_bytes,
    struct entry *entry, struct vf_err *err)
{
    if (json_array_size(offsets) != 2 || !as_size(json_array_get(offsets, 0), &entry->begin) ||
        !as_size(json_array_get(offsets, 1), &entry->end))
        return fail_entry(path, entry->name, "\"data_offsets\" is not a pair of sizes", err);
    if (entry->begin > entry->end)
        return fail_entry(path, entry->name, "\"data_offsets\" ends before it begins", err);
    if (entry->end > data_bytes)
        return fail_entry(path, entry->name, "\"data_offsets\" reaches behind the file's end", err);
    return 0;
}

static int read_entry(const char *path, const char *name, const json_t *value, size_t data_bytes,
    struct entry *ret, struct vf_err *err)
{
    struct entry entry = {.name = name};
    size_t numbers = 0, bytes;
    const json_t *dtype = json_object_get(value, "dtype");
    if (!json_is_object(value))
        return fail_entry(path, name, "is not an object", err);
    if (!json_is_string(dtype) || strlen(json_string_value(dtype)) != json_string_length(dtype))
        return fail_entry(path, name, "\"dtype\" is not a string", err);
    entry.dtype = json_string_value(dtype);
    int rc = read_shape(path, json_object_get(value, "shape"), &entry, &numbers, err);
    if (rc)
        return rc;
    rc = read_offsets(path, json_object_get(value, "data_offsets"), data_bytes, &entry, err);
    if (rc)
        return rc;
    size_t unit = dtype_bytes(entry.dtype);
    if (unit > 0 && (!vf_size_mul(numbers, unit, &bytes) || bytes != entry.end - entry.begin))
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has %zu bytes, not those of %zu numbers of %s", path, name,
            entry.end - entry.begin, numbers, entry.dtype);
    *ret = entry;
    return 0;
}

static int check_metadata(const char *path, const json_t *metadata, struct vf_err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return fail_entry(path, metadata_key, "is not an object", err);
    json_object_foreach(
        (json_t *)(uintptr_t)metadata, key, value) if (!json_is_string(value)) return vf_fail(err,
        VF_ERR_DATA, "%s: %s: \"%s\" is not a string", path, metadata_key, key);
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int read_entries(struct vf_safetensors *file, struct vf_err *err)
{
    const char *name;
    json_t *value;
    file->entries = calloc(json_object_size(file->header) + 1, sizeof(*file->entries));
    if (!file->entries)
        return vf_fail_memory(err, "the tensors of a file");
    json_object_foreach(file->header, name, value)
    {
        int rc = strcmp(name, metadata_key) == 0
                     ? check_metadata(file->path, value, err)
                     : read_entry(file->path, name, value, file->data_bytes,
                           &file->entries[file->count++], err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Fails unless the tensors lie one behind the other from the first byte to the last. */
static int check_cover(struct vf_safetensors *file, struct vf_err *err)
{
    size_t end = 0;
    qsort(file->entries, file->count, sizeof(*file->entries), by_offset);
    for (size_t i = 0; i < file->count; i++) {
        const struct entry *entry = &file->entries[i];
        if (entry->begin < end)
            return fail_entry(file->path, entry->name, "overlaps another tensor", err);
        if (entry->begin > end)
            return fail_entry(file->path, entry->name, "leaves a hole before it", err);
        end = entry->end;
    }
    if (end != file->data_bytes)
        return vf_fail(err, VF_ERR_DATA, "%s: %zu bytes behind the last tensor belong to none",
            file->path, file->data_bytes - end);
    qsort(file->entries, file->count, sizeof(*file->entries), by_name);
    return 0;
}

static int read_header(struct vf_safetensors *file, struct vf_err *err)
{
    const struct vf_mapping *mapping = &file->mapping;
    if (mapping->size < LENGTH_BYTES)
        return vf_fail(err, VF_ERR_DATA, "%s: too short for a safetensors file: %zu bytes",
            file->path, mapping->size);
    uint64_t length = 0;
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | mapping->data[i];
    if (length > VF_SAFETENSORS_MAX_HEADER)
        return vf_fail(err, VF_ERR_DATA,
            "%s: a header of %" PRIu64 " bytes is over the limit of %u", file->path, length,
            VF_SAFETENSORS_MAX_HEADER);
    if (length > mapping->size - LENGTH_BYTES)
        return vf_fail(err, VF_ERR_DATA,
            "%s: the header of %" PRIu64 " bytes is cut short: the file has %zu", file->path,
            length, mapping->size);
    const char *text = (const char *)mapping->data + LENGTH_BYTES;
    int rc = vf_json_parse(text, (size_t)length, file->path, &file->header, err);
    if (rc)
        return rc;
    if (text[0] != '{')
        return vf_fail(
            err, VF_ERR_DATA, "%s: the header does not begin with an object", file->path);
    file->data = mapping->data + LENGTH_BYTES + length;
    file->data_bytes = mapping->size - LENGTH_BYTES - (size_t)length;
    return 0;
}

int vf_safetensors_open(const char *path, struct vf_safetensors **ret, struct vf_err *err)
{
    int rc;
    struct vf_safetensors *file = calloc(1, sizeof(*file));
    if (!file || !(file->path = strdup(path))) {
        rc = vf_fail_memory(err, "a file of weights");
        goto out;
    }
    VF_TRY(vf_map(path, &file->mapping, err));
    VF_TRY(read_header(file, err));
    VF_TRY(read_entries(file, err));
    VF_TRY(check_cover(file, err));
    *ret = file;
    file = NULL;
out:
    vf_safetensors_close(file);
    return rc;
}

void vf_safetensors_close(struct vf_safetensors *file)
{
    if (!file)
        return;
    free(file->entries);
    json_decref(file->header);
    vf_unmap(&file->mapping);
    free(file->path);
    free(file);
}

static const struct entry *find(const struct vf_safetensors *file, const char *name)
{
    struct entry key = {.name = name};
    return bsearch(&key, file->entries, file->count, sizeof(*file->entries), by_name);
}

bool vf_safetensors_has(const struct vf_safetensors *file, const char *name)
{
    return find(file, name) != NULL;
}

static bool as_dtype(const char *name, enum vf_dtype *ret)
{
    static const struct {
        const char *name;
        enum vf_dtype dtype;
    } used[] = {{"F32", VF_DTYPE_F32}, {"F16", VF_DTYPE_F16}, {"BF16", VF_DTYPE_BF16}};
    for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
        if (strcmp(used[i].name, name) == 0) {
            *ret = used[i].dtype;
            return true;
        }
    }
    return false;
}

static int find_as(const struct vf_safetensors *file, const char *name, const struct entry **ret,
    struct vf_tensor *ret_tensor, struct vf_err *err)
{
    const struct entry *entry = find(file, name);
    enum vf_dtype dtype;
    if (!entry)
        return vf_fail(err, VF_ERR_DATA, "%s: there is no tensor \"%s\"", file->path, name);
    if (!as_dtype(entry->dtype, &dtype))
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has the dtype %s; F32, F16 and BF16 are read", file->path, name,
            entry->dtype);
    ret_tensor->dtype = dtype;
    ret_tensor->data = file->data + entry->begin;
    *ret = entry;
    return 0;
}

int vf_safetensors_matrix(const struct vf_safetensors *file, const char *name, size_t rows,
    size_t cols, struct vf_tensor *ret, struct vf_err *err)
{
    struct vf_tensor tensor = {.rows = rows, .cols = cols};
    const struct entry *entry;
    int rc = find_as(file, name, &entry, &tensor, err);
    if (rc)
        return rc;
    if (entry->rank != 2)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has %zu dimensions where [%zu, %zu] is expected", file->path, name,
            entry->rank, rows, cols);
    if (entry->shape[0] != rows || entry->shape[1] != cols)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has the shape [%zu, %zu] where [%zu, %zu] is expected", file->path,
            name, entry->shape[0], entry->shape[1], rows, cols);
    *ret = tensor;
    return 0;
}

int vf_safetensors_vector(const struct vf_safetensors *file, const char *name, size_t size,
    struct vf_tensor *ret, struct vf_err *err)
{
    struct vf_tensor tensor = {.rows = 1, .cols = size};
    const struct entry *entry;
    int rc = find_as(file, name, &entry, &tensor, err);
    if (rc)
        return rc;
    if (entry->rank != 1)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has %zu dimensions where [%zu] is expected", file->path, name,
            entry->rank, size);
    if (entry->shape[0] != size)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has the shape [%zu] where [%zu] is expected", file->path, name,
            entry->shape[0], size);
    *ret = tensor;
    return 0;
}

size_t vf_safetensors_bytes(const struct vf_safetensors *file)
{
    return file->mapping.size;
}
