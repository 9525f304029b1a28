#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_errno(struct vf_err *err, const char *verb, const char *path, int error)
{
    enum vf_code code = error == ENOENT || error == ENOTDIR ? VF_ERR_NOT_FOUND
                        : error == EACCES || error == EPERM ? VF_ERR_PERMISSION
                        : error == ENOMEM                   ? VF_ERR_NO_MEMORY
                                                            : VF_ERR_IO;
    return vf_fail(err, code, "cannot %s %s: %s", verb, path, strerror(error));
}

/* Opens a regular file for reading; the caller closes *ret_fd. */
static int open_regular(const char *path, int *ret_fd, size_t *ret_size, struct vf_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, "open", path, errno);
    if (fstat(fd, &st) != 0) {
        int rc = fail_errno(err, "examine", path, errno);
        close(fd);
        return rc;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return vf_fail(err, VF_ERR_DATA, "%s is not a regular file", path);
    }
    *ret_fd = fd;
    *ret_size = (size_t)st.st_size;
    return 0;
}

int vf_map(const char *path, struct vf_mapping *ret, struct vf_err *err)
{
    int fd;
    size_t size;
    int rc = open_regular(path, &fd, &size, err);
    if (rc)
        return rc;
    void *data = NULL;
    if (size > 0) {
        data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            rc = fail_errno(err, "map", path, errno);
    }
    close(fd);
    if (rc)
        return rc;
    *ret = (struct vf_mapping){.data = data, .size = size};
    return 0;
}

void vf_unmap(struct vf_mapping *mapping)
{
    if (!mapping)
        return;
    if (mapping->data)
        munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (struct vf_mapping){0};
}

int vf_read_file(const char *path, size_t max_bytes, struct vf_buf *buf, struct vf_err *err)
{
    int fd;
    size_t size;
    int rc = open_regular(path, &fd, &size, err);
    if (rc)
        return rc;
    size_t begin = buf->size;
    if (size > max_bytes) {
        rc = vf_fail(err, VF_ERR_DATA, "%s has %zu bytes, more than the %zu that are allowed", path,
            size, max_bytes);
        goto out;
    }
    VF_TRY(vf_buf_reserve(buf, size, err));
    while (buf->size - begin < size) {
        ssize_t n = read(fd, buf->data + buf->size, size - (buf->size - begin));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            rc = fail_errno(err, "read", path, errno);
            goto out;
        }
        if (n == 0)
            break;
        buf->size += (size_t)n;
    }
out:
    if (rc)
        buf->size = begin;
    if (buf->data)
        buf->data[buf->size] = '\0';
    close(fd);
    return rc;
}

char *vf_path_join(const char *a, const char *b)
{
    size_t n = strlen(a);
    bool slash = n > 0 && a[n - 1] != '/' && b[0] != '\0';
    struct vf_buf path = {0};
    if (vf_buf_printf(&path, NULL, "%s%s%s", a, slash ? "/" : "", b)) {
        vf_buf_release(&path);
        return NULL;
    }
    return vf_buf_detach(&path);
}

bool vf_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool vf_is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
