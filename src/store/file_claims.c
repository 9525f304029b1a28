#include "store/file_claims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Locks `n` bytes from `begin` (0: all that follow), or lets them go. False: they are another's. */
static bool set_lock(int fd, short type, off_t begin, off_t n)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = begin, .l_len = n};
    return fcntl(fd, F_SETLK, &lock) == 0 || (errno != EACCES && errno != EAGAIN);
}

/* Beyond the greatest offset there is no byte to lock. */
static off_t byte_of(int64_t key)
{
    return (off_t)(key & (INT64_MAX >> 1));
}

int vf_file_claims_init(struct vf_file_claims *claims, const char *path, struct vf_err *err)
{
    static const char suffix[] = "-claims";
    size_t n = strlen(path) + sizeof suffix;
    char *name = malloc(n);
    if (!name)
        return vf_fail_memory(err, "a path");
    snprintf(name, n, "%s%s", path, suffix);
    claims->path = name;
    return 0;
}

void vf_file_claims_close(struct vf_file_claims *claims)
{
    if (claims->is_open && claims->fd >= 0) {
        if (set_lock(claims->fd, F_WRLCK, 0, 0))
            unlink(claims->path);
        close(claims->fd);
    }
    free(claims->path);
    *claims = (struct vf_file_claims){0};
}

static bool has(const struct vf_file_claims *claims, int64_t key)
{
    for (size_t i = 0; i < claims->n && i < VF_MAX_CLAIMS; i++)
        if (claims->keys[i] == key)
            return true;
    return false;
}

bool vf_file_claims_take(struct vf_file_claims *claims, int64_t key)
{
    int64_t *oldest = &claims->keys[claims->n % VF_MAX_CLAIMS];
    if (!claims->is_open)
        claims->fd = open(claims->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    claims->is_open = true;
    if (claims->fd < 0 || has(claims, key))
        return true;
    if (!set_lock(claims->fd, F_WRLCK, byte_of(key), 1))
        return false;
    if (claims->n >= VF_MAX_CLAIMS)
        set_lock(claims->fd, F_UNLCK, byte_of(*oldest), 1);
    *oldest = key;
    claims->n++;
    return true;
}
