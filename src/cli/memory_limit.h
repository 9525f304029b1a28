/* --max-memory: what a process has and what it may still take. */
#ifndef VF_CLI_MEMORY_LIMIT_H
#define VF_CLI_MEMORY_LIMIT_H

#include "base/error.h"

#include <stdint.h>

/* VF_ERR_CONFIG when the process held more than `limit` bytes at any time, or would with `more`.
 * `threads` is for the message. */
VF_MUST_CHECK int vf_memory_check(
    uint64_t limit, uint64_t more, unsigned threads, struct vf_err *err);

#endif
