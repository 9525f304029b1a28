#include "base/buf.h"

#include "base/checked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void vf_buf_release(struct vf_buf *buf)
{
    if (!buf)
        return;
    free(buf->data);
    *buf = (struct vf_buf){.limit = buf->limit};
}

void vf_buf_clear(struct vf_buf *buf)
{
    buf->size = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

int vf_buf_reserve(struct vf_buf *buf, size_t more, struct vf_err *err)
{
    size_t limit = buf->limit ? buf->limit : SIZE_MAX / 4;
    size_t need;
    if (!vf_size_add(buf->size, more, &need) || need > limit)
        return vf_fail(
            err, VF_ERR_NO_MEMORY, "a buffer would grow over its limit of %zu bytes", limit);
    if (buf->data && need <= buf->capacity)
        return 0;
    size_t capacity = buf->capacity > FIRST_CAPACITY ? buf->capacity : FIRST_CAPACITY;
    while (capacity < need)
        capacity += capacity / 2;
    if (capacity > limit)
        capacity = limit;
    char *data = realloc(buf->data, capacity + 1);
    if (!data)
        return vf_fail_memory(err, "a buffer");
    data[buf->size] = '\0';
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

int vf_buf_append(struct vf_buf *buf, const void *bytes, size_t n, struct vf_err *err)
{
    int rc = vf_buf_reserve(buf, n, err);
    if (rc)
        return rc;
    if (n)
        memcpy(buf->data + buf->size, bytes, n);
    buf->size += n;
    buf->data[buf->size] = '\0';
    return 0;
}

int vf_buf_append_string(struct vf_buf *buf, const char *s, struct vf_err *err)
{
    return vf_buf_append(buf, s, strlen(s), err);
}

int vf_buf_printf(struct vf_buf *buf, struct vf_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return vf_fail(err, VF_ERR_INTERNAL, "a text could not be formatted");
    int rc = vf_buf_reserve(buf, (size_t)n, err);
    if (rc)
        return rc;
    va_start(ap, fmt);
    vsnprintf(buf->data + buf->size, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buf->size += (size_t)n;
    return 0;
}

char *vf_buf_detach(struct vf_buf *buf)
{
    if (vf_buf_reserve(buf, 0, NULL))
        return NULL;
    char *data = buf->data;
    *buf = (struct vf_buf){.limit = buf->limit};
    return data;
}
