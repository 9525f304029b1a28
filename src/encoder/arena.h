/* Memory that is measured first and allocated once.
 *
 * The same layout function runs twice: on a zeroed arena its takes only add up (and return NULL);
 * after vf_arena_allocate() they return the memory. Parts that are not alive at the same time
 * share bytes when `end` is set back to where their phase starts. Under AddressSanitizer all that
 * has not been taken is poisoned, and so is a gap behind each part.
 */
#ifndef VF_ENCODER_ARENA_H
#define VF_ENCODER_ARENA_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* A cache line, and the widest vector. */
#define VF_ARENA_ALIGNMENT 64

struct vf_arena {
    unsigned char *base; /* NULL while measuring */
    size_t end;          /* where the next part starts */
    size_t bytes;        /* the greatest end so far */
    bool impossible;     /* the sizes overflowed; allocating will fail */
};

/* rows * columns elements, aligned and uninitialised; NULL while measuring. */
void *vf_arena_take(struct vf_arena *arena, size_t rows, size_t columns, size_t element_bytes);

/* Ends the measuring: allocates `bytes` and starts from the beginning. VF_ERR_NO_MEMORY names
 * `what` it was for. On success the caller releases the arena. */
VF_MUST_CHECK int vf_arena_allocate(struct vf_arena *arena, const char *what, struct vf_err *err);

/* Accepts a zeroed struct, and leaves one. */
void vf_arena_release(struct vf_arena *arena);

#endif
