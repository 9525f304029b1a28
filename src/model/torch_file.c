#include "model/torch_file.h"

#include "base/checked.h"
#include "base/file.h"
#include "model/pickle.h"
#include "model/zip_reader.h"

#include <stdlib.h>
#include <string.h>

struct vf_torch_file {
    char *path;
    struct vf_mapping mapping; /* owned; empty when the bytes are the caller's */
    struct vf_zip zip;
    char *folder;                     /* that all members lie in, with its slash; owned */
    struct vf_stored_tensor *tensors; /* [count] */
    size_t count;
    char *names; /* of the tensors, NUL-terminated, one behind the other */
    size_t n_bytes;
};

/* ---- the archive ---- */

static const struct vf_zip_member *find(const struct vf_torch_file *file, const char *name)
{
    return vf_zip_find(&file->zip, file->folder, name, strlen(name));
}

/* Finds the folder by the member FOLDER/data.pkl. */
static int find_folder(struct vf_torch_file *file, struct vf_err *err)
{
    static const char pickle[] = "data.pkl";
    const size_t n_pickle = sizeof pickle - 1;
    for (size_t i = 0; i < file->zip.n; i++) {
        const struct vf_zip_member *member = &file->zip.members[i];
        const char *slash = memchr(member->name, '/', member->n_name);
        if (!slash)
            continue;
        size_t n_folder = (size_t)(slash + 1 - member->name);
        if (member->n_name - n_folder != n_pickle || memcmp(slash + 1, pickle, n_pickle) != 0)
            continue;
        file->folder = strndup(member->name, n_folder);
        return file->folder ? 0 : vf_fail_memory(err, "a path");
    }
    return vf_fail(err, VF_ERR_DATA, "%s: not a file of torch.save(): no data.pkl", file->path);
}

static int check_byte_order(const struct vf_torch_file *file, struct vf_err *err)
{
    static const char little[] = "little";
    const struct vf_zip_member *order = find(file, "byteorder");
    if (!order ||
        (order->n_data == strlen(little) && memcmp(order->data, little, order->n_data) == 0))
        return 0;
    return vf_fail(err, VF_ERR_DATA, "%s: its numbers are not little-endian", file->path);
}

/* ---- tensors ---- */

static int fail_tensor(const struct vf_torch_file *file, const struct vf_pickle_tensor *tensor,
    const char *why, struct vf_err *err)
{
    return vf_fail(err, VF_ERR_DATA, "%s: tensor \"%.*s\": %s", file->path, (int)tensor->name.n,
        tensor->name.bytes, why);
}

/* True when the numbers lie one behind the other; dimensions of one number may have any stride. */
static bool is_contiguous(const struct vf_pickle_tensor *tensor, size_t numbers)
{
    size_t stride = 1;
    for (size_t i = tensor->rank; i-- > 0 && numbers > 0;) {
        if (tensor->shape[i] != 1 && tensor->strides[i] != stride)
            return false;
        stride *= tensor->shape[i];
    }
    return true;
}

/* *ret_end is one more than the index of the tensor's last number in its storage. */
static bool measure(const struct vf_pickle_tensor *tensor, size_t *ret_numbers, size_t *ret_end)
{
    size_t numbers = 1, last = tensor->offset, step;
    for (size_t i = 0; i < tensor->rank; i++)
        if (!vf_size_mul(numbers, tensor->shape[i], &numbers))
            return false;
    for (size_t i = 0; i < tensor->rank && numbers > 0; i++)
        if (!vf_size_mul(tensor->shape[i] - 1, tensor->strides[i], &step) ||
            !vf_size_add(last, step, &last))
            return false;
    *ret_numbers = numbers;
    return vf_size_add(last, numbers > 0, ret_end);
}

/* Finds the numbers of a tensor in the archive; `name` is its name with a NUL. */
static int place(const struct vf_torch_file *file, const struct vf_pickle_tensor *tensor,
    const char *name, struct vf_stored_tensor *ret, struct vf_err *err)
{
    static const char folder[] = "data/";
    char key[sizeof folder + 32];
    size_t numbers = 0, end = 0, bytes = 0;
    const size_t n_key = sizeof folder - 1 + tensor->key.n;
    if (n_key > sizeof key)
        return fail_tensor(file, tensor, "the name of its storage is too long", err);
    memcpy(key, folder, sizeof folder - 1);
    memcpy(key + sizeof folder - 1, tensor->key.bytes, tensor->key.n);
    const struct vf_zip_member *storage = vf_zip_find(&file->zip, file->folder, key, n_key);
    if (!storage)
        return fail_tensor(file, tensor, "its storage is not in the file", err);
    if (!vf_size_mul(tensor->storage_numbers, tensor->item_bytes, &bytes) ||
        bytes > storage->n_data)
        return fail_tensor(file, tensor, "its storage is cut short", err);
    if (!measure(tensor, &numbers, &end) || end > tensor->storage_numbers)
        return fail_tensor(file, tensor, "reaches behind its storage", err);
    *ret = (struct vf_stored_tensor){
        .name = name,
        .dtype = tensor->dtype,
        .n_bytes = numbers * tensor->item_bytes,
        .rank = tensor->rank,
    };
    if (is_contiguous(tensor, numbers))
        ret->data = storage->data + tensor->offset * tensor->item_bytes;
    for (size_t i = 0; i < VF_STORED_DIMENSIONS && i < tensor->rank; i++)
        ret->shape[i] = tensor->shape[i];
    return 0;
}

/* Copies the names, each with a NUL behind it. */
static int copy_names(struct vf_torch_file *file, const struct vf_pickle_tensor *tensors, size_t n,
    struct vf_err *err)
{
    size_t bytes = 1;
    for (size_t i = 0; i < n; i++) {
        if (memchr(tensors[i].name.bytes, '\0', tensors[i].name.n))
            return fail_tensor(file, &tensors[i], "its name holds a NUL", err);
        bytes += tensors[i].name.n + 1;
        /* Distinct names are no longer than the pickle that they stand in. */
        if (bytes > 2 * VF_PICKLE_MAX_BYTES)
            return fail_tensor(file, &tensors[i], "there are too many names", err);
    }
    char *to = file->names = malloc(bytes);
    if (!to)
        return vf_fail_memory(err, "the names of tensors");
    for (size_t i = 0; i < n; i++) {
        memcpy(to, tensors[i].name.bytes, tensors[i].name.n);
        to += tensors[i].name.n;
        *to++ = '\0';
    }
    return 0;
}

static int read_tensors(struct vf_torch_file *file, struct vf_err *err)
{
    struct vf_pickle_tensor *tensors = NULL;
    size_t n = 0;
    int rc;
    const struct vf_zip_member *pickle = find(file, "data.pkl");
    VF_TRY(vf_pickle_read(pickle->data, pickle->n_data, file->path, &tensors, &n, err));
    VF_TRY(copy_names(file, tensors, n, err));
    file->tensors = calloc(n + 1, sizeof *file->tensors);
    if (!file->tensors) {
        rc = vf_fail_memory(err, "the tensors of a file");
        goto out;
    }
    const char *name = file->names;
    for (; file->count < n; file->count++) {
        VF_TRY(place(file, &tensors[file->count], name, &file->tensors[file->count], err));
        name += tensors[file->count].name.n + 1;
    }
out:
    free(tensors);
    return rc;
}

/* ---- life cycle ---- */

static int fail_no_archive(const char *path, struct vf_err *err)
{
    int rc = vf_fail(err, VF_ERR_DATA,
        "%s: not an archive of torch.save(); the format of torch before 1.6 is not read", path);
    vf_hint(err, "take a revision of the model that has a model.safetensors");
    return rc;
}

int vf_torch_file_parse(const uint8_t *bytes, size_t n, const char *path,
    struct vf_torch_file **ret, struct vf_err *err)
{
    int rc;
    struct vf_torch_file *file = calloc(1, sizeof *file);
    if (!file || !(file->path = strdup(path))) {
        rc = vf_fail_memory(err, "a file of weights");
        goto out;
    }
    if (!vf_zip_is(bytes, n)) {
        rc = fail_no_archive(path, err);
        goto out;
    }
    file->n_bytes = n;
    VF_TRY(vf_zip_read(bytes, n, path, &file->zip, err));
    VF_TRY(find_folder(file, err));
    VF_TRY(check_byte_order(file, err));
    VF_TRY(read_tensors(file, err));
    *ret = file;
    file = NULL;
out:
    vf_torch_file_close(file);
    return rc;
}

int vf_torch_file_open(const char *path, struct vf_torch_file **ret, struct vf_err *err)
{
    struct vf_mapping mapping = {0};
    int rc = vf_map(path, &mapping, err);
    if (rc)
        return rc;
    rc = vf_torch_file_parse(mapping.data, mapping.size, path, ret, err);
    if (rc)
        vf_unmap(&mapping);
    else
        (*ret)->mapping = mapping;
    return rc;
}

void vf_torch_file_close(struct vf_torch_file *file)
{
    if (!file)
        return;
    free(file->tensors);
    free(file->names);
    free(file->folder);
    vf_zip_release(&file->zip);
    vf_unmap(&file->mapping);
    free(file->path);
    free(file);
}

const struct vf_stored_tensor *vf_torch_file_tensors(
    const struct vf_torch_file *file, size_t *ret_n)
{
    *ret_n = file->count;
    return file->tensors;
}

size_t vf_torch_file_bytes(const struct vf_torch_file *file)
{
    return file->n_bytes;
}
