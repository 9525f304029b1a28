#include "model/checkpoint.h"

#include "model/checkpoint_files.h"
#include "model/safetensors.h"
#include "model/torch_file.h"

#include <stdlib.h>
#include <string.h>

/* One file, of one format; the other pointer is NULL. */
struct file {
    struct vf_safetensors *safetensors;
    struct vf_torch_file *torch;
};

struct entry {
    const struct vf_stored_tensor *tensor;
    const char *path; /* the file's, for messages */
};

struct vf_checkpoint {
    struct vf_checkpoint_files files;
    struct file *opened;   /* [files.n] */
    char *directory;       /* for messages */
    struct entry *entries; /* [count], sorted by name */
    size_t count;
    uint64_t bytes;
};

static const struct vf_stored_tensor *tensors_of(const struct file *file, size_t *ret_n)
{
    return file->safetensors ? vf_safetensors_tensors(file->safetensors, ret_n)
                             : vf_torch_file_tensors(file->torch, ret_n);
}

static int open_file(struct vf_checkpoint *checkpoint, size_t i, struct vf_err *err)
{
    struct file *file = &checkpoint->opened[i];
    const char *path = checkpoint->files.paths[i];
    int rc = checkpoint->files.is_safetensors ? vf_safetensors_open(path, &file->safetensors, err)
                                              : vf_torch_file_open(path, &file->torch, err);
    if (rc == VF_ERR_NOT_FOUND)
        vf_hint(err, "fetch the model anew, or give a directory that holds all of it");
    if (rc)
        return rc;
    size_t n;
    (void)tensors_of(file, &n);
    checkpoint->count += n;
    checkpoint->bytes += file->safetensors ? vf_safetensors_bytes(file->safetensors)
                                           : vf_torch_file_bytes(file->torch);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return strcmp(x->tensor->name, y->tensor->name);
}

/* Makes one sorted list of the tensors of all files. */
static int list_tensors(struct vf_checkpoint *checkpoint, struct vf_err *err)
{
    struct entry *entry = calloc(checkpoint->count + 1, sizeof *entry);
    if (!entry)
        return vf_fail_memory(err, "the tensors of a model");
    checkpoint->entries = entry;
    for (size_t i = 0; i < checkpoint->files.n; i++) {
        size_t n;
        const struct vf_stored_tensor *tensors = tensors_of(&checkpoint->opened[i], &n);
        for (size_t j = 0; j < n; j++)
            *entry++ = (struct entry){&tensors[j], checkpoint->files.paths[i]};
    }
    qsort(checkpoint->entries, checkpoint->count, sizeof *entry, by_name);
    for (size_t i = 1; i < checkpoint->count; i++) {
        entry = &checkpoint->entries[i];
        if (by_name(entry - 1, entry) == 0)
            return vf_fail(err, VF_ERR_DATA, "%s: tensor \"%s\" is also in %s", entry->path,
                entry->tensor->name, entry[-1].path);
    }
    return 0;
}

int vf_checkpoint_open(const char *directory, struct vf_checkpoint **ret, struct vf_err *err)
{
    int rc;
    struct vf_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (!checkpoint || !(checkpoint->directory = strdup(directory))) {
        rc = vf_fail_memory(err, "the weights of a model");
        goto out;
    }
    VF_TRY(vf_checkpoint_files_list(directory, &checkpoint->files, err));
    checkpoint->opened = calloc(checkpoint->files.n, sizeof *checkpoint->opened);
    if (!checkpoint->opened) {
        rc = vf_fail_memory(err, "the weights of a model");
        goto out;
    }
    for (size_t i = 0; i < checkpoint->files.n; i++)
        VF_TRY(open_file(checkpoint, i, err));
    VF_TRY(list_tensors(checkpoint, err));
    *ret = checkpoint;
    checkpoint = NULL;
out:
    vf_checkpoint_close(checkpoint);
    return rc;
}

void vf_checkpoint_close(struct vf_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    for (size_t i = 0; checkpoint->opened && i < checkpoint->files.n; i++) {
        vf_safetensors_close(checkpoint->opened[i].safetensors);
        vf_torch_file_close(checkpoint->opened[i].torch);
    }
    free(checkpoint->opened);
    free(checkpoint->entries);
    free(checkpoint->directory);
    vf_checkpoint_files_release(&checkpoint->files);
    free(checkpoint);
}

static const struct entry *find(const struct vf_checkpoint *checkpoint, const char *name)
{
    const struct vf_stored_tensor tensor = {.name = name};
    const struct entry key = {.tensor = &tensor};
    return bsearch(&key, checkpoint->entries, checkpoint->count, sizeof key, by_name);
}

bool vf_checkpoint_has(const struct vf_checkpoint *checkpoint, const char *name)
{
    return find(checkpoint, name) != NULL;
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

static int find_as(const struct vf_checkpoint *checkpoint, const char *name,
    const struct entry **ret, struct vf_tensor *ret_tensor, struct vf_err *err)
{
    const struct entry *entry = find(checkpoint, name);
    enum vf_dtype dtype;
    if (!entry)
        return vf_fail(err, VF_ERR_DATA, "%s: there is no tensor \"%s\"",
            checkpoint->files.n == 1 ? checkpoint->files.paths[0] : checkpoint->directory, name);
    if (!as_dtype(entry->tensor->dtype, &dtype))
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has the dtype %s; F32, F16 and BF16 are read", entry->path, name,
            entry->tensor->dtype);
    if (!entry->tensor->data)
        return vf_fail(err, VF_ERR_DATA,
            "%s: the numbers of tensor \"%s\" do not lie one behind the other", entry->path, name);
    ret_tensor->dtype = dtype;
    ret_tensor->data = entry->tensor->data;
    *ret = entry;
    return 0;
}

int vf_checkpoint_matrix(const struct vf_checkpoint *checkpoint, const char *name, size_t rows,
    size_t cols, struct vf_tensor *ret, struct vf_err *err)
{
    struct vf_tensor tensor = {.rows = rows, .cols = cols};
    const struct entry *entry;
    int rc = find_as(checkpoint, name, &entry, &tensor, err);
    if (rc)
        return rc;
    const struct vf_stored_tensor *stored = entry->tensor;
    if (stored->rank != 2)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has %zu dimensions where [%zu, %zu] is expected", entry->path, name,
            stored->rank, rows, cols);
    if (stored->shape[0] != rows || stored->shape[1] != cols)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has the shape [%zu, %zu] where [%zu, %zu] is expected", entry->path,
            name, stored->shape[0], stored->shape[1], rows, cols);
    *ret = tensor;
    return 0;
}

int vf_checkpoint_slice(const struct vf_checkpoint *checkpoint, const char *name, size_t count,
    size_t index, size_t rows, size_t cols, struct vf_tensor *ret, struct vf_err *err)
{
    struct vf_tensor tensor = {.rows = rows, .cols = cols};
    const struct entry *entry;
    int rc = find_as(checkpoint, name, &entry, &tensor, err);
    if (rc)
        return rc;
    const struct vf_stored_tensor *stored = entry->tensor;
    const size_t *shape = stored->shape;
    if (stored->rank != 3 || shape[0] != count || shape[1] != rows || shape[2] != cols)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has not the shape [%zu, %zu, %zu] that is expected", entry->path,
            name, count, rows, cols);
    tensor.data = (const uint8_t *)stored->data + stored->n_bytes / count * index;
    *ret = tensor;
    return 0;
}

int vf_checkpoint_vector(const struct vf_checkpoint *checkpoint, const char *name, size_t size,
    struct vf_tensor *ret, struct vf_err *err)
{
    struct vf_tensor tensor = {.rows = 1, .cols = size};
    const struct entry *entry;
    int rc = find_as(checkpoint, name, &entry, &tensor, err);
    if (rc)
        return rc;
    const struct vf_stored_tensor *stored = entry->tensor;
    if (stored->rank != 1)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has %zu dimensions where [%zu] is expected", entry->path, name,
            stored->rank, size);
    if (stored->shape[0] != size)
        return vf_fail(err, VF_ERR_DATA,
            "%s: tensor \"%s\" has the shape [%zu] where [%zu] is expected", entry->path, name,
            stored->shape[0], size);
    *ret = tensor;
    return 0;
}

uint64_t vf_checkpoint_bytes(const struct vf_checkpoint *checkpoint)
{
    return checkpoint->bytes;
}
