/* Claims as locks on single bytes of an empty file, which the system releases when a process ends,
 * however it ends.
 *
 * Belongs to one thread. Locks are the process's: two of these on one file in one process do not
 * keep each other out. Where the file cannot be made or locked, everything can be claimed.
 */
#ifndef VF_STORE_FILE_CLAIMS_H
#define VF_STORE_FILE_CLAIMS_H

#include "store/claims.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vf_file_claims {
    char *path;
    bool is_open;
    int fd;                      /* -1: there is no file, and all can be claimed */
    int64_t keys[VF_MAX_CLAIMS]; /* a ring */
    size_t n;                    /* so far */
};

/* Claims in PATH-claims, which the first of them makes or opens. `claims` is zeroed, and goes to
 * vf_file_claims_close(). */
VF_MUST_CHECK int vf_file_claims_init(
    struct vf_file_claims *claims, const char *path, struct vf_err *err);

/* Ends all claims, and the file when nobody else has any. Accepts zeros, and leaves them. */
void vf_file_claims_close(struct vf_file_claims *claims);

/* Whether `key` is this process's, which lets go of the oldest for it. Never waits. */
bool vf_file_claims_take(struct vf_file_claims *claims, int64_t key);

#endif
