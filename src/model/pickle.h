/* The tensors that a pickle of torch.save() describes.
 *
 * A pickle is a program for a stack machine that can import and call anything. This reader runs the
 * operations that the state dict of a model consists of, and nothing else: values are numbers,
 * strings, tuples, lists, dicts, storages and tensors; the only names that may be imported stand
 * for what torch's own tensors are made of, and "calling" them fills a struct. Any other operation
 * or name is VF_ERR_DATA with the name. Bounded by the length of the program: each operation takes
 * constant time, but for a tuple and a dict's items, which it takes off the stack.
 *
 * Operations: https://github.com/python/cpython/blob/main/Lib/pickletools.py (protocol 2).
 */
#ifndef VF_MODEL_PICKLE_H
#define VF_MODEL_PICKLE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VF_PICKLE_MAX_BYTES ((size_t)16 << 20)
enum { VF_PICKLE_MAX_RANK = 8 };

/* A string of the program, not NUL-terminated. */
struct vf_pickle_text {
    const char *bytes;
    size_t n;
};

/* A tensor as the program describes it; nothing of it has been compared with the data. */
struct vf_pickle_tensor {
    struct vf_pickle_text name; /* its key in the dict */
    struct vf_pickle_text key;  /* of the storage: which member of the archive has the numbers */
    const char *dtype;          /* as safetensors spells it; static string */
    size_t item_bytes;          /* of one number */
    size_t storage_numbers;     /* in the storage */
    size_t offset;              /* of the first number in the storage */
    size_t rank;
    size_t shape[VF_PICKLE_MAX_RANK], strides[VF_PICKLE_MAX_RANK]; /* in numbers */
};

/* Runs the program in `bytes`, which must leave a dict of names to tensors; `path` names it in
 * messages. Entries whose value is no tensor are left out. On success *ret_tensors (for the caller
 * to free) holds *ret_n of them, which point into `bytes`. */
VF_MUST_CHECK int vf_pickle_read(const uint8_t *bytes, size_t n, const char *path,
    struct vf_pickle_tensor **ret_tensors, size_t *ret_n, struct vf_err *err);

#endif
