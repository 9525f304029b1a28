/* A growable run of bytes with a hard limit.
 *
 * Invariants: `size <= capacity <= limit`; when `capacity` is not 0, `data[size]` is NUL, so that
 * the content can be used as a C string. A zeroed struct is an empty buffer without a limit.
 * Once an append has failed, the buffer keeps what it had and stays usable.
 */
#ifndef VF_BASE_BUF_H
#define VF_BASE_BUF_H

#include "base/error.h"

#include <stddef.h>

struct vf_buf {
    char *data;
    size_t size;     /* bytes used, without the NUL */
    size_t capacity; /* bytes that fit without growing, without the NUL */
    size_t limit;    /* greatest size; 0 means SIZE_MAX / 4 */
};

/* Frees the content and leaves an empty buffer with the same limit. Accepts NULL. */
void vf_buf_release(struct vf_buf *buf);

/* Forgets the content and keeps the memory. */
void vf_buf_clear(struct vf_buf *buf);

/* Makes room for `more` bytes beyond `size`. VF_ERR_NO_MEMORY, also when the limit forbids it. */
VF_MUST_CHECK int vf_buf_reserve(struct vf_buf *buf, size_t more, struct vf_err *err);

/* Appends `n` bytes. `bytes` must not point into the buffer. */
VF_MUST_CHECK int vf_buf_append(
    struct vf_buf *buf, const void *bytes, size_t n, struct vf_err *err);

VF_MUST_CHECK int vf_buf_append_string(struct vf_buf *buf, const char *s, struct vf_err *err);

VF_MUST_CHECK int vf_buf_printf(struct vf_buf *buf, struct vf_err *err, const char *fmt, ...)
    VF_PRINTF(3, 4);

/* Gives the content, NUL-terminated, to the caller, who frees it with free(), and leaves an empty
 * buffer. NULL only when memory is out. */
char *vf_buf_detach(struct vf_buf *buf);

#endif
