#include "cli/atomic_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_write(const char *path, int error, struct vf_err *err)
{
    enum vf_code code = error == ENOENT || error == ENOTDIR                   ? VF_ERR_NOT_FOUND
                        : error == EACCES || error == EPERM || error == EROFS ? VF_ERR_PERMISSION
                                                                              : VF_ERR_IO;
    vf_fail(err, code, "cannot write %s: %s", path, strerror(error));
    vf_hint(err, "name a file in a folder that exists, may be written to and has room");
    return code;
}

/* A new file beside `path`, with the mode that an ordinary new file has. */
static int open_temporary(struct vf_atomic_file *file, struct vf_err *err)
{
    size_t size = strlen(file->path) + sizeof ".XXXXXX";
    file->temporary = malloc(size);
    if (!file->temporary)
        return vf_fail_memory(err, "a file name");
    snprintf(file->temporary, size, "%s.XXXXXX", file->path);
    int fd = mkstemp(file->temporary);
    if (fd < 0) {
        int error = errno;
        free(file->temporary);
        file->temporary = NULL;
        return fail_write(file->path, error, err);
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    file->stream = fdopen(fd, "w+b");
    if (file->stream)
        return 0;
    close(fd);
    return vf_fail_memory(err, "a file");
}

int vf_atomic_file_open(const char *path, struct vf_atomic_file *ret, struct vf_err *err)
{
    struct vf_atomic_file file = {.path = strdup(path)};
    struct stat status;
    int rc = 0;
    if (!file.path)
        return vf_fail_memory(err, "a file name");
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        file.stream = fopen(path, "wb");
        if (!file.stream)
            rc = fail_write(path, errno, err);
    } else {
        rc = open_temporary(&file, err);
    }
    if (rc)
        vf_atomic_file_discard(&file);
    else
        *ret = file;
    return rc;
}

int vf_atomic_file_commit(struct vf_atomic_file *file, struct vf_err *err)
{
    bool failed = fflush(file->stream) != 0 || ferror(file->stream);
    if (file->temporary)
        failed = failed || fsync(fileno(file->stream)) != 0;
    int error = errno;
    if (fclose(file->stream) != 0 && !failed) {
        failed = true;
        error = errno;
    }
    file->stream = NULL;
    if (!failed && file->temporary && rename(file->temporary, file->path) != 0) {
        failed = true;
        error = errno;
    }
    int rc = failed ? fail_write(file->path, error, err) : 0;
    if (!failed) {
        free(file->temporary);
        file->temporary = NULL;
    }
    vf_atomic_file_discard(file);
    return rc;
}

void vf_atomic_file_discard(struct vf_atomic_file *file)
{
    if (file->stream)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (struct vf_atomic_file){0};
}
